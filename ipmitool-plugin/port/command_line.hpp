// The command line that started ipmitool, as a person would have to type it again.
#pragma once

#include <span>
#include <string>

namespace fwupdate::plugin
{

/// Program and global options of ipmitool out of all its arguments (which it permutes), without the command and
/// without secrets: their place is taken by a word in angle brackets.
[[nodiscard]] std::string command_line_of(std::span<const std::string> arguments);

/// The arguments of this process; empty where the system does not tell.
[[nodiscard]] std::string own_command_line();

} // namespace fwupdate::plugin
