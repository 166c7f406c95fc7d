// Which target: by name or number, else the BMC's default.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

#include <vector>

namespace fwupdate::client
{

/// All targets of the BMC.
[[nodiscard]] Attempt<std::vector<protocol::GetTargetInfoResponse>> list_targets(const Context& context);

/// The targets, and one of them: what the keywords name, else the default one.
struct TargetChoice
{
    std::vector<protocol::GetTargetInfoResponse> all;
    std::size_t picked{};

    [[nodiscard]] const protocol::GetTargetInfoResponse& target() const
    {
        return all[picked];
    }
};

/// Nothing of the kind ends the command as refused.
[[nodiscard]] Attempt<TargetChoice> choose_target(const Context& context);

/// The chosen one alone.
[[nodiscard]] Attempt<protocol::GetTargetInfoResponse> pick_target(const Context& context);

/// What 43h, 44h and 4Ah name: the target of the keyword, else FFh, so that a package's own mapping chooses.
[[nodiscard]] std::uint8_t named_target(const Context& context, const TargetChoice& choice);

/// Whether an image may go to other targets than the picked one: no keyword names it, and it takes packages.
[[nodiscard]] bool package_may_choose(const Context& context, const TargetChoice& choice);

} // namespace fwupdate::client
