// Whether a bus answers, found out without waiting for it: what connects afterwards does wait, but not long.
#pragma once

#include "common/result.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace fwupdate::agent::dbus
{

/// The path of the socket of an address ("unix:path=/run/dbus/system_bus_socket"), with a NUL in front when it is an
/// abstract one; empty: another kind of address.
[[nodiscard]] std::string socket_of(const std::string& address);

/// Connects to the socket and begins to authenticate, as the D-Bus specification has it; `done` is called from the
/// loop. Errors: input_output, timeout.
void probe(boost::asio::io_context& context, const std::string& socket, std::chrono::seconds limit,
           std::function<void(const Result<void>&)> done);

} // namespace fwupdate::agent::dbus
