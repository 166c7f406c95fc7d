// The check that a block carries end to end.
#pragma once

#include "common/bytes.hpp"

#include <cstdint>

namespace fwupdate::stream
{

/// CRC-32 as zlib computes it (polynomial EDB88320h, reflected, initial and final complement).
[[nodiscard]] std::uint32_t block_check(ConstBytes bytes);

} // namespace fwupdate::stream
