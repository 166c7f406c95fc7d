// A block device as a target. A file stands for the device: the handler takes both; a real one is tested in a machine
// of its own (tests/vm/flash.py).
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/block_target.hpp"
#include "bmc-agent/targets/installed_digest.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

constexpr std::size_t capacity = 2 << 20;

struct BlockBench
{
    BlockBench()
    {
        std::ofstream{path} << std::string(capacity, 'o');
    }

    [[nodiscard]] std::string content() const
    {
        return *read_file(path, capacity + 1);
    }

    [[nodiscard]] VerifiedImage image(const std::string& bytes) const
    {
        return {package::memory_source(as_bytes(bytes)), sha256(as_bytes(bytes)), {}};
    }

    test::TemporaryDirectory directory;
    std::filesystem::path path = directory.path() / "device";
    BlockTarget target{path};
};

std::string new_image(std::size_t size)
{
    std::string bytes(size, 'n');
    for (std::size_t at = 0; at < size; at += 1000)
    {
        bytes[at] = static_cast<char>('a' + at / 1000 % 26);
    }
    return bytes;
}

Result<bool> run(BlockTarget& target)
{
    for (int step = 0; step < 1000; ++step)
    {
        const auto done = target.step();
        if (!done || *done)
        {
            return done;
        }
    }
    FAIL("does not end");
    return false;
}

TEST_CASE("images of every size around the head are written, what is behind them stays")
{
    constexpr std::size_t head = BlockTarget::head_size;
    for (const std::size_t size : {std::size_t{1}, head - 1, head, head + 1, std::size_t{1'000'001}, capacity})
    {
        CAPTURE(size);
        BlockBench bench;
        const std::string bytes = new_image(size);
        REQUIRE(bench.target.begin(bench.image(bytes)).has_value());
        const auto done = run(bench.target);
        REQUIRE(done.has_value());
        CHECK(*done);
        CHECK(bench.content() == bytes + std::string(capacity - size, 'o'));
        CHECK_FALSE(bench.target.step().has_value()); // it is over
    }
}

TEST_CASE("cut off after any step, what begins the device is no image, until it is whole; then again from the start")
{
    const std::string bytes = new_image(1'000'001);
    for (int steps = 0;; ++steps)
    {
        BlockBench bench;
        REQUIRE(bench.target.begin(bench.image(bytes)).has_value());
        bool ended = false;
        for (int step = 0; step < steps && !ended; ++step)
        {
            const auto done = bench.target.step();
            REQUIRE(done.has_value());
            ended = *done;
        }
        bench.target.cancel();
        const std::string content = bench.content();
        const bool whole = content.starts_with(bytes);
        const bool old = content == std::string(capacity, 'o');
        const bool cleared = content.starts_with(std::string(BlockTarget::head_size, '\0'));
        CHECK((whole || cleared || (old && steps == 0)));
        REQUIRE(bench.target.begin(bench.image(bytes)).has_value());
        REQUIRE(run(bench.target).has_value());
        CHECK(bench.content().starts_with(bytes));
        if (ended)
        {
            CHECK(steps > 5);
            break;
        }
    }
}

TEST_CASE("refused before a byte is written")
{
    BlockBench bench;
    const std::string large = new_image(capacity + 1);
    const auto begun = bench.target.begin(bench.image(large));
    REQUIRE_FALSE(begun.has_value());
    CHECK(begun.error().kind == ErrorKind::no_space);
    CHECK(bench.content() == std::string(capacity, 'o'));

    const std::string small = new_image(10);
    BlockTarget missing{bench.directory.path() / "nothing"};
    const auto nothing = missing.begin(bench.image(small));
    REQUIRE_FALSE(nothing.has_value());
    CHECK(nothing.error().kind == ErrorKind::not_found);
    BlockTarget directory{bench.directory.path()};
    CHECK(directory.begin(bench.image(small)).error().kind == ErrorKind::invalid_field);
    BlockTarget character{"/dev/null"};
    CHECK(character.begin(bench.image(small)).error().kind == ErrorKind::invalid_field);
}

TEST_CASE("a link to the device is followed")
{
    BlockBench bench;
    std::filesystem::create_symlink(bench.path, bench.directory.path() / "by-name");
    BlockTarget target{bench.directory.path() / "by-name"};
    const std::string bytes = new_image(100'000);
    REQUIRE(target.begin(bench.image(bytes)).has_value());
    REQUIRE(run(target).has_value());
    CHECK(bench.content().starts_with(bytes));
}

TEST_CASE("a source that fails, or other bytes than were verified")
{
    BlockBench bench;
    const std::string bytes = new_image(700'000);
    VerifiedImage failing = bench.image(bytes);
    failing.bytes.read = [source = failing.bytes.read](std::uint64_t offset, MutableBytes out) -> Result<void>
    { return offset > 300'000 ? fail(ErrorKind::input_output, "gone") : source(offset, out); };
    REQUIRE(bench.target.begin(failing).has_value());
    CHECK(run(bench.target).error().text == "gone");
    VerifiedImage other = bench.image(bytes);
    other.sha256 = sha256({});
    REQUIRE(bench.target.begin(other).has_value());
    CHECK(run(bench.target).error().kind == ErrorKind::integrity);
    CHECK_FALSE(bench.target.replaces_at_once());
}

TEST_CASE("what is installed on a device is as long as what was programmed")
{
    BlockBench bench;
    const std::string bytes = new_image(300'000);
    REQUIRE(bench.target.begin(bench.image(bytes)).has_value());
    REQUIRE(run(bench.target).has_value());
    const auto source = bench.target.installed_bytes(bytes.size());
    REQUIRE(source.has_value());
    Bytes read(bytes.size());
    REQUIRE(source->read(0, read).has_value());
    CHECK(sha256(read) == sha256(as_bytes(bytes)));
    CHECK_FALSE(bench.target.installed_bytes(capacity + 1).has_value());
}

TEST_CASE("the digest of a device: unknown without a size, computed anew after each update")
{
    std::string installed = "first";
    const auto open = [&](std::uint64_t size) -> Result<package::ByteSource>
    { return package::first_bytes(package::memory_source(as_bytes(installed)), size); };
    InstalledDigest digest{"/dev/null", open}; // a device, so that the opener is asked
    CHECK_FALSE(digest.wants_work());
    const auto settle = [&]
    {
        while (digest.wants_work())
        {
            digest.work();
        }
    };
    digest.expect(5);
    settle();
    REQUIRE(digest.get());
    CHECK(digest.get()->sha256 == sha256(as_bytes("first")));
    digest.refresh();
    CHECK_FALSE(digest.wants_work());
    installed = "other";
    digest.expect(5);
    settle();
    CHECK(digest.get()->sha256 == sha256(as_bytes("other")));
    digest.expect(0);
    CHECK_FALSE(digest.get());
}

} // namespace
