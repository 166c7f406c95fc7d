// The commands that change nothing: info, targets, status, log, plan.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/subject.hpp"

#include <optional>

namespace fwupdate::client
{

using Capabilities = protocol::GetCapabilitiesResponse;

/// 40h; none: a BMC that knows the base profile only (its answer lacks the signature, or it has none).
[[nodiscard]] Attempt<std::optional<Capabilities>> find_capabilities(const Context& context);

[[nodiscard]] Outcome show_info(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome show_targets(const Context& context);
[[nodiscard]] Outcome show_status(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome show_log(const Context& context);
[[nodiscard]] Outcome show_plan(const Context& context, const Subject& subject, const Capabilities& capabilities);

} // namespace fwupdate::client
