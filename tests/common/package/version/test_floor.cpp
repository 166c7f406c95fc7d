#include "common/package/version/floor.hpp"

#include "tests/bmc-agent/temporary_directory.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <csignal>
#include <fstream>

using namespace fwupdate;
using namespace fwupdate::package;

namespace
{

const VersionScheme& scheme()
{
    static const VersionScheme usual = VersionScheme::usual();
    return usual;
}

VersionFloor load(const test::TemporaryDirectory& directory)
{
    auto floor = VersionFloor::load(directory.path(), "bmc");
    REQUIRE(floor.has_value());
    return std::move(*floor);
}

std::string text_of(const std::filesystem::path& file)
{
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const std::filesystem::path& file, const std::string& text)
{
    std::ofstream{file, std::ios::binary | std::ios::trunc} << text;
}

} // namespace

TEST_CASE("without a file there is no floor, and anything may be installed")
{
    const test::TemporaryDirectory directory;
    const VersionFloor floor = load(directory);
    CHECK(floor.level() == FloorLevel{});
    CHECK(floor.check({"0.1", 0}, scheme()).has_value());
    CHECK(floor.check({"whatever", 0}, scheme()).has_value());
    CHECK(floor.check({"", 0}, scheme()).has_value());
}

TEST_CASE("the floor rises, never sinks, and is there again after a restart")
{
    const test::TemporaryDirectory directory;
    VersionFloor floor = load(directory);
    REQUIRE(floor.raise({"2.9.0", 3}, scheme()).has_value());
    CHECK(load(directory).level() == FloorLevel{"2.9.0", 3});
    REQUIRE(floor.raise({"2.14.0", 2}, scheme()).has_value());
    CHECK(load(directory).level() == FloorLevel{"2.14.0", 3});
    REQUIRE(floor.raise({"2.10.0", 4}, scheme()).has_value());
    CHECK(load(directory).level() == FloorLevel{"2.14.0", 4});
    REQUIRE(floor.raise({"1.0", 0}, scheme()).has_value());
    REQUIRE(floor.raise({"", 0}, scheme()).has_value());
    CHECK(load(directory).level() == FloorLevel{"2.14.0", 4});
    CHECK(floor.level() == FloorLevel{"2.14.0", 4});
}

TEST_CASE("what is below the floor is refused, saying which of the two")
{
    const test::TemporaryDirectory directory;
    VersionFloor floor = load(directory);
    REQUIRE(floor.raise({"2.14.0", 4}, scheme()).has_value());
    CHECK(floor.check({"2.14.0", 4}, scheme()).has_value());
    CHECK(floor.check({"2.15.0", 5}, scheme()).has_value());
    const auto older = floor.check({"2.13.9", 4}, scheme());
    REQUIRE_FALSE(older.has_value());
    CHECK(older.error().kind == ErrorKind::denied);
    CHECK(older.error().text ==
          "the image's version 2.13.9 is older than 2.14.0, the oldest that this BMC still installs");
    const auto insecure = floor.check({"2.15.0", 3}, scheme());
    REQUIRE_FALSE(insecure.has_value());
    CHECK(insecure.error().kind == ErrorKind::denied);
    CHECK(insecure.error().text.find("security version 3 is below 4") != std::string::npos);
}

TEST_CASE("what cannot be compared with the floor is refused, and does not move it")
{
    const test::TemporaryDirectory directory;
    VersionFloor floor = load(directory);
    REQUIRE(floor.raise({"2.14.0", 1}, scheme()).has_value());
    CHECK(floor.check({"unknown", 1}, scheme()).error().kind == ErrorKind::unsupported);
    CHECK(floor.check({"", 1}, scheme()).error().kind == ErrorKind::length);
    CHECK(floor.raise({"2026-01-01", 9}, scheme()).error().kind == ErrorKind::unsupported);
    CHECK(floor.level() == FloorLevel{"2.14.0", 1});
    CHECK(load(directory).level() == FloorLevel{"2.14.0", 1});
}

TEST_CASE("a version that no other could be compared with never becomes the floor")
{
    const test::TemporaryDirectory directory;
    VersionFloor floor = load(directory);
    CHECK(floor.raise({"1.0\nsecurity-version 0", 0}, scheme()).error().kind == ErrorKind::unsupported);
    CHECK(floor.raise({"unknown", 5}, scheme()).error().kind == ErrorKind::unsupported);
    CHECK_FALSE(VersionFloor::begin_anew(directory.path(), "bmc", {"unknown", 0}, scheme()).has_value());
    CHECK(floor.raise({std::string(200, '1'), 0}, scheme()).error().kind == ErrorKind::length);
    CHECK(load(directory).level() == FloorLevel{});
    // A pattern may let pass what the file could not hold.
    const auto loose = VersionScheme::from_patterns({{"([0-9]+)[^]*", {}}});
    CHECK(floor.raise({"1\nx", 0}, *loose).error().kind == ErrorKind::unsupported);
    // Without a version, the security version rises by itself.
    REQUIRE(floor.raise({"", 5}, scheme()).has_value());
    CHECK(load(directory).level() == FloorLevel{"", 5});
}

TEST_CASE("every truncation, every flipped bit and anything foreign is damage, never a lower floor")
{
    const test::TemporaryDirectory directory;
    REQUIRE(load(directory).raise({"2.14.0", 4}, scheme()).has_value());
    const auto file = VersionFloor::file_of(directory.path(), "bmc");
    const std::string whole = text_of(file);
    const auto expect_damaged = [&](const std::string& text)
    {
        write(file, text);
        const auto floor = VersionFloor::load(directory.path(), "bmc");
        REQUIRE_FALSE(floor.has_value());
        CHECK(floor.error().kind == ErrorKind::integrity);
        CHECK(floor.error().text.find(file.string()) != std::string::npos);
    };
    for (std::size_t size = 0; size < whole.size(); ++size)
    {
        expect_damaged(whole.substr(0, size));
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit)
    {
        std::string flipped = whole;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
        expect_damaged(flipped);
    }
    expect_damaged(whole + "\n");
    expect_damaged(std::string(10'000, 'x'));
    expect_damaged("fwupdate-floor 1\nsecurity-version 4294967296\nversion 1\nsha256 00\n");
    write(file, whole);
    CHECK(load(directory).level() == FloorLevel{"2.14.0", 4});
}

TEST_CASE("a damaged floor is begun anew with what runs")
{
    const test::TemporaryDirectory directory;
    const auto file = VersionFloor::file_of(directory.path(), "bmc");
    write(file, "damaged");
    const auto floor = VersionFloor::begin_anew(directory.path(), "bmc", {"2.14.0", 4}, scheme());
    REQUIRE(floor.has_value());
    CHECK(floor->level() == FloorLevel{"2.14.0", 4});
    CHECK(load(directory).level() == FloorLevel{"2.14.0", 4});
}

TEST_CASE("each target has its own file, whatever its name")
{
    const test::TemporaryDirectory directory;
    CHECK(VersionFloor::file_of("/d", "bmc") == "/d/floor-bmc");
    CHECK(VersionFloor::file_of("/d", "../x y") == "/d/floor-%2e%2e%2fx%20y");
    auto odd = VersionFloor::load(directory.path(), "../bmc");
    REQUIRE(odd.has_value());
    REQUIRE(odd->raise({"9.0", 0}, scheme()).has_value());
    CHECK(load(directory).level() == FloorLevel{});
    CHECK(VersionFloor::load(directory.path(), "../bmc")->level() == FloorLevel{"9.0", 0});
}

TEST_CASE("a left-over of a power cut is no floor and in nobody's way")
{
    const test::TemporaryDirectory directory;
    VersionFloor floor = load(directory);
    REQUIRE(floor.raise({"1.0", 1}, scheme()).has_value());
    const auto file = VersionFloor::file_of(directory.path(), "bmc");
    write(file.string() + ".new", "half a fl");
    CHECK(load(directory).level() == FloorLevel{"1.0", 1});
    REQUIRE(floor.raise({"2.0", 1}, scheme()).has_value());
    CHECK(load(directory).level() == FloorLevel{"2.0", 1});
    CHECK_FALSE(std::filesystem::exists(file.string() + ".new"));
}

TEST_CASE("a disk that refuses leaves the floor as it was")
{
    const test::TemporaryDirectory directory;
    VersionFloor floor = load(directory);
    REQUIRE(floor.raise({"1.0", 1}, scheme()).has_value());
    // A directory in the new file's place: works for root, too.
    const auto beside = VersionFloor::file_of(directory.path(), "bmc").string() + ".new";
    std::filesystem::create_directory(beside);
    const auto raised = floor.raise({"2.0", 2}, scheme());
    REQUIRE_FALSE(raised.has_value());
    CHECK(raised.error().text.find(beside) != std::string::npos);
    CHECK(floor.level() == FloorLevel{"1.0", 1});
    CHECK(load(directory).level() == FloorLevel{"1.0", 1});
    CHECK(VersionFloor::load(directory.path() / "missing", "bmc").has_value());
    CHECK_FALSE(VersionFloor::begin_anew(directory.path() / "missing", "bmc", {"1.0", 0}, scheme()).has_value());
    std::filesystem::create_directory(VersionFloor::file_of(directory.path(), "psu"));
    CHECK_FALSE(VersionFloor::load(directory.path(), "psu").has_value());
    std::filesystem::create_symlink("floor-bmc", VersionFloor::file_of(directory.path(), "link"));
    CHECK_FALSE(VersionFloor::load(directory.path(), "link").has_value());
}

TEST_CASE("a file that cannot be written whole leaves the floor as it was")
{
    const test::TemporaryDirectory directory;
    VersionFloor floor = load(directory);
    REQUIRE(floor.raise({"1.0", 1}, scheme()).has_value());
    struct rlimit before
    {
    };
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto former = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit tight = before;
    tight.rlim_cur = 20;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    const auto raised = floor.raise({"2.0", 2}, scheme());
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, former);
    REQUIRE_FALSE(raised.has_value());
    CHECK(load(directory).level() == FloorLevel{"1.0", 1});
}
