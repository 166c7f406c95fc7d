// The objects that stand for the versions: computed from their state, never kept beside it.
#pragma once

#include "bmc-agent/config/software.hpp"
#include "bmc-agent/software/objects.hpp"
#include "bmc-agent/software/version.hpp"

#include <map>
#include <string>

namespace fwupdate::agent::software
{

using Versions = std::map<std::string, Version>; ///< by id

/// The object that has the device's associations, DeleteAll and, so says the layout, belongs to it alone.
[[nodiscard]] std::string root_of(Device device, config::SoftwareLayout layout);

/// Every object of every service, association objects included where the settings want them.
[[nodiscard]] Objects describe(const config::Software& settings, const Versions& versions, ApplyTime apply_time);

} // namespace fwupdate::agent::software
