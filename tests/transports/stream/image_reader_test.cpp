#include "transports/stream/host/image_reader.hpp"

#include "tests/common/result_printing.hpp"
#include "tests/transports/stream/image.hpp"
#include "tests/transports/stream/temporary_image.hpp"
#include "transports/stream/engine/block_check.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fwupdate;
using namespace fwupdate::stream;
using namespace fwupdate::test;

TEST_CASE("The CRC-32 is zlib's: the value every implementer can check")
{
    CHECK(block_check(as_bytes("123456789")) == 0xCBF43926U);
}

TEST_CASE("Blocks in any order, with their checks, whatever the cache holds")
{
    const Bytes image = random_image(5 * 65'536 + 77, 1);
    const TemporaryImage file{image};
    for (const std::size_t cached : {0U, 1U, 3U, 48U})
    {
        auto reader = ImageReader::open(file.path(), cached);
        REQUIRE(reader);
        CHECK(reader->size() == image.size());
        Random random{cached + 1};
        for (int round = 0; round < 60; ++round)
        {
            const auto number = static_cast<std::uint32_t>(random.below(6));
            const auto block = reader->block(number);
            REQUIRE(block);
            const ConstBytes expected =
                ConstBytes{image}.subspan(std::size_t{number} * 65'536, number == 5 ? 77 : 65'536);
            CHECK((*block)->number == number);
            CHECK(std::ranges::equal((*block)->bytes, expected));
            CHECK((*block)->check == block_check(expected));
            CHECK(!(*block)->uniform);
        }
        CHECK(reader->block(6).error().kind == ErrorKind::out_of_range);
    }
}

TEST_CASE("A block of one value is known as such")
{
    Bytes image(3 * 65'536, 0xFF);
    image[65'536 + 40'000] = 0;
    image.push_back(9);
    const TemporaryImage file{image};
    auto reader = *ImageReader::open(file.path());
    CHECK((*reader.block(0))->uniform);
    CHECK(!(*reader.block(1))->uniform);
    CHECK((*reader.block(2))->uniform);
    CHECK(!(*reader.block(3))->uniform); // one byte: a fill would save nothing
}

TEST_CASE("Files that cannot be streamed are named with the reason")
{
    const TemporaryImage empty{{}};
    const auto nothing = ImageReader::open(empty.path());
    CHECK(nothing.error().kind == ErrorKind::out_of_range);
    CHECK(nothing.error().text.find(empty.path().string()) != std::string::npos);

    const auto missing = ImageReader::open("/no/such/image");
    CHECK(missing.error().kind == ErrorKind::input_output);
    CHECK(missing.error().text.find("/no/such/image") != std::string::npos);

    CHECK(ImageReader::open(std::filesystem::temp_directory_path()).error().kind == ErrorKind::input_output);
}

TEST_CASE("A file that becomes shorter under way is an error, not a short block")
{
    const TemporaryImage file{random_image(200'000, 1)};
    auto reader = *ImageReader::open(file.path(), 1);
    REQUIRE(reader.block(0));
    file.write(random_image(100'000, 1));
    const auto block = reader.block(2);
    REQUIRE(!block);
    CHECK(block.error().kind == ErrorKind::input_output);
    CHECK(reader.block(0)); // what is still there can be read
}
