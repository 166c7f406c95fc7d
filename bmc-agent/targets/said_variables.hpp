// What programs print that tell variables: lines of NAME=VALUE.
#pragma once

#include "bmc-agent/process/command_runner.hpp"
#include "common/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent
{

/// The value of `name` in the first line that has it; none: there is no such line.
[[nodiscard]] std::optional<std::string> said_value(std::string_view output, std::string_view name);

/// "1" is true; "0", empty or absent is false. Errors: integrity (anything else).
[[nodiscard]] Result<bool> said_flag(std::string_view output, std::string_view name);

/// How a command that changes something ended. Errors: input_output, with its name.
[[nodiscard]] Result<void> outcome_of(const std::vector<std::string>& argv, const CommandResult& result);

} // namespace fwupdate::agent
