#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/block_medium.hpp"
#include "bmc-agent/targets/installed_digest.hpp"
#include "bmc-agent/targets/medium_target.hpp"
#include "tests/bmc-agent/loop_device.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

using namespace fwupdate;
using namespace fwupdate::agent;
using test::device_size;
using test::LoopDevice;

namespace
{

constexpr std::size_t chunk = BlockMedium::chunk;

Bytes image_of(std::size_t size)
{
    Bytes image(size);
    for (std::size_t at = 0; at < size; ++at)
    {
        image[at] = static_cast<std::uint8_t>(at * 7 + at / 256);
    }
    return image;
}

std::unique_ptr<MediumTarget> target_on(const std::filesystem::path& path, DevicePart part = {})
{
    return std::make_unique<MediumTarget>(std::make_unique<BlockMedium>(path, part));
}

Result<bool> write(MediumTarget& target, const Bytes& image)
{
    if (const auto begun = target.begin({package::memory_source(image), sha256(image)}); !begun)
    {
        return begun.error();
    }
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        finished = target.step();
    }
    return finished;
}

Bytes part_of(const Bytes& bytes, std::size_t from, std::size_t size)
{
    const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(from);
    return {start, start + static_cast<std::ptrdiff_t>(size)};
}

} // namespace

TEST_CASE("an image goes to a block device, through a link, and nothing behind it changes")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    std::filesystem::create_symlink(device.path(), device.in_directory("by-name"));
    for (const std::size_t size : {chunk + 1, chunk, 1000 + 3 * chunk, device_size})
    {
        const Bytes image = image_of(size);
        const auto target = target_on(device.in_directory("by-name"));
        CHECK_FALSE(target->replaces_at_once());
        REQUIRE(write(*target, image).has_value());
        CHECK(target->done() == 2 * size);
        CHECK_FALSE(target->holds_neither());
        CHECK(part_of(device.bytes(), 0, size) == image);
    }
}

TEST_CASE("a part of a device is written, and not a byte beside it")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    const Bytes image = image_of(1000);
    const auto target = target_on(device.path(), {512, 4096});
    REQUIRE(write(*target, image).has_value());
    const Bytes all = device.bytes();
    CHECK(part_of(all, 0, 512) == Bytes(512, 0xA5));
    CHECK(part_of(all, 512, 1000) == image);
    CHECK(part_of(all, 512 + 4096, 4096) == Bytes(4096, 0xA5));
    const auto refused = write(*target, image_of(4097));
    REQUIRE(refused.has_error());
    CHECK(refused.error().kind == ErrorKind::no_space);
    CHECK(refused.error().text == "the image has 4097 bytes, and " + device.path().string() + " takes 4096");
    CHECK(part_of(device.bytes(), 512, 1000) == image);
    const auto beyond = write(*target_on(device.path(), {device_size, 0}), image);
    REQUIRE(beyond.has_error());
    CHECK(beyond.error().text.find("lies beyond its end") != std::string::npos);
    CHECK(write(*target_on(device.path(), {0, device_size + 1}), image).error().kind == ErrorKind::no_space);
}

TEST_CASE("half written, a device begins with zeros; the next update is whole")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    const Bytes image = image_of(3 * chunk + 5);
    for (int steps = 0; steps < 6; ++steps)
    {
        const auto target = target_on(device.path());
        REQUIRE(target->begin({package::memory_source(image), sha256(image)}).has_value());
        for (int step = 0; step < steps; ++step)
        {
            REQUIRE(target->step().has_value());
        }
        target->cancel();
        CHECK(target->holds_neither() == (steps > 1));
        CHECK((part_of(device.bytes(), 0, chunk) == Bytes(chunk)) == (steps > 1));
        REQUIRE(write(*target, image).has_value());
        CHECK(part_of(device.bytes(), 0, image.size()) == image);
        REQUIRE(write(*target, Bytes(device_size, 0xA5)).has_value());
    }
}

TEST_CASE("a device that somebody holds, the same agent's other target too, is refused untouched")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    const Bytes image = image_of(1000);
    const auto first = target_on(device.path());
    REQUIRE(first->begin({package::memory_source(image), sha256(image)}).has_value());
    const auto refused = write(*target_on(device.path()), image);
    REQUIRE(refused.has_error());
    CHECK(refused.error().kind == ErrorKind::wrong_state);
    CHECK(refused.error().text ==
          device.path().string() + " is in use; unmount or stop what uses it, then update again");
    first->cancel();
    CHECK(device.bytes() == Bytes(device_size, 0xA5));
    CHECK(write(*target_on(device.path()), image).has_value());
}

TEST_CASE("bytes that are not the verified ones leave a device that does not begin as an image")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    const Bytes image = image_of(chunk + 1);
    const auto target = target_on(device.path());
    REQUIRE(target->begin({package::memory_source(image), sha256(Bytes{1})}).has_value());
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        finished = target->step();
    }
    CHECK(finished.error().kind == ErrorKind::integrity);
    CHECK(target->holds_neither());
    CHECK(part_of(device.bytes(), 0, chunk) == Bytes(chunk));
}

TEST_CASE("the digest of a device is of as many bytes as the log tells")
{
    const LoopDevice device;
    if (!device.exists())
    {
        return;
    }
    const Bytes image = image_of(chunk + 77);
    const auto target = target_on(device.path(), {1024, 0});
    REQUIRE(write(*target, image).has_value());
    InstalledDigest digest{*target};
    CHECK_FALSE(digest.wants_work());
    digest.expect(image.size());
    while (digest.wants_work())
    {
        digest.work();
    }
    REQUIRE(digest.get().has_value());
    CHECK(digest.get()->sha256 == sha256(image));
    digest.expect(device_size);
    CHECK_FALSE(digest.wants_work());
}

TEST_CASE("what is no block device, or not there, is refused with what to do")
{
    const fwupdate::test::TemporaryDirectory directory;
    const Bytes image = image_of(10);
    const auto missing = write(*target_on(directory.path() / "sdz"), image);
    REQUIRE(missing.has_error());
    CHECK(missing.error().kind == ErrorKind::not_found);
    CHECK(missing.error().text.find("sdz is not there; connect the device") != std::string::npos);
    const auto other = write(*target_on("/dev/null"), image);
    REQUIRE(other.has_error());
    CHECK(other.error().kind == ErrorKind::invalid_field);
    CHECK(other.error().text.find("/dev/null is no block device; name a disk or a partition") == 0);
    const auto target = target_on("/dev/null");
    CHECK_FALSE(target->installed(10).has_value());
    CHECK_FALSE(target->holds_neither());
    CHECK(target->step().error().kind == ErrorKind::wrong_state);
}
