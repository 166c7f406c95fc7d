// Tells a service manager that waits for it how the start went (sd_notify(3)), without its library.
#pragma once

#include <string_view>

namespace fwupdate::agent
{

/// Sends one message such as "READY=1" to the socket that $NOTIFY_SOCKET names; does nothing when nobody asked.
void notify_service_manager(std::string_view message);

} // namespace fwupdate::agent
