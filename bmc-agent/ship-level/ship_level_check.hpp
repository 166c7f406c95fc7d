// The verdict on the minimum ship level in the chain of checks. It never refuses an update: an update may be what the
// machine needs to meet it.
#pragma once

#include "bmc-agent/ship-level/ship_level.hpp"
#include "bmc-agent/verification/check.hpp"

#include <functional>
#include <memory>

namespace fwupdate::agent
{

/// `verdict` is asked for each plan and each image.
[[nodiscard]] std::unique_ptr<Check> make_ship_level_check(std::function<ship_level::Verdict()> verdict);

} // namespace fwupdate::agent
