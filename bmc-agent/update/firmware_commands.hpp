// NetFn 08h: the rows of the command table that drive the update session.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/update/session.hpp"

namespace fwupdate::agent
{

/// 22h-2Ch. 20h, 21h and 25h are product specific and answered C1h.
void add_base_commands(CommandTable& table, UpdateSession& session);

/// 40h-4Bh. 4Ch-4Fh are answered C1h as long as their feature bits are off.
void add_extended_commands(CommandTable& table, UpdateSession& session);

} // namespace fwupdate::agent
