// The blobs of phosphor-ipmi-flash's configuration as targets of ours.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "bmc-agent/config/flash/flash_config.hpp"

#include <string>
#include <vector>

namespace fwupdate::config::flash
{

/// Adds a target for each blob: type "handover", its path and actions; what the section flash_config says of it beside.
/// Without a name there it is called as its id without "/flash/", without a number it gets the lowest free one. An
/// update by "reboot" restarts the BMC. Resolves default_target. Gives the mistakes: what stands in the way of all.
[[nodiscard]] std::vector<std::string> add_targets(const FlashConfig& flash, Config& config);

/// What is wrong with the blobs of all targets: an id that can't be one, or that stands twice.
[[nodiscard]] std::vector<std::string> check_blobs(const Config& config);

} // namespace fwupdate::config::flash
