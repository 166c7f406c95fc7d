#include "transports/stream/engine/block_check.hpp"

#include <zlib.h>

namespace fwupdate::stream
{

std::uint32_t block_check(ConstBytes bytes)
{
    return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
}

} // namespace fwupdate::stream
