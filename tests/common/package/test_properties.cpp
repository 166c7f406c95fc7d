// What holds for every package: random ones of every revision, and every byte of them changed.
#include "tests/common/package/sample.hpp"
#include "tests/common/result_printing.hpp"

using namespace fwupdate;
using namespace fwupdate::pldm;
using namespace fwupdate::pldm::test;

TEST_CASE("what is written is read again, and what is read is written again")
{
    for (std::uint32_t seed = 0; seed < 400; ++seed)
    {
        CAPTURE(seed);
        Dice dice{seed};
        std::uint64_t total = 0;
        const auto revision = static_cast<std::uint8_t>(seed % newest_revision + 1);
        const Content content = random_content(dice, revision, seed % 40 == 0 ? 300 : 12, total);
        const auto written = encode_header(content, total);
        REQUIRE(written);
        const auto package = Package::parse(written->bytes, total);
        REQUIRE(package);
        CHECK(package->content() == content);
        CHECK(package->header_size() == written->bytes.size());
        CHECK(package->total_size() == total);
        CHECK(package->warnings() == written->warnings);
        CHECK(encode_header(package->content(), total)->bytes == written->bytes);
    }
}

TEST_CASE("the script's packages are written again as they are")
{
    for (const auto& names :
         {std::span<const std::string_view>{clean_vectors}, std::span<const std::string_view>{tolerated_vectors}})
    {
        for (const std::string_view name : names)
        {
            CAPTURE(name);
            const Bytes bytes = vector_package(name);
            const auto package = Package::parse(bytes, bytes.size(), Tolerance::script);
            REQUIRE(package);
            CHECK(encode_header(package->content(), bytes.size(), Tolerance::script)->bytes == header_of(bytes));
            Content again = package->content();
            CHECK(place_components(again).value() == bytes.size());
            CHECK(again == package->content());
        }
    }
}

TEST_CASE("every byte changed under a right checksum: refused with its field, or a package that says so itself")
{
    std::size_t refused = 0;
    std::size_t accepted = 0;
    for (std::uint32_t seed = 0; seed < 8; ++seed)
    {
        Dice dice{seed};
        std::uint64_t total = 0;
        const auto revision = static_cast<std::uint8_t>(seed % newest_revision + 1);
        const Content content = random_content(dice, revision, 5, total);
        const Bytes good = encode_header(content, total)->bytes;
        for (std::size_t at = 0; at < good.size(); ++at)
        {
            for (const int change : {0x01, 0x7F, 0x80, 0xFF})
            {
                Bytes bytes = good;
                bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ change);
                repair_checksum(bytes, revision);
                CAPTURE(seed);
                CAPTURE(at);
                const auto package = Package::parse(bytes, total);
                if (!package)
                {
                    ++refused;
                    CHECK(package.error().text.find(" at offset ") != std::string::npos);
                    continue;
                }
                ++accepted;
                const auto again = encode_header(package->content(), total);
                REQUIRE(again);
                CHECK(again->bytes == bytes);
            }
        }
    }
    CHECK(refused > 1000);
    CHECK(accepted > 1000);
}

TEST_CASE("every truncation of random headers is refused, with the checksum right for what is left")
{
    for (std::uint32_t seed = 0; seed < 8; ++seed)
    {
        Dice dice{seed};
        std::uint64_t total = 0;
        const auto revision = static_cast<std::uint8_t>(seed % newest_revision + 1);
        const Content content = random_content(dice, revision, 5, total);
        const Bytes good = encode_header(content, total)->bytes;
        const std::size_t least = revision >= 4 ? 44 : 40;
        for (std::size_t size = least; size < good.size(); ++size)
        {
            Bytes cut{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)};
            cut[17] = static_cast<std::uint8_t>(size);
            cut[18] = static_cast<std::uint8_t>(size >> 8);
            repair_checksum(cut, revision);
            CAPTURE(size);
            CHECK(!Package::parse(cut, total));
        }
    }
}
