// OpenBMC's own list of channels, channel_config.json, as far as it says something of channels over D-Bus.
#pragma once

#include "bmc-agent/config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::config
{

/// The valid channels of such a file, with `policy`. Errors: invalid_field, a line for each mistake with `name` as the
/// file's.
[[nodiscard]] Result<std::vector<BridgedChannel>> parse_channel_config(std::string_view text, std::string_view name,
                                                                       HostPolicy policy);

/// Adds the channels of the file that dbus_ipmi.channel_config names; what the configuration itself says of a name
/// goes first. Gives the mistakes, a line each.
[[nodiscard]] std::vector<std::string> add_bridged_channels(Config& config);

} // namespace fwupdate::config
