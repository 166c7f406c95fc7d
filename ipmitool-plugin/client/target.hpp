// Which target: by name or number, else the BMC's default.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

#include <vector>

namespace fwupdate::client
{

/// All targets of the BMC.
[[nodiscard]] Attempt<std::vector<protocol::GetTargetInfoResponse>> list_targets(const Context& context);

/// The one that the keywords name, else the default one. Nothing of the kind ends the command as refused.
[[nodiscard]] Attempt<protocol::GetTargetInfoResponse> pick_target(const Context& context);

} // namespace fwupdate::client
