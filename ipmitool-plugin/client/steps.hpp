// The single steps, for people who debug a BMC, and the two ways out. All use the base profile, so that they work on
// any BMC; what the base profile has no word for is sent by the extended one where that is known.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/queries.hpp"

namespace fwupdate::client
{

[[nodiscard]] Outcome step_enter(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome step_options(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome step_write(const Context& context, const Image& image,
                                 const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome step_complete(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome leave(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome give_up(const Context& context, const std::optional<Capabilities>& capabilities,
                              const Notes& notes);

} // namespace fwupdate::client
