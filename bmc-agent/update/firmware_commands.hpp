// NetFn 08h: the rows of the command table that drive the update session.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/update/session.hpp"

namespace fwupdate::agent
{

/// 22h-2Ch. 20h, 21h and 25h are product specific and answered C1h.
void add_base_commands(CommandTable& table, UpdateSession& session);

/// 40h-4Bh, and 4Ch where there is a USB drive. What is not there is answered C1h, its feature bit is off.
void add_extended_commands(CommandTable& table, UpdateSession& session);

} // namespace fwupdate::agent
