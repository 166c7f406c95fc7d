// Before an install changes anything: which target, what is true of it now, and whether there is anything to do.
#pragma once

#include "ipmitool-plugin/client/subject.hpp"
#include "ipmitool-plugin/client/verdict.hpp"

namespace fwupdate::client
{

struct Preparation
{
    protocol::GetTargetInfoResponse target;
    Before before;
};

/// Picks the target, looks at what is installed, asks the person. Ends here: no such target, too large, already current
/// (unless the BMC holds this very update ready for the same user), cancelled.
[[nodiscard]] Attempt<Preparation> prepare(const Context& context, const Subject& subject,
                                           const protocol::GetCapabilitiesResponse& capabilities);

/// Whether the BMC has the whole image and goes on by itself.
[[nodiscard]] constexpr bool is_past_transfer(protocol::UpdateState state)
{
    using protocol::UpdateState;
    return state == UpdateState::verify || state == UpdateState::program || state == UpdateState::ready ||
           state == UpdateState::host_restart_required;
}

/// Whether the update that the BMC is at is that of `subject` on `target`. What has no SHA-256 can't be told.
[[nodiscard]] Attempt<bool> is_about(const Context& context, const protocol::GetUpdateSessionResponse& session,
                                     const protocol::GetTargetInfoResponse& target, const Subject& subject);

} // namespace fwupdate::client
