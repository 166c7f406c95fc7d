// The shell around the emulators' connections: a listening socket for each configured system interface.
#pragma once

#include "bmc-agent/channels/system-interface/host_server.hpp"

namespace fwupdate::agent::system_interface
{

/// Opens the socket; from then on it serves whenever `context` runs. An emulator that connects anew replaces its older
/// connection. Everything must outlive the server. Errors: input_output, with the place.
[[nodiscard]] Result<std::unique_ptr<HostServer>> listen_for_emulator(boost::asio::io_context& context,
                                                                      const config::SystemInterface& settings,
                                                                      const CommandTable& commands, Log& log);

} // namespace fwupdate::agent::system_interface
