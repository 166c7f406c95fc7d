// The program as a unit starts it: exit codes and what it prints.
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

namespace
{

struct Run
{
    int code{};
    std::string output; ///< both streams
};

Run run(const std::string& arguments)
{
    std::FILE* const pipe = ::popen((std::string{SHIP_LEVEL_CHECK} + " " + arguments + " 2>&1").c_str(), "re");
    REQUIRE(pipe != nullptr);
    Run result;
    std::array<char, 4096> buffer{};
    for (std::size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    {
        result.output.append(buffer.data(), count);
    }
    const int status = ::pclose(pipe);
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

/// A configuration with one rule on a version, and the file that it looks at.
struct Rig
{
    fwupdate::test::TemporaryDirectory directory;
    std::string root = directory.path().string();

    Rig()
    {
        configure(R"({"ship_level": {"settings": ")" + root + R"(/settings", "rules": [
            {"name": "fan controller", "type": "version", "file": ")" +
                  root + R"(/version", "at_least": "2.0", "remedy": "update it"}]}})");
    }
    void configure(const std::string& text) const
    {
        std::ofstream{root + "/conf"} << text;
    }
    void version(const std::string& text) const
    {
        std::ofstream{root + "/version"} << text << '\n';
    }
    void require(const std::string& value) const
    {
        const std::string parent = root + "/settings/xyz/openbmc_project/control";
        std::filesystem::create_directories(parent);
        std::ofstream{parent + "/minimum_ship_level_required__"}
            << R"({"value0": {"cereal_class_version": 2, "MinimumShipLevelRequired": )" << value << "}}";
    }
    [[nodiscard]] Run check(const std::string& more = "") const
    {
        return run("--no-bus --config " + root + "/conf " + more); // the machine has a bus, or none
    }
};

} // namespace

TEST_CASE("met: 0")
{
    const Rig rig;
    rig.version("2.0");
    CHECK(rig.check().code == 0);
    CHECK(rig.check().output == "met\n");
    CHECK(rig.check("--quiet").output.empty());
}

TEST_CASE("not met: 1, and the offenders; not required: 0, and the offenders")
{
    const Rig rig;
    rig.version("1.9");
    const Run refused = rig.check("--quiet");
    CHECK(refused.code == 1);
    CHECK(refused.output ==
          "fan controller: version 1.9 is older than 2.0; update it\nnot met: the host may not start\n");
    rig.require("false");
    const Run allowed = rig.check();
    CHECK(allowed.code == 0);
    CHECK(allowed.output.ends_with("update it\nnot met, and not required\n"));
    rig.require("true");
    CHECK(rig.check().code == 1);
}

TEST_CASE("a damaged setting counts as required")
{
    const Rig rig;
    rig.version("1.9");
    rig.require("perhaps");
    const Run refused = rig.check();
    CHECK(refused.code == 1);
    CHECK(refused.output.find("damaged") != std::string::npos);
}

TEST_CASE("without the section there is nothing to meet; the rest of the configuration is not looked at")
{
    const Rig rig;
    rig.configure(R"({"users": "wrong", "targets": 7})");
    CHECK(rig.check().code == 0);
}

TEST_CASE("a broken configuration or command line: 255, so that the unit fails and is not skipped")
{
    const Rig rig;
    CHECK(run("--config " + rig.root + "/missing").code == 255);
    CHECK(run("--what").code == 255);
    rig.configure("{");
    CHECK(rig.check().code == 255);
    rig.configure(R"({"ship_level": {"rules": [{"name": "x", "type": "file"}]}})");
    const Run broken = rig.check();
    CHECK(broken.code == 255);
    CHECK(broken.output.find("/ship_level/rules/0/file: missing") != std::string::npos);
    CHECK(run("--help").code == 0);
    CHECK(run("--version").output.starts_with("ship-level-check "));
}

TEST_CASE("version patterns are the configuration's")
{
    const Rig rig;
    rig.configure(R"json({"verification": {"signature": "optional", "version_patterns": [{"pattern": "r([0-9]+)"}]},
        "ship_level": {"settings": "/nonexistent", "rules": [{"name": "x", "type": "version", "file": ")json" +
                  rig.root + R"json(/version", "at_least": "r7"}]}})json");
    rig.version("r8");
    CHECK(rig.check().code == 0);
    rig.version("r6");
    CHECK(rig.check().code == 1);
}
