// The staged image as a source for the checks and for programming.
#pragma once

#include "bmc-agent/staging/staging.hpp"
#include "common/package/byte_source.hpp"

namespace fwupdate::agent
{

/// The staged image, which must be hashed to its end, as it was hashed: every look at it gives the same bytes, or
/// fails (input_output). The staging outlives the source.
[[nodiscard]] package::ByteSource sealed_source(const Staging& staging);

} // namespace fwupdate::agent
