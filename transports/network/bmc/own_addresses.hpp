// The addresses of the machine we run on.
#pragma once

#include "transports/network/engine/address_rules.hpp"

#include <vector>

namespace fwupdate::network
{

/// Of all interfaces, as they are now. Error: input_output, where the system does not tell.
[[nodiscard]] Result<std::vector<Address>> own_addresses();

} // namespace fwupdate::network
