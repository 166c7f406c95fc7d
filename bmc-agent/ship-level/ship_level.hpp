// The minimum ship level: what the rules find, what inventory objects say of themselves, and whether the host may
// start.
#pragma once

#include "bmc-agent/config/ship_level.hpp"
#include "bmc-agent/ship-level/machine_view.hpp"
#include "common/package/version/version.hpp"

#include <map>
#include <string>
#include <vector>

namespace fwupdate::agent::ship_level
{

/// What one rule found.
struct RuleResult
{
    std::string name;
    std::string inventory; ///< object path; empty: none
    bool met{};
    std::string text; ///< a sentence; what to do is in it where it is not met
};

/// Looks at the machine now. What can't be read or compared is not met: a level that nobody can tell is not reached.
[[nodiscard]] std::vector<RuleResult> evaluate(const config::ShipLevel& settings, const package::VersionScheme& scheme,
                                               const MachineView& machine);

/// MeetsMinimumShipLevel by object path: what the rules say of inventory items; all rules of an item must be met.
using InventoryLevels = std::map<std::string, bool>;
[[nodiscard]] InventoryLevels inventory_levels(const std::vector<RuleResult>& results);

struct Verdict
{
    bool required{true};                ///< the setting
    std::vector<std::string> offenders; ///< a sentence each

    /// Whether the host may start.
    [[nodiscard]] bool met() const
    {
        return !required || offenders.empty();
    }
};

/// `reported`: MeetsMinimumShipLevel as the inventory on the bus has it; items that the rules speak of are told once.
[[nodiscard]] Verdict judge(bool required, const std::vector<RuleResult>& results, const InventoryLevels& reported);

/// One sentence for a report.
[[nodiscard]] std::string describe(const Verdict& verdict);

} // namespace fwupdate::agent::ship_level
