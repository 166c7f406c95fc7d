// `install` and `resume` on a BMC with the extended profile.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"
#include "ipmitool-plugin/client/note.hpp"

namespace fwupdate::client
{

/// The whole update, from the first question to the verdict.
[[nodiscard]] Outcome install(const Context& context, const Image& image,
                              const protocol::GetCapabilitiesResponse& capabilities, const Notes& notes);

} // namespace fwupdate::client
