// Which slot runs, as the kernel or a file says it.
#pragma once

#include "bmc-agent/config/slots.hpp"
#include "common/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::agent
{

/// The value of NAME=VALUE on a kernel's command line; of several the last one, as for the kernel.
[[nodiscard]] std::optional<std::string> argument_in(std::string_view command_line, std::string_view name);

/// The name of the slot; empty: the configuration leaves it to the selector. Errors: not_found (the argument or the
/// file is not there), input_output.
[[nodiscard]] Result<std::string> running_slot(const config::RunningSlot& configuration);

} // namespace fwupdate::agent
