// What OpenBMC's software interfaces consist of, as clients introspect them.
#pragma once

#include "bmc-agent/dbus/object_tree.hpp"

#include <vector>

namespace fwupdate::agent::software
{

[[nodiscard]] std::vector<dbus::InterfaceInfo> interface_table();

} // namespace fwupdate::agent::software
