// D-Bus messages to ours, and back. All throw sdbus::Error when a message is not what it should be.
#pragma once

#include "bmc-agent/channels/dbus/messages.hpp"

#include <sdbus-c++/sdbus-c++.h>

namespace fwupdate::agent::dbus_ipmi
{

inline constexpr const char* execute_signature = "yyyaya{sv}";
inline constexpr const char* reply_signature = "(yyyyay)";

[[nodiscard]] ExecuteRequest read_execute(sdbus::Message& message);
void write_reply(const ExecuteReply& reply, sdbus::Message& out);

[[nodiscard]] ReceivedMessage read_received_message(sdbus::Message& message);
void write_send_message(const SendMessage& message, sdbus::Message& out);

} // namespace fwupdate::agent::dbus_ipmi
