// The CRC-32 of firmware update packages (DSP0267: IEEE 802.3, reflected, initial and final value FFFFFFFFh).
#pragma once

#include "common/bytes.hpp"

#include <cstdint>

namespace fwupdate::pldm
{

/// CRC-32 of bytes that come in pieces; of no bytes it is 0.
class Crc32
{
  public:
    void update(ConstBytes bytes);

    /// Of all bytes so far; more may follow.
    [[nodiscard]] std::uint32_t value() const
    {
        return value_;
    }

  private:
    std::uint32_t value_{};
};

/// CRC-32 of bytes in one piece.
[[nodiscard]] std::uint32_t crc32(ConstBytes bytes);

} // namespace fwupdate::pldm
