// Waiting while the BMC verifies and programs.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

namespace fwupdate::client
{

/// Waits until the update is ready; reports progress. Ends when the BMC says why it failed, or when nothing has moved
/// for five minutes: a lack of progress counts, not the wall clock.
[[nodiscard]] Attempt<void> watch_until_ready(const Context& context, ProgressMeter& meter);

/// The end that a reason of the BMC means.
[[nodiscard]] Outcome outcome_of(const Reason& reason);

} // namespace fwupdate::client
