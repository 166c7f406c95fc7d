// One request through the table, with what ipmid does around its handlers.
#pragma once

#include "bmc-agent/channels/dbus/messages.hpp"
#include "bmc-agent/commands/command_table.hpp"

namespace fwupdate::agent::dbus_ipmi
{

/// NetFn 2Ch names a group in its first byte, 2Eh an enterprise in its first three: an answer always begins with them,
/// an error's too; without them the request is answered C7h. An answer larger than the channel carries is CAh.
[[nodiscard]] ExecuteReply dispatch(const CommandTable& commands, const ExecuteRequest& request, const Caller& caller,
                                    TimePoint now);

/// An answer that is a completion code alone.
[[nodiscard]] ExecuteReply reply_with(const ExecuteRequest& request, ipmi::CompletionCode code);

} // namespace fwupdate::agent::dbus_ipmi
