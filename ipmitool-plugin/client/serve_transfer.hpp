// The image on its way by a server of our own that the BMC fetches it from.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"
#include "transports/network/host/file_server.hpp"

#include <memory>
#include <optional>
#include <string>

namespace fwupdate::client
{

/// One image served to one BMC, from the first offer() to stop().
class ImageServer
{
  public:
    ImageServer(const Context& context, const Image& image, const protocol::GetCapabilitiesResponse& capabilities)
        : context_{context}, image_{image}, capabilities_{capabilities}
    {
    }

    /// Starts the server, if it does not run, and tells the BMC where it is.
    [[nodiscard]] Attempt<void> offer();

    /// Adds to a failure what the server has seen, or has not.
    [[nodiscard]] Outcome explained(Outcome outcome) const;

    void stop()
    {
        server_.reset();
    }

  private:
    [[nodiscard]] Attempt<network::ServerOptions> options();
    [[nodiscard]] Attempt<void> start();
    void tell_person() const;
    [[nodiscard]] std::string seen(const std::string& place) const;

    const Context& context_;
    const Image& image_;
    const protocol::GetCapabilitiesResponse& capabilities_;
    network::ServerOptions options_;
    std::unique_ptr<network::FileServer> server_;
};

/// The end where the BMC can't fetch from here, whatever is tried. None: it can.
[[nodiscard]] std::optional<Outcome> refuse_server(const Context& context,
                                                   const protocol::GetCapabilitiesResponse& capabilities);

} // namespace fwupdate::client
