// What serves one host, whatever it is reached by.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/log/log.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace fwupdate::agent::system_interface
{

class HostServer
{
  public:
    HostServer() = default;
    HostServer(const HostServer&) = delete;
    HostServer& operator=(const HostServer&) = delete;
    virtual ~HostServer() = default;

    /// Where the host is reached, for people: "127.0.0.1:9002", "/run/bmc/host0", "/dev/ipmi-kcs3".
    [[nodiscard]] virtual std::string name() const = 0;

    /// Stops serving; what is under way ends at once.
    virtual void stop() = 0;
};

/// The server of the configured type; from then on it serves whenever `context` runs. Everything must outlive the
/// server. Errors: input_output, with the place (a socket that can't be opened; a device may come later).
[[nodiscard]] Result<std::unique_ptr<HostServer>> serve_host(boost::asio::io_context& context,
                                                             const config::SystemInterface& settings,
                                                             const CommandTable& commands, Log& log);

} // namespace fwupdate::agent::system_interface
