// An acknowledgement as both ends hold it: what is here, from the first missing fragment on.
#pragma once

#include "protocol-spec/messages.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fwupdate::stream
{

inline constexpr std::size_t largest_bitmap = 256; ///< bytes

/// Bytes of WriteFragmentResponse before its bitmap.
inline constexpr std::size_t acknowledgement_header_size = 15;

/// WriteFragmentResponse that owns its bitmap, without an allocation.
struct Acknowledgement
{
    protocol::FragmentStatus status{};
    std::uint32_t fragment{};
    std::uint32_t first_missing{};
    std::uint32_t received{};
    std::size_t bitmap_size{}; ///< bytes of `bitmap` in use
    std::array<std::uint8_t, largest_bitmap> bitmap{};

    /// The message; views this object's bitmap.
    [[nodiscard]] protocol::WriteFragmentResponse response(std::uint16_t transfer) const
    {
        return {transfer, status, fragment, first_missing, received, {ConstBytes{bitmap}.first(bitmap_size)}};
    }

    /// A bitmap longer than 256 bytes is cut off.
    [[nodiscard]] static Acknowledgement from(const protocol::WriteFragmentResponse& response);

    /// Whether a fragment is here; none: beyond what the bitmap says.
    [[nodiscard]] std::optional<bool> here(std::uint32_t number) const
    {
        if (number <= first_missing)
        {
            return number < first_missing;
        }
        const std::size_t bit = std::size_t{number} - first_missing - 1;
        return bit / 8 < bitmap_size ? std::optional{(bitmap[bit / 8] >> bit % 8 & 1) != 0} : std::nullopt;
    }
};

} // namespace fwupdate::stream
