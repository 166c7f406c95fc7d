// posix_spawn, with everything a child of the agent must not inherit taken away.
#pragma once

#include "bmc-agent/process/child_process.hpp"

#include <sys/types.h>

namespace fwupdate::agent
{

/// A child that was started.
struct Spawned
{
    pid_t pid{};
    int process{-1}; ///< a pidfd; it becomes readable when the child ends
};

/// Starts it with `output` as its standard output. The caller owns the descriptors. Errors: input_output.
Result<Spawned> spawn(const ChildCommand& command, int output);

/// Takes the end of a child that has ended.
ChildEnd reap(int process);

/// Sends a signal to a child, or nothing where it has ended just now.
void send_signal(int process, int number) noexcept;

} // namespace fwupdate::agent
