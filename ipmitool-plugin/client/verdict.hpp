// What became of an update, judged from what the BMC says after the restart. Judgement is pure; waiting is not.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

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
    protocol::Restart restart{};                                ///< what exit restarts
    decltype(protocol::GetTargetInfoResponse::accepts) accepts; ///< what the target takes
};

/// What an answer to Get Verdict means; none: not decided yet, the restart is still to come.
[[nodiscard]] std::optional<Outcome> judge(const Before& before, const protocol::GetVerdictResponse& now,
                                           const std::string& target_name);

/// After exit: waits for the restart as the keywords say and tells the verdict.
[[nodiscard]] Outcome wait_for_verdict(const Context& context, const Before& before,
                                       const protocol::GetTargetInfoResponse& target);

} // namespace fwupdate::client
