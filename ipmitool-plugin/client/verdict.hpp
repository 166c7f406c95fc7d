// What became of an update, judged from what the BMC says after the restart. Judgement is pure; waiting is not.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fwupdate::client
{

/// What was true before.
struct Before
{
    Sha256 image{};                  ///< SHA-256 of the image; zeros: unknown until the BMC has it
    std::optional<Sha256> installed; ///< of what was installed before programming; none: unknown
    std::string version;             ///< running then; empty: unknown
    protocol::Identifier boot_id{};  ///< just before exit
    protocol::Identifier instance_id{};
    protocol::Restart restart{}; ///< what exit restarts
};

/// A target that the update has programmed.
struct Programmed
{
    std::uint8_t target{}; ///< id
    std::string name;      ///< printable
    Before before;
};

/// What an answer to Get Verdict means; none: not decided yet, the restart is still to come.
[[nodiscard]] std::optional<Outcome> judge(const Before& before, const protocol::GetVerdictResponse& now,
                                           const std::string& target_name);

/// The ends of several targets as one: the worst exit code, each text once.
[[nodiscard]] Outcome combined(const std::vector<Outcome>& ends);

/// After exit: waits for the restart as the keywords say and tells the verdict of each target; at least one.
[[nodiscard]] Outcome wait_for_verdict(const Context& context, const std::vector<Programmed>& programmed);

} // namespace fwupdate::client
