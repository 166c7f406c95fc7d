// The OEM command of the blobs in the table of commands.
#pragma once

#include "bmc-agent/blobs/blob_manager.hpp"
#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/log/log.hpp"

namespace fwupdate::agent::blobs
{

/// Adds NetFn 2Eh, command 80h, for administrators. Manager and log outlive the table. Refusals go into the log: the
/// original's completion codes tell a person nothing. `heard` is called before each request: who asks is still there.
void add_blob_commands(CommandTable& table, BlobManager& manager, Log& log,
                       std::function<void(const Caller&, TimePoint)> heard);

} // namespace fwupdate::agent::blobs
