// The end of an update that is ready: leaving update mode, which makes it take effect, and what became of it.
#pragma once

#include "ipmitool-plugin/client/subject.hpp"
#include "ipmitool-plugin/client/target.hpp"

namespace fwupdate::client
{

/// Exit, and the verdict of every target that was programmed. `choice`: the targets as they were before.
[[nodiscard]] Outcome end_update(const Context& context, const Subject& subject, const TargetChoice& choice);

} // namespace fwupdate::client
