// Redundancy priorities: which version a device boots, and which one goes when space is needed.
#pragma once

#include "bmc-agent/software/activation_table.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::software
{

/// One version's priority; 0 is the first.
struct Ranked
{
    std::string id;
    std::uint8_t priority{};

    bool operator==(const Ranked&) const = default;
};

/// Gives `id` the priority; whoever has it moves one down, whoever has that one too, and so on until there is a gap (or
/// the end, 255, where versions may share it). Comes back in ascending order of priority, equal ones as they were.
[[nodiscard]] std::vector<Ranked> give_priority(std::vector<Ranked> versions, std::string_view id,
                                                std::uint8_t priority);

/// What counts when space is needed for one more version of a device.
struct Kept
{
    std::string id;
    Activation activation{};
    std::uint8_t priority{}; ///< of an active one
    bool functional{false};
};

/// Which versions go so that, with the one that `caller` becomes, at most `most` are kept: those with the highest
/// number, failed ones before all; never the caller; the one that runs only where no more than one may be kept.
[[nodiscard]] std::vector<std::string> to_be_freed(const std::vector<Kept>& versions, std::string_view caller,
                                                   std::uint8_t most);

} // namespace fwupdate::agent::software
