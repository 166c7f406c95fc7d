// `install` on a BMC that knows the base profile only.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"
#include "ipmitool-plugin/client/note.hpp"

namespace fwupdate::client
{

/// The whole update by the rules for a foreign BMC (protocol-spec/README.md).
[[nodiscard]] Outcome install_foreign(const Context& context, const Image& image, const Notes& notes);

} // namespace fwupdate::client
