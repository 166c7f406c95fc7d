#include "transports/stream/engine/geometry.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace fwupdate::stream
{
namespace
{

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by)
{
    return (value + by - 1) / by;
}

/// The lengths of request data that a cut produces: full fragment, a whole block's last, the image's last.
std::array<std::size_t, 3> message_lengths(const Geometry& geometry)
{
    constexpr std::size_t end_overhead = protocol::fragment_header_size + protocol::block_check_size;
    const auto last_of = [&](std::uint32_t block) {
        return end_overhead + geometry.fragment_bytes({block, geometry.block_fragments(block) - 1});
    };
    const bool has_full = geometry.block_fragments(0) > 1;
    return {has_full ? protocol::fragment_header_size + geometry.fragment_size() : last_of(0), last_of(0),
            last_of(geometry.blocks() - 1)};
}

bool keeps_to(std::size_t length, const MessageLimit& limit)
{
    const std::size_t residue = length % 16;
    return length <= limit.largest && !(limit.spare_ipmitool && (residue == 9 || residue == 10));
}

} // namespace

Geometry::Geometry(std::uint64_t size, std::uint32_t fragment_size)
    : size_{size},
      fragment_size_{fragment_size},
      blocks_{static_cast<std::uint32_t>(divide_up(size, protocol::block_size))},
      last_block_bytes_{static_cast<std::uint32_t>(size - std::uint64_t{blocks_ - 1} * protocol::block_size)},
      fragments_per_block_{static_cast<std::uint32_t>(divide_up(protocol::block_size, fragment_size))},
      fragments_{static_cast<std::uint32_t>(std::uint64_t{blocks_ - 1} * fragments_per_block_ +
                                            divide_up(last_block_bytes_, fragment_size))}
{
}

Result<Geometry> Geometry::make(std::uint64_t size, std::uint32_t fragment_size)
{
    if (size == 0 || size > protocol::largest_image)
    {
        return fail(ErrorKind::out_of_range,
                    "An image of " + std::to_string(size) + " bytes cannot be streamed: 1 byte to 4 GiB is possible.");
    }
    if (fragment_size == 0 || fragment_size > std::numeric_limits<std::uint16_t>::max())
    {
        return fail(ErrorKind::out_of_range, "A fragment size of " + std::to_string(fragment_size) +
                                                 " bytes is not possible: 1 to 65535 bytes are.");
    }
    const std::uint64_t per_block = divide_up(protocol::block_size, fragment_size);
    if (divide_up(size, protocol::block_size) * per_block > std::numeric_limits<std::uint32_t>::max())
    {
        return fail(ErrorKind::out_of_range, "An image of " + std::to_string(size) +
                                                 " bytes has too many fragments of " + std::to_string(fragment_size) +
                                                 " bytes: use larger ones.");
    }
    return Geometry{size, fragment_size};
}

std::size_t longest_message(const Geometry& geometry)
{
    return std::ranges::max(message_lengths(geometry));
}

Result<std::uint16_t> fragment_size_for(std::uint64_t image_size, const MessageLimit& limit)
{
    constexpr std::size_t overhead = protocol::fragment_header_size + protocol::block_check_size;
    constexpr std::size_t largest = std::numeric_limits<std::uint16_t>::max();
    const std::size_t most = limit.largest > overhead ? std::min(limit.largest - overhead, largest) : 0;
    for (std::size_t candidate = most; candidate > 0; --candidate)
    {
        const auto geometry = Geometry::make(image_size, static_cast<std::uint32_t>(candidate));
        if (!geometry)
        {
            return geometry.error();
        }
        if (std::ranges::all_of(message_lengths(*geometry), [&](auto length) { return keeps_to(length, limit); }))
        {
            return static_cast<std::uint16_t>(candidate);
        }
    }
    return fail(ErrorKind::out_of_range, "Messages of at most " + std::to_string(limit.largest) +
                                             " bytes are too short for fragments of an image.");
}

} // namespace fwupdate::stream
