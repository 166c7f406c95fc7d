// The command line that started ipmitool, as a person would have to type it again.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fwupdate::plugin
{

/// Program and global options of ipmitool out of all its arguments (which it permutes), without the command and
/// without secrets: their place is taken by a word in angle brackets.
[[nodiscard]] std::string command_line_of(std::span<const std::string> arguments);

/// What stands behind ipmitool's own options.
struct CommandWords
{
    std::vector<std::string> words; ///< the command and what belongs to it
    bool csv{};                     ///< -c
};

/// The words among all of ipmitool's arguments that are neither an option (which may stand anywhere before "--") nor an
/// option's value. None: an option that ipmitool has to judge - help, version, unknown, or without its value.
[[nodiscard]] std::optional<CommandWords> command_words_of(std::span<const std::string> arguments);

/// The arguments of this process; empty where the system does not tell.
[[nodiscard]] std::string own_command_line();

} // namespace fwupdate::plugin
