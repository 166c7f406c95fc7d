// What the process does with signals, whatever its parent left it with.
#pragma once

namespace fwupdate::agent
{

/// SIGPIPE is ignored: a reader of our output that goes away is an error code, not our end. SIGCHLD has its default
/// action: with an ignored one, as `trap '' CHLD` of a starting shell leaves it, the kernel forgets how a child ended.
void set_signal_actions();

} // namespace fwupdate::agent
