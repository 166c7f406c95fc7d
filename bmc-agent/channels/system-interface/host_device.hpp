// The shell around a BMC-side character device of the host's system interface: /dev/ipmi-kcs*, /dev/ipmi-bt-host.
#pragma once

#include "bmc-agent/channels/system-interface/host_server.hpp"

#include <filesystem>
#include <functional>

namespace fwupdate::agent::system_interface
{

/// Opens a device without blocking; the descriptor is the caller's. Errors: input_output, with the cause alone.
using DeviceOpener = std::function<Result<int>(const std::filesystem::path&)>;

/// The one for real devices: a character device, opened by nobody else.
[[nodiscard]] Result<int> open_device(const std::filesystem::path& path);

/// Serves the device whenever `context` runs. It need not be there yet, and may go away: it is tried again every few
/// seconds. Everything must outlive the server.
[[nodiscard]] std::unique_ptr<HostServer> serve_host_device(boost::asio::io_context& context,
                                                            const config::SystemInterface& settings,
                                                            const CommandTable& commands, Log& log,
                                                            DeviceOpener open = open_device);

} // namespace fwupdate::agent::system_interface
