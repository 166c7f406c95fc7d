// The shell around the emulators' connections: a listening socket for each configured system interface.
#pragma once

#include "bmc-agent/channels/system-interface/host_channel.hpp"
#include "bmc-agent/log/log.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace fwupdate::agent::system_interface
{

class VmServer
{
  public:
    virtual ~VmServer() = default;

    /// Opens the socket; from then on it serves whenever `context` runs. An emulator that connects anew replaces its
    /// older connection. Everything must outlive the server. Errors:
    /// input_output, with the place.
    [[nodiscard]] static Result<std::unique_ptr<VmServer>> create(boost::asio::io_context& context,
                                                                  const config::SystemInterface& settings,
                                                                  const CommandTable& commands, Log& log);

    /// Where it listens, for people: "127.0.0.1:9002", "/run/bmc/host0".
    [[nodiscard]] virtual std::string name() const = 0;

    /// Stops serving; what is under way ends at once.
    virtual void stop() = 0;
};

} // namespace fwupdate::agent::system_interface
