// Before an install changes anything: which target, what is true of it now, and whether there is anything to do.
#pragma once

#include "ipmitool-plugin/client/subject.hpp"
#include "ipmitool-plugin/client/target.hpp"

namespace fwupdate::client
{

/// Picks the target, looks at what is installed, asks the BMC what it would say of the image (4Ah), and the person.
/// Gives the targets as they are before. Ends here: no such target, too large, already current (unless the BMC holds
/// this very update ready for the same user), the BMC would refuse it, cancelled.
[[nodiscard]] Attempt<TargetChoice> prepare(const Context& context, const Subject& subject,
                                            const protocol::GetCapabilitiesResponse& capabilities);

/// Whether the BMC has the whole image and goes on by itself.
[[nodiscard]] constexpr bool is_past_transfer(protocol::UpdateState state)
{
    using protocol::UpdateState;
    return state == UpdateState::verify || state == UpdateState::program || state == UpdateState::ready ||
           state == UpdateState::host_restart_required;
}

/// Whether the update that the BMC is at may be for the target that this command wants: without the keyword any, as
/// 41h tells the one that is being programmed just now.
[[nodiscard]] bool may_be_for(const Context& context, const protocol::GetUpdateSessionResponse& session,
                              const TargetChoice& choice);

/// Whether the update that the BMC is at is that of `subject`. What has no SHA-256 can't be told.
[[nodiscard]] Attempt<bool> is_about(const Context& context, const protocol::GetUpdateSessionResponse& session,
                                     const TargetChoice& choice, const Subject& subject);

} // namespace fwupdate::client
