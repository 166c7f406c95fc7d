#include "transports/stream/engine/geometry.hpp"

#include "tests/common/result_printing.hpp"
#include "tests/transports/stream/image.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace fwupdate;
using namespace fwupdate::stream;

namespace
{

constexpr std::array<std::uint64_t, 11> sizes{
    1, 2, 1387, 1388, 65535, 65536, 65537, 131'071, 200'000, 1'000'003, std::uint64_t{3} << 20};
constexpr std::array<std::uint32_t, 11> fragment_sizes{1,    7,      228,    512,    1024,  1388,
                                                       4096, 32'768, 40'000, 65'534, 65'535};

} // namespace

TEST_CASE("Fragments tile the image: each byte in exactly one, numbers in order")
{
    for (const auto size : sizes)
    {
        for (const auto fragment_size : fragment_sizes)
        {
            CAPTURE(size);
            CAPTURE(fragment_size);
            const auto geometry = *Geometry::make(size, fragment_size);
            std::uint64_t position = 0;
            std::uint32_t number = 0;
            bool right = true;
            for (std::uint32_t block = 0; block < geometry.blocks(); ++block)
            {
                REQUIRE(position == std::uint64_t{block} * protocol::block_size);
                REQUIRE(geometry.first_fragment(block) == number);
                for (std::uint32_t index = 0; index < geometry.block_fragments(block); ++index, ++number)
                {
                    const Place place{block, index};
                    const auto bytes = geometry.fragment_bytes(place);
                    const bool last = index + 1 == geometry.block_fragments(block);
                    right = right && geometry.number(place) == number && geometry.place(number) == place &&
                            geometry.offset(place) == index * fragment_size && geometry.ends_block(place) == last &&
                            bytes >= 1 && (last ? bytes <= fragment_size : bytes == fragment_size);
                    position += bytes;
                }
            }
            CHECK(right);
            CHECK(position == size);
            CHECK(number == geometry.fragments());
        }
    }
}

TEST_CASE("Sizes that the protocol cannot number do not make a geometry")
{
    CHECK(Geometry::make(0, 1388).error().kind == ErrorKind::out_of_range);
    CHECK(Geometry::make(protocol::largest_image + 1, 1388).error().kind == ErrorKind::out_of_range);
    CHECK(Geometry::make(1000, 0).error().kind == ErrorKind::out_of_range);
    CHECK(Geometry::make(1000, 65'536).error().kind == ErrorKind::out_of_range);
    CHECK(Geometry::make(protocol::largest_image, 1).error().kind == ErrorKind::out_of_range);

    const auto largest = Geometry::make(protocol::largest_image, 2);
    REQUIRE(largest);
    CHECK(largest->blocks() == 65'536);
    CHECK(largest->fragments() == 0x8000'0000U);
}

TEST_CASE("A chosen fragment size keeps every message inside the channel, CRC-32 included")
{
    for (const auto size : sizes)
    {
        for (const std::size_t largest : {13U, 16U, 32U, 63U, 240U, 252U, 1384U, 1400U, 65'000U, 70'000U})
        {
            CAPTURE(size);
            CAPTURE(largest);
            const auto fragment_size = fragment_size_for(size, {largest, false});
            REQUIRE(fragment_size);
            CHECK(longest_message(*Geometry::make(size, *fragment_size)) <= largest);
            CHECK(*fragment_size >= std::min<std::size_t>(largest - 12, 65'535));
        }
    }
    CHECK(*fragment_size_for(1U << 20, {protocol::largest_lan_message, false}) == 1388);
    CHECK(fragment_size_for(1000, {12, false}).error().kind == ErrorKind::out_of_range);
    CHECK(fragment_size_for(1000, {0, false}).error().kind == ErrorKind::out_of_range);
    CHECK(fragment_size_for(0, {1400, false}).error().kind == ErrorKind::out_of_range);
}

TEST_CASE("Lengths that make ipmitool write past its buffer are avoided where it sends")
{
    test::Random random{3};
    for (int round = 0; round < 200; ++round)
    {
        const std::uint64_t size = 1 + random.below(400'000);
        const std::size_t largest = 200 + random.below(1300);
        CAPTURE(size);
        CAPTURE(largest);
        const auto fragment_size = fragment_size_for(size, {largest, true});
        REQUIRE(fragment_size);
        const auto geometry = *Geometry::make(size, *fragment_size);
        for (std::uint32_t number = 0; number < geometry.fragments(); ++number)
        {
            const Place place = geometry.place(number);
            const std::size_t length = 8 + geometry.fragment_bytes(place) + (geometry.ends_block(place) ? 4 : 0);
            REQUIRE(length <= largest);
            REQUIRE(length % 16 != 9);
            REQUIRE(length % 16 != 10);
        }
    }
}
