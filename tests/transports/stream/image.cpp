#include "tests/transports/stream/image.hpp"

#include "transports/stream/engine/block_check.hpp"

namespace fwupdate::test
{
namespace
{

void append_check(Bytes& data, ConstBytes carried)
{
    codec::append(stream::block_check(carried), data);
}

} // namespace

Bytes random_image(std::uint64_t size, std::uint64_t seed)
{
    Random random{seed};
    Bytes image(size);
    for (std::size_t at = 0; at < image.size(); at += 8)
    {
        const std::uint64_t word = random.next();
        for (std::size_t byte = 0; byte < 8 && at + byte < image.size(); ++byte)
        {
            image[at + byte] = static_cast<std::uint8_t>(word >> 8 * byte);
        }
    }
    return image;
}

OwnedFragment make_fragment(ConstBytes image, const stream::Geometry& geometry, stream::Place place, bool acknowledge)
{
    const std::size_t block_start = std::size_t{place.block} * protocol::block_size;
    const ConstBytes block = image.subspan(block_start, geometry.block_bytes(place.block));
    const ConstBytes bytes = block.subspan(geometry.offset(place), geometry.fragment_bytes(place));
    OwnedFragment result;
    result.request.flags.bits = acknowledge ? protocol::fragment_acknowledge : 0;
    result.request.block = static_cast<std::uint16_t>(place.block);
    result.request.offset = static_cast<std::uint16_t>(geometry.offset(place));
    result.data.assign(bytes.begin(), bytes.end());
    if (geometry.ends_block(place))
    {
        result.request.flags.bits |= protocol::fragment_block_end;
        append_check(result.data, block);
    }
    return result;
}

OwnedFragment make_fill(std::uint32_t block, std::uint8_t value, bool acknowledge)
{
    OwnedFragment result;
    result.request.flags.bits =
        static_cast<std::uint8_t>(protocol::fragment_block_end | (acknowledge ? protocol::fragment_acknowledge : 0));
    result.request.encoding = protocol::BlockEncoding::fill;
    result.request.block = static_cast<std::uint16_t>(block);
    result.data = {value};
    append_check(result.data, Bytes{value});
    return result;
}

std::vector<OwnedFragment> all_fragments(ConstBytes image, const stream::Geometry& geometry)
{
    std::vector<OwnedFragment> result;
    for (std::uint32_t number = 0; number < geometry.fragments(); ++number)
    {
        result.push_back(make_fragment(image, geometry, geometry.place(number)));
    }
    return result;
}

} // namespace fwupdate::test
