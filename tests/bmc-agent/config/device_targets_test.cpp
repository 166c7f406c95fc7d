// Targets that are devices: their keys, what two of them may not share, and what is in the way on this machine.
#include "tests/bmc-agent/config/sample.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace fwupdate;
using namespace fwupdate::config;
using config::test::with;

namespace
{

constexpr std::string_view whole = R"("type": "file", "path": "/srv/bios.bin", "max_size": 1048576)";

std::string target_like(std::string_view keys)
{
    return with(whole, keys);
}

/// With another target before the sample's.
std::string after(std::string_view first, std::string_view second)
{
    const std::string two =
        with("\"targets\": [",
             R"("default_target": "bios", "targets": [{"id": 2, "name": "cpld", )" + std::string{first} + "}, ");
    return with(whole, second, two);
}

std::string report_of(const std::string& text)
{
    const auto config = parse(text, "f.json", config::test::one_secret_file);
    return config ? "no mistake found" : config.error().text;
}

Target target_of(const std::string& text)
{
    const auto config = parse(text, "f.json", config::test::one_secret_file);
    REQUIRE(config.has_value());
    return config->targets.front();
}

/// From the disk, where paths are looked at.
Result<Config> loaded(const std::string& text)
{
    const fwupdate::test::TemporaryDirectory directory;
    const auto file = directory.path() / "f.json";
    std::ofstream{file} << text;
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    return load(file);
}

} // namespace

TEST_CASE("a block device: whole, or a part of it")
{
    const Target whole_disk = target_of(target_like(R"("type": "block", "path": "/dev/sda")"));
    CHECK(whole_disk.type == "block");
    CHECK(whole_disk.offset == 0);
    CHECK(whole_disk.size == 0);
    CHECK(whole_disk.max_size == 0);
    const Target part = target_of(target_like(R"("type": "block", "path": "/dev/sda", "offset": 512, "size": "1MiB")"));
    CHECK(part.offset == 512);
    CHECK(part.size == 1 << 20);
    CHECK(part.max_size == 1 << 20);
    CHECK(report_of(target_like(R"("type": "block", "path": "/dev/sda", "offset": 100)"))
              .starts_with("f.json: /targets/0/offset: is not a multiple of 512; begin at a sector"));
    CHECK(report_of(target_like(R"("type": "block", "path": "sda")")).starts_with("f.json: /targets/0/path: "));
    CHECK(report_of(target_like(R"("type": "file", "path": "/srv/b", "offset": 512)"))
              .starts_with("f.json: /targets/0/offset: "));
}

TEST_CASE("flash by its number or by its name")
{
    CHECK(target_of(target_like(R"("type": "mtd", "path": "/dev/mtd3")")).path == "/dev/mtd3");
    CHECK(target_of(target_like(R"("type": "mtd", "path": "mtd:bios flash")")).path == "mtd:bios flash");
    CHECK(report_of(target_like(R"("type": "mtd", "path": "mtd:")"))
              .starts_with("f.json: /targets/0/path: names no device; write a name of /proc/mtd behind the colon"));
    CHECK(report_of(target_like(R"("type": "mtd", "path": "bios")")).starts_with("f.json: /targets/0/path: "));
    CHECK(report_of(target_like(R"("type": "mtd", "path": 3)")).starts_with("f.json: /targets/0/path: is a number"));
    CHECK(report_of(target_like(R"("type": "block", "path": "mtd:bios")")).starts_with("f.json: /targets/0/path: "));
    CHECK(report_of(target_like(R"("type": "mtd")")).starts_with("f.json: /targets/0/path: missing"));
}

TEST_CASE("two targets on one device, or overlapping, are refused")
{
    const std::string taken = "f.json: /targets/1/path: is written by target \"cpld\" too; give each target a device";
    const auto of_two = [](std::string_view first, std::string_view second) { return report_of(after(first, second)); };
    constexpr std::string_view low = R"("type": "block", "path": "/dev/sda", "size": 1024)";
    CHECK(of_two(low, R"("type": "block", "path": "/dev/sda", "offset": 1024)") == "no mistake found");
    CHECK(of_two(low, R"("type": "block", "path": "/dev/sdb")") == "no mistake found");
    CHECK(of_two(low, R"("type": "block", "path": "/dev//sda", "offset": 512)").starts_with(taken));
    CHECK(of_two(low, R"("type": "block", "path": "/dev/sda")").starts_with(taken));
    CHECK(of_two(R"("type": "mtd", "path": "mtd:a")", R"("type": "mtd", "path": "mtd:b")") == "no mistake found");
    CHECK(of_two(R"("type": "mtd", "path": "mtd:a")", R"("type": "mtd", "path": "mtd:a")").starts_with(taken));
    CHECK(of_two(R"("type": "mtd", "path": "/dev/mtd3")", R"("type": "mtd", "path": "/dev/x/../mtd3")")
              .starts_with(taken));
    CHECK(of_two(R"("type": "handover", "path": "/run/image")", R"("type": "file", "path": "/run/image")")
              .starts_with("f.json: /targets/1/path: another target replaces this file too"));
}

TEST_CASE("on the machine: what is not there yet is a warning, what is something else a mistake")
{
    const auto warnings = [](std::string_view keys)
    {
        const auto config = loaded(target_like(keys));
        REQUIRE(config.has_value());
        return config->warnings.empty() ? std::string{} : config->warnings.front();
    };
    const auto mistake = [](std::string_view keys)
    {
        const auto config = loaded(target_like(keys));
        return config ? std::string{"no mistake found"} : config.error().text;
    };
    CHECK(warnings(R"("type": "block", "path": "/dev/not-there")")
              .ends_with("/targets/0/path: is not there; connect the device, or load its driver"));
    CHECK(mistake(R"("type": "block", "path": "/dev/null")").find("/targets/0/path: is no block device; ") !=
          std::string::npos);
    CHECK(
        warnings(R"("type": "mtd", "path": "/dev/mtd4711")").find("/targets/0/path: is not there; load the flash's") !=
        std::string::npos);
    CHECK(
        warnings(R"("type": "mtd", "path": "mtd:not there")").find("/targets/0/path: is not there; load the flash's") !=
        std::string::npos);
    CHECK(mistake(R"("type": "mtd", "path": "/dev/null")").find("/targets/0/path: is no MTD character device; ") !=
          std::string::npos);
    CHECK(warnings(R"("type": "handover", "path": "/not-mounted/bmc-image")")
              .ends_with("/targets/0/path: lies in a directory that is not there; make or mount /not-mounted"));
    CHECK(mistake(R"("type": "handover", "path": "/dev/null")").find("/targets/0/path: is a device; ") !=
          std::string::npos);
}

TEST_CASE("links to one device do not hide that two targets write it")
{
    const fwupdate::test::TemporaryDirectory directory;
    const auto link = (directory.path() / "bios").string();
    std::filesystem::create_symlink("/dev/null", link); // no block device, but there
    const auto config =
        loaded(after(R"("type": "block", "path": "/dev/null")", R"("type": "block", "path": ")" + link + "\""));
    REQUIRE(config.has_error());
    CHECK(config.error().text.find("/targets/1/path: is written by target \"cpld\" too") != std::string::npos);
}

TEST_CASE("the summary says what a target is")
{
    const auto line = [](std::string_view keys)
    {
        const auto config = parse(target_like(keys), "f.json", config::test::one_secret_file);
        REQUIRE(config.has_value());
        const std::string text = summary(*config);
        const std::size_t at = text.find("target 1");
        return text.substr(at, text.find('\n', at) - at);
    };
    CHECK(line(R"("type": "block", "path": "/dev/sda", "offset": 512, "size": "1MiB")") ==
          "target 1 \"bios\" (default), /dev/sda (block) from byte 512, 1 MiB of it, up to 1 MiB, restarts the host");
    CHECK(line(R"("type": "mtd", "path": "mtd:bios")").find(", mtd:bios (mtd), up to 64 MiB") != std::string::npos);
    CHECK(line(R"("type": "handover", "path": "/run/image")").find(", /run/image (for its action), up to") !=
          std::string::npos);
    CHECK(line(whole).find(", /srv/bios.bin, up to 1 MiB") != std::string::npos);
}
