#include "tests/common/package/tarball/tarball_rig.hpp"

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

TEST_CASE("plain and packed tarballs show the same members in slices")
{
    const Bytes tar = usual().finish();
    check_usual(tar);
    check_usual(gzip(tar));
    check_usual(xz(tar));
    check_usual(zstd(tar));
}

TEST_CASE("a tarball is told by its first bytes")
{
    const Bytes tar = usual().finish();
    CHECK(looks_like_tarball(ConstBytes{tar}.first(262)));
    CHECK_FALSE(looks_like_tarball(ConstBytes{tar}.first(261)));
    CHECK(looks_like_tarball(gzip(tar)));
    CHECK(looks_like_tarball(xz(tar)));
    CHECK(looks_like_tarball(zstd(tar)));
    CHECK_FALSE(looks_like_tarball({}));
    CHECK_FALSE(looks_like_tarball(Bytes(512, 0xFF)));
}

TEST_CASE("the source is read in slices, front to back, each byte once")
{
    const Bytes tar = usual().finish();
    std::uint64_t next = 0;
    std::size_t largest = 0;
    ByteSource source = memory_source(tar);
    source.read = [&, inner = source.read](std::uint64_t offset, MutableBytes out)
    {
        CHECK(offset == next);
        next = offset + out.size();
        largest = std::max(largest, out.size());
        return inner(offset, out);
    };
    Collector seen;
    REQUIRE(TarballReader{source, seen}.run().has_value());
    CHECK(next == tar.size());
    CHECK(largest == Unpacker::slice);
}

TEST_CASE("one step shows at most one slice")
{
    const Bytes tar = usual().finish();
    Collector seen;
    TarballReader reader{memory_source(tar), seen};
    std::size_t steps = 0;
    std::size_t shown = 0;
    for (bool ended = false; !ended; ++steps)
    {
        const auto stepped = reader.step();
        REQUIRE(stepped.has_value());
        ended = *stepped;
        std::size_t now = 0;
        for (const auto& member : seen.members)
        {
            now += member.second.size();
        }
        CHECK(now - shown <= Unpacker::slice);
        shown = now;
    }
    CHECK(steps > 8);
    CHECK(*reader.step());
}

TEST_CASE("the names that tar -C directory . writes are plain names")
{
    Collector seen;
    const Bytes tar = TarBuilder{}.add({"./", "", '5', {}, {}}).add("./MANIFEST", "x").finish();
    REQUIRE(read_tarball(tar, seen).has_value());
    REQUIRE(seen.members.size() == 1);
    CHECK(seen.members[0].first == "MANIFEST");
}

TEST_CASE("members may lie in a directory, not deeper")
{
    Collector seen;
    TarBuilder tar;
    tar.add({"keys/", "", '5', {}, {}}).add("keys/image.sig", "x");
    REQUIRE(read_tarball(tar.finish(), seen).has_value());
    CHECK(seen.members.at(0).first == "keys/image.sig");
    expect(refusal(tar.add("a/b/c", "x").finish()), ErrorKind::denied, "\"a/b/c\": it lies too deep");
}

TEST_CASE("names that could lead elsewhere are refused, and said")
{
    const std::vector<std::pair<std::string, std::string>> table{
        {"../MANIFEST", "leads out"},     {"a/../../b", "leads out"},       {"..", "leads out"},
        {"/etc/passwd", "absolute path"}, {".//etc", "absolute path"},      {"a//b", "not written plainly"},
        {"a/./b", "not written plainly"}, {"././a", "not written plainly"}, {"a\\b", "plain ASCII"},
        {"a b", "plain ASCII"},           {"a\nb", "plain ASCII"},          {"\x7F", "plain ASCII"},
    };
    for (const auto& [name, reason] : table)
    {
        const Error error = refusal(TarBuilder{}.add("MANIFEST", "m").add(name, "x").finish());
        expect(error, ErrorKind::denied, reason);
        const std::string shown = printable(name.starts_with("./") ? name.substr(2) : name);
        CHECK_MESSAGE(contains(error, "member \"" + shown + "\": "), error.text);
        CHECK(printable(error.text) == error.text);
    }
    const Error umlaut = refusal(TarBuilder{}.add("\xC3\xA4", "x").finish());
    CHECK(umlaut.kind == ErrorKind::denied);
}

TEST_CASE("what is not a plain file is refused, and named")
{
    const std::vector<std::pair<TarEntry, std::string>> table{
        {{"image", "", '1', "MANIFEST", {}}, "hard link"},
        {{"image", "", '2', "/etc/shadow", {}}, "symbolic link"},
        {{"image", "", '3', {}, {}}, "device"},
        {{"image", "", '4', {}, {}}, "device"},
        {{"image", "", '6', {}, {}}, "pipe"},
    };
    for (const auto& [entry, reason] : table)
    {
        const Error error = refusal(TarBuilder{}.add("MANIFEST", "m").add(entry).finish());
        expect(error, ErrorKind::denied, reason);
        CHECK_MESSAGE(contains(error, "\"image\""), error.text);
    }
}

TEST_CASE("a sparse member is refused")
{
    // GNU.sparse of the pax form: one hole of a mebibyte.
    const std::string pax = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.name=image\n"
                            "31 GNU.sparse.realsize=1048576\n";
    TarBuilder tar;
    tar.add({"PaxHeaders/image", pax, 'x', {}, {}});
    tar.add("GNUSparseFile/image", std::string{"1\n1048576\n0\n"} + std::string(500, '\0'));
    Collector seen;
    CHECK_FALSE(read_tarball(tar.finish(), seen).has_value());
    CHECK(seen.ended == 0);
}

TEST_CASE("longer names of pax and GNU headers are looked at like short ones")
{
    const std::string path = "18 path=../secret\n";
    expect(refusal(TarBuilder{}.add({"pax", path, 'x', {}, {}}).add("harmless", "x").finish()), ErrorKind::denied,
           "\"../secret\"");
    expect(
        refusal(
            TarBuilder{}.add({"././@LongLink", std::string{"/etc/shadow\0", 12}, 'L', {}, {}}).add("h", "x").finish()),
        ErrorKind::denied, "\"/etc/shadow\"");
    const std::string link = "20 linkpath=/secret\n";
    CHECK(refusal(TarBuilder{}.add({"pax", link, 'x', {}, {}}).add({"image", "", '2', "x", {}}).finish()).kind ==
          ErrorKind::denied);
}

TEST_CASE("heaps of extension headers are refused, not descended into")
{
    for (const char type : {'L', 'K', 'x', 'g'})
    {
        TarBuilder tar;
        for (int at = 0; at < 5'000; ++at)
        {
            tar.add({"././@LongLink", type == 'x' || type == 'g' ? "10 a=1234\n" : "name", type, {}, {}});
        }
        Collector seen;
        const auto read = read_tarball(tar.add("image", "x").finish(), seen);
        CHECK_MESSAGE(!read.has_value(), type);
    }
}

TEST_CASE("a directory has no bytes that could hide, or hold up the reader")
{
    for (const std::string name : {"keys/", "./", "."})
    {
        CHECK(refusal(TarBuilder{}.add({name, std::string(1000, 'x'), '5', {}, {}}).finish()).kind ==
              ErrorKind::integrity);
    }
    // An old way to write directories: a file with a '/' at its end.
    expect(refusal(TarBuilder{}.add("keys/", std::string(1000, 'x')).finish()), ErrorKind::denied,
           "\"keys\": is a directory with bytes");
}

TEST_CASE("a name stands for one member only")
{
    expect(refusal(TarBuilder{}.add("a", "1").add("b", "2").add("a", "3").finish()), ErrorKind::denied,
           "\"a\": is there twice");
    expect(refusal(TarBuilder{}.add("a", "1").add("./a", "3").finish()), ErrorKind::denied, "is there twice");
}

TEST_CASE("a failing source and a refusing visitor end the reading with their own words")
{
    const Bytes tar = usual().finish();
    ByteSource source = memory_source(tar);
    source.read = [inner = source.read](std::uint64_t offset, MutableBytes out) -> Result<void>
    { return offset == 0 ? inner(offset, out) : fail(ErrorKind::input_output, "the disk is gone"); };
    Collector seen;
    TarballReader reader{source, seen};
    const auto read = reader.run();
    REQUIRE_FALSE(read.has_value());
    expect(read.error(), ErrorKind::input_output, "the disk is gone");
    REQUIRE_FALSE(reader.step().has_value());
    CHECK(reader.step().error() == read.error());

    Collector refusing;
    refusing.refused = "image-bmc";
    const auto refused = read_tarball(tar, refusing);
    REQUIRE_FALSE(refused.has_value());
    expect(refused.error(), ErrorKind::denied, "member \"image-bmc\": the visitor refuses");
}
