#include "tests/common/package/tarball/tarball_rig.hpp"

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

TEST_CASE("packed data that come to nothing end the reading soon")
{
    Bytes gzip_stream{0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0, 0};
    Bytes zstd_stream{0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00};
    for (int at = 0; at < 1'000'000; ++at)
    {
        const std::array<std::uint8_t, 5> empty_block{0, 0, 0, 0xFF, 0xFF};
        gzip_stream.insert(gzip_stream.end(), empty_block.begin(), empty_block.end());
        zstd_stream.insert(zstd_stream.end(), 3, 0);
    }
    for (const Bytes& stream : {gzip_stream, zstd_stream})
    {
        std::uint64_t furthest = 0;
        ByteSource source = memory_source(stream);
        source.read = [&, inner = source.read](std::uint64_t offset, MutableBytes out)
        {
            furthest = offset + out.size();
            return inner(offset, out);
        };
        Collector seen;
        const auto read = TarballReader{source, seen}.run();
        REQUIRE_FALSE(read.has_value());
        expect(read.error(), ErrorKind::integrity, "unpack to nothing");
        CHECK(furthest < 2'000'000);
    }
}

TEST_CASE("endless padding is not read to its end")
{
    Bytes tar = usual().finish();
    tar.resize(tar.size() + (16 << 20));
    std::uint64_t furthest = 0;
    ByteSource source = memory_source(tar);
    source.read = [&, inner = source.read](std::uint64_t offset, MutableBytes out)
    {
        furthest = offset + out.size();
        return inner(offset, out);
    };
    Collector seen;
    const auto read = TarballReader{source, seen}.run();
    REQUIRE_FALSE(read.has_value());
    expect(read.error(), ErrorKind::integrity, "behind its end");
    CHECK(furthest < 2'000'000);
}

TEST_CASE("special headers are read within bounds, not by the tens of MiB in one step")
{
    const std::string comment = "400000 comment=" + std::string(400'000 - 16, 'c') + "\n";
    for (const char type : {'g', 'x', 'L'})
    {
        CAPTURE(type);
        TarBuilder tar;
        for (int at = 0; at < 30; ++at)
        {
            tar.add({"special", comment, type, {}, {}});
        }
        const Bytes whole = tar.add("MANIFEST", "version=1\n").finish();
        std::uint64_t furthest = 0;
        ByteSource source = memory_source(whole);
        source.read = [&, inner = source.read](std::uint64_t offset, MutableBytes out)
        {
            furthest = offset + out.size();
            return inner(offset, out);
        };
        Collector seen;
        const auto read = TarballReader{source, seen}.run();
        REQUIRE_FALSE(read.has_value());
        expect(read.error(), ErrorKind::no_space, "special headers");
        CHECK(furthest < 1'500'000);
    }
}

TEST_CASE("members, names and sizes are bounded")
{
    TarBuilder many;
    for (int at = 0; at < 65; ++at)
    {
        many.add("image-" + std::to_string(at), "x");
    }
    expect(refusal(many.finish()), ErrorKind::no_space, "\"image-64\": is one too many");
    TarballLimits limits;
    limits.name = 8;
    expect(refusal(TarBuilder{}.add("image-bmc", "x").finish(), limits), ErrorKind::denied, "longer than 8 bytes");
    limits = {};
    limits.member_size = 100;
    expect(refusal(TarBuilder{}.add("image", std::string(101, 'x')).finish(), limits), ErrorKind::no_space,
           "\"image\": is larger than 100 bytes");
    // 4 EiB announced, nothing sent.
    const Error huge = refusal(TarBuilder{}.add({"image", "", '0', {}, "77777777777"}).finish());
    CHECK(huge.kind == ErrorKind::no_space);
}

TEST_CASE("bombs end at the bounds, whatever packs them")
{
    const Bytes tar = TarBuilder{}.add("image", std::string(64 << 20, '\0')).finish();
    for (const Bytes& bomb : {gzip(tar), xz(tar), zstd(tar)})
    {
        expect(refusal(bomb), ErrorKind::no_space, "100 times its size");
    }
    TarballLimits limits;
    limits.packing.ratio = 1'000'000;
    limits.packing.unpacked = 10 << 20;
    for (const Bytes& bomb : {gzip(tar), xz(tar), zstd(tar), tar})
    {
        expect(refusal(bomb, limits), ErrorKind::no_space, "more than 10485760 bytes");
    }
    // Erased flash is honest: 4 MiB of FFh are no bomb.
    Collector seen;
    CHECK(read_tarball(xz(TarBuilder{}.add("image", std::string(4'000'000, '\xFF')).finish()), seen).has_value());
}

TEST_CASE("a decoder does not take the BMC's memory")
{
    const Bytes tar = usual().finish();
    expect(refusal(xz(tar, 9)), ErrorKind::no_space, "xz -6");
    expect(refusal(zstd(tar, 27)), ErrorKind::no_space, "--ultra");
    Collector seen;
    CHECK(read_tarball(zstd(tar, 23), seen).has_value());
}

TEST_CASE("every truncation is noticed")
{
    const Bytes tar = TarBuilder{}.add("MANIFEST", "version=1\n").add("image-bmc", noise(3000)).finish();
    const auto check = [](const Bytes& whole, std::size_t stride)
    {
        for (std::size_t size = 0; size < whole.size(); size += stride)
        {
            Collector seen;
            const auto read = read_tarball(ConstBytes{whole}.first(size), seen);
            CHECK_MESSAGE(!read.has_value(), size);
        }
    };
    check(tar, 1);
    check(gzip(tar), 7);
    check(xz(tar), 7);
    check(zstd(tar), 7);
    Collector seen;
    CHECK_FALSE(read_tarball(usual().open_end(), seen).has_value());
}

TEST_CASE("a truncated image whose bytes end in zeros is noticed too")
{
    TarBuilder tar;
    tar.add("MANIFEST", "m").add("image", std::string(2048, '\0'));
    expect(refusal(tar.open_end()), ErrorKind::integrity, "cut short");
}

TEST_CASE("a flipped bit anywhere in a packed tarball, or in a header, is noticed or changes nothing")
{
    const Bytes tar = TarBuilder{}.add("MANIFEST", "version=1\n").add("image-bmc", noise(1000)).finish();
    Collector good;
    REQUIRE(read_tarball(tar, good).has_value());
    for (const Bytes& whole : {gzip(tar), xz(tar), zstd(tar)})
    {
        for (std::size_t bit = 0; bit < whole.size() * 8; bit += 5)
        {
            Bytes flipped = whole;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
            Collector seen;
            const auto read = read_tarball(flipped, seen);
            CHECK_MESSAGE((!read.has_value() || seen.members == good.members), bit);
        }
    }
}

TEST_CASE("bytes behind the end are refused")
{
    Bytes tar = usual().finish();
    const Bytes other = TarBuilder{}.add("image-rofs", "evil").finish();
    Bytes joined = tar;
    joined.insert(joined.end(), other.begin(), other.end());
    expect(refusal(joined), ErrorKind::integrity, "behind its end");
    for (Bytes packed : {gzip(tar), xz(tar), zstd(tar)})
    {
        Bytes longer = packed;
        longer.push_back(0);
        expect(refusal(longer), ErrorKind::integrity, "behind the end of the packed data");
        packed.insert(packed.end(), packed.begin(), packed.end());
        CHECK(refusal(packed).kind == ErrorKind::integrity);
    }
    tar.resize(tar.size() + 10240); // tar pads to ten kibibytes
    Collector seen;
    CHECK(read_tarball(tar, seen).has_value());
}

TEST_CASE("what is no tarball is refused")
{
    for (const Bytes& bytes : {Bytes{}, Bytes(10, 'x'), Bytes(4096, 0), Bytes(4096, 0xFF)})
    {
        CHECK(refusal(bytes).kind == ErrorKind::integrity);
    }
    CHECK(refusal(gzip(Bytes(2000, 'x'))).kind == ErrorKind::integrity);
    CHECK(refusal(gzip(gzip(usual().finish()))).kind == ErrorKind::integrity);
}
