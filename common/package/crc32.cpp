#include "common/package/crc32.hpp"

#include <zlib.h>

namespace fwupdate::pldm
{

void Crc32::update(ConstBytes bytes)
{
    if (bytes.empty())
    {
        return; // zlib takes a null pointer for "start again"
    }
    value_ = static_cast<std::uint32_t>(::crc32_z(value_, bytes.data(), bytes.size()));
}

std::uint32_t crc32(ConstBytes bytes)
{
    Crc32 crc;
    crc.update(bytes);
    return crc.value();
}

} // namespace fwupdate::pldm
