#include "bmc-agent/targets/device_place.hpp"
#include "bmc-agent/targets/mtd_device.hpp"
#include "bmc-agent/targets/target.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

/// A folder as /sys/class/mtd is.
class MtdClass
{
  public:
    void add(const std::string& device, const std::string& name) const
    {
        for (const char* suffix : {"", "ro"})
        {
            std::filesystem::create_directory(path() / (device + suffix));
            std::ofstream{path() / (device + suffix) / "name"} << name << "\n";
        }
    }
    [[nodiscard]] const std::filesystem::path& path() const
    {
        return directory_.path();
    }

  private:
    fwupdate::test::TemporaryDirectory directory_;
};

} // namespace

TEST_CASE("an MTD device is found by its name, whatever its number")
{
    const MtdClass mtd;
    mtd.add("mtd0", "u-boot");
    mtd.add("mtd12", "bios");
    mtd.add("mtd3", "bios-backup");
    CHECK(*find_mtd("bios", mtd.path()) == 12);
    CHECK(*find_mtd("u-boot", mtd.path()) == 0);
    const auto missing = find_mtd("cpld", mtd.path());
    REQUIRE(missing.has_error());
    CHECK(missing.error().kind == ErrorKind::not_found);
    CHECK(missing.error().text == "no MTD device is called cpld");
    mtd.add("mtd4", "bios");
    CHECK(find_mtd("bios", mtd.path()).error().kind == ErrorKind::wrong_state);
    CHECK(find_mtd("bios", mtd.path() / "not-there").error().kind == ErrorKind::not_found);
}

TEST_CASE("where a device is mounted is read from the kernel's list")
{
    constexpr const char* list = "22 28 0:21 / /proc rw,nosuid shared:13 - proc proc rw\n"
                                 "36 28 31:3 / /media/rw\\040fs rw shared:20 - jffs2 mtd3 rw\n"
                                 "37 28 8:17 /sub /srv rw - ext4 /dev/sdb1 rw\n"
                                 "broken\n";
    CHECK(*mounted_at(31, 3, list) == "/media/rw\\040fs");
    CHECK(*mounted_at(8, 17, list) == "/srv");
    CHECK_FALSE(mounted_at(31, 30, list).has_value());
    CHECK_FALSE(mounted_at(1, 3, list).has_value());
    CHECK_FALSE(mounted_at(31, 3, "").has_value());
}

TEST_CASE("extents overlap on one disk only, and not where they touch")
{
    const DiskExtent first{8, 0, 100};
    CHECK(first.overlaps({8, 99, 200}));
    CHECK(first.overlaps({8, 0, 100}));
    CHECK_FALSE(first.overlaps({8, 100, 200}));
    CHECK_FALSE(first.overlaps({9, 0, 100}));
    CHECK_FALSE(disk_extent("/dev/null", 0, 0).has_value());
    CHECK_FALSE(disk_extent("/not-there", 0, 0).has_value());
}

TEST_CASE("what is no MTD device is refused with what to do")
{
    const auto refusal = [](const char* path)
    {
        const MtdPlace place{path};
        const auto opened = place.open(FlashPlace::Access::writing);
        REQUIRE(opened.has_error());
        return opened.error().text;
    };
    CHECK(refusal("/dev/null") == "/dev/null is no MTD character device; name one, such as /dev/mtd3 or mtd:bios");
    CHECK(refusal("/dev/mtd4711") ==
          "/dev/mtd4711 is not there; load the flash's driver, or compare the number with /proc/mtd");
    CHECK(refusal("mtd:no such flash") ==
          "mtd:no such flash is not there; load the flash's driver, or compare the name with /proc/mtd");
    CHECK_FALSE(MtdPlace{"/dev/mtd4711"}.identity().has_value());
    CHECK_FALSE(MtdPlace{"mtd:no such flash"}.identity().has_value());
    CHECK(mtd_obstacle("mtd:no such flash")->passing);
    CHECK_FALSE(mtd_obstacle("/dev/null")->passing);
}

TEST_CASE("what is handed over lies there for an action, and is not what is installed")
{
    const fwupdate::test::TemporaryDirectory directory;
    config::Target configuration{.id = 1,
                                 .name = "bmc",
                                 .type = "handover",
                                 .path = directory.path() / "bmc-image",
                                 .max_size = 0,
                                 .restart = {}};
    Target target{configuration};
    CHECK(target.handler().hands_over());
    CHECK(target.handler().replaces_at_once());
    const Bytes image{1, 2, 3};
    REQUIRE(target.handler().begin({package::memory_source(image), sha256(image), {}}).has_value());
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        finished = target.handler().step();
    }
    REQUIRE(finished.has_value());
    CHECK(*read_file(configuration.path, 100) == "\1\2\3");
    target.installed().expect(3);
    CHECK_FALSE(target.installed().wants_work());
    CHECK_FALSE(target.installed().get().has_value());
    configuration.type = "file";
    Target file{configuration};
    CHECK_FALSE(file.handler().hands_over());
    CHECK(file.installed().wants_work());
}

TEST_CASE("only handlers of the table exist")
{
    for (const char* type : {"file", "handover", "block", "mtd"})
    {
        CHECK(is_handler_type(type));
        CHECK(make_handler({.id = 1, .name = "x", .type = type, .path = "/not-there/x", .max_size = 0, .restart = {}},
                           {}) != nullptr);
    }
    CHECK_FALSE(is_handler_type("nvme"));
    CHECK_FALSE(is_handler_type(""));
    CHECK(make_handler({}, {}) == nullptr);
}
