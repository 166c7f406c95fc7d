#include "bmc-agent/config/flash/targets.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fwupdate;
using namespace fwupdate::config;
using namespace fwupdate::config::flash;

namespace
{

FlashBlob blob(std::string id, std::string path = {})
{
    if (path.empty())
    {
        path = "/run/" + id.substr(id.rfind('/') + 1);
    }
    return {std::move(id),
            {std::move(path)},
            Skip{},
            Systemd{"verify.service"},
            Systemd{"update.service"},
            {"/etc/flash.json", "/3"}};
}

/// An overlay that says nothing but which blob it is for.
config::Target overlay(std::string id)
{
    config::Target target;
    target.id = protocol::no_target;
    target.blob = std::move(id);
    return target;
}

config::Target own(std::uint8_t id, std::string name)
{
    config::Target target;
    target.id = id;
    target.path = "/srv/" + name;
    target.name = std::move(name);
    target.type = "file";
    return target;
}

/// A configuration without targets, and what flash configuration it meets.
struct Bench
{
    Bench()
    {
        config.staging.directory = "/var/lib/bmc-agent";
        config.flash_config.emplace();
    }

    std::vector<std::string> add()
    {
        return add_targets(flash, config);
    }
    /// The only mistake.
    std::string mistake()
    {
        const auto mistakes = add();
        return mistakes.size() == 1 ? mistakes.front() : std::to_string(mistakes.size()) + " mistakes";
    }
    std::vector<config::Target>& overlays()
    {
        return config.flash_config->targets;
    }
    const config::Target& target(std::string_view name)
    {
        const auto found = std::ranges::find(config.targets, name, &config::Target::name);
        REQUIRE(found != config.targets.end());
        return *found;
    }

    FlashConfig flash;
    Config config;
};

} // namespace

TEST_CASE("a blob becomes a target: type, name, number, path, actions")
{
    Bench bench;
    bench.flash.blobs = {blob("/flash/bios", "/run/staged/bios")};
    CHECK(bench.add().empty());
    REQUIRE(bench.config.targets.size() == 1);
    const config::Target& target = bench.config.targets.front();
    CHECK(target.type == "handover");
    CHECK(target.name == "bios");
    CHECK(target.id == 0);
    CHECK(target.blob == "/flash/bios");
    CHECK(target.path == "/run/staged/bios");
    CHECK(target.restart.what == protocol::Restart::nothing);
    REQUIRE(target.actions.has_value());
    CHECK(std::holds_alternative<Skip>(target.actions->preparation));
    CHECK(target.actions->verification == config::Action{Systemd{"verify.service"}});
    CHECK(target.actions->update == config::Action{Systemd{"update.service"}});
    CHECK(bench.config.default_target == 0);
}

TEST_CASE("numbers: the lowest that nobody has, neither a target nor an overlay")
{
    Bench bench;
    bench.config.targets = {own(0, "cpld"), own(2, "psu")};
    bench.config.default_target_name = "cpld";
    bench.flash.blobs = {blob("/flash/a"), blob("/flash/b"), blob("/flash/c")};
    bench.overlays() = {overlay("/flash/c")};
    bench.overlays().front().id = 1;
    CHECK(bench.add().empty());
    CHECK(bench.target("a").id == 3);
    CHECK(bench.target("b").id == 4);
    CHECK(bench.target("c").id == 1);
}

TEST_CASE("numbers: one that is taken, and none left")
{
    Bench bench;
    bench.flash.blobs = {blob("/flash/a")};
    SUBCASE("an overlay's is a target's")
    {
        bench.config.targets = {own(7, "cpld")};
        bench.config.default_target_name = "cpld";
        bench.overlays() = {overlay("/flash/a")};
        bench.overlays().front().id = 7;
        CHECK(bench.mistake() ==
              "/flash_config/targets: /flash/a: another target has number 7; give each target a number "
              "of its own");
    }
    SUBCASE("two overlays' are the same")
    {
        bench.flash.blobs.push_back(blob("/flash/b"));
        bench.overlays() = {overlay("/flash/a"), overlay("/flash/b")};
        bench.overlays()[0].id = bench.overlays()[1].id = 7;
        CHECK(bench.mistake().starts_with("/flash_config/targets: /flash/b: another target has number 7"));
    }
    SUBCASE("255 targets")
    {
        for (std::uint8_t id = 0; id < protocol::no_target; ++id)
        {
            bench.config.targets.push_back(own(id, "target " + std::to_string(id)));
        }
        bench.config.default_target_name = "target 0";
        CHECK(bench.mistake() == "/etc/flash.json: /3: /flash/a: no number is left for it; leave fewer blobs");
    }
}

TEST_CASE("an overlay says what the blob's own configuration can't")
{
    Bench bench;
    bench.flash.blobs = {blob("/flash/image", "/run/image")};
    bench.overlays() = {overlay("/flash/image")};
    config::Target& said = bench.overlays().front();
    said.id = 9;
    said.name = "bmc";
    said.max_size = 1000;
    said.restart = {protocol::Restart::bmc, {"/usr/bin/restart"}};
    said.version_file = "/etc/os-release";
    said.components = {{10, 1}};
    CHECK(bench.add().empty());
    const config::Target& target = bench.target("bmc");
    CHECK(target.id == 9);
    CHECK(target.max_size == 1000);
    CHECK(target.restart.command == std::vector<std::string>{"/usr/bin/restart"});
    CHECK(target.version_file == "/etc/os-release");
    CHECK(target.components.size() == 1);
    CHECK(target.path == "/run/image");
    CHECK(target.type == "handover");
}

TEST_CASE("an overlay of a blob that no file configures")
{
    Bench bench;
    bench.flash.blobs = {blob("/flash/a")};
    bench.overlays() = {overlay("/flash/b")};
    CHECK(bench.mistake() ==
          "/flash_config/targets: no file configures /flash/b; remove it, or look at what was left out");
}

TEST_CASE("names: taken, too long, and another by the overlay")
{
    Bench bench;
    SUBCASE("a target's")
    {
        bench.config.targets = {own(1, "bios")};
        bench.flash.blobs = {blob("/flash/bios")};
        SUBCASE("taken")
        {
            CHECK(bench.mistake() ==
                  "/etc/flash.json: /3: /flash/bios: a target is called \"bios\" already; give it another "
                  "\"name\" in /flash_config/targets");
            CHECK(bench.config.targets.size() == 1);
        }
        SUBCASE("given another")
        {
            bench.overlays() = {overlay("/flash/bios")};
            bench.overlays().front().name = "bios by blobs";
            bench.config.default_target_name = "bios by blobs";
            CHECK(bench.add().empty());
            CHECK(bench.config.default_target == 0);
        }
    }
    SUBCASE("32 bytes are a name, 33 none")
    {
        bench.flash.blobs = {blob("/flash/" + std::string(32, 'n'))};
        CHECK(bench.add().empty());
        bench.flash.blobs = {blob("/flash/" + std::string(33, 'n'))};
        CHECK(bench.add().front().find("is too long for a target's name") != std::string::npos);
    }
    SUBCASE("an id with more slashes keeps them")
    {
        bench.flash.blobs = {blob("/flash/host/0/bios")};
        CHECK(bench.add().empty());
        CHECK(bench.config.targets.front().name == "host/0/bios");
    }
}

TEST_CASE("an update by \"reboot\" restarts the BMC, and no command does beside")
{
    Bench bench;
    bench.flash.blobs = {blob("/flash/image")};
    bench.flash.blobs.front().update = Reboot{};
    SUBCASE("alone")
    {
        CHECK(bench.add().empty());
        CHECK(bench.config.targets.front().restart.what == protocol::Restart::bmc);
        CHECK(bench.config.targets.front().restart.command.empty());
        CHECK(std::holds_alternative<Reboot>(bench.config.targets.front().actions->update));
    }
    SUBCASE("beside a restart of the overlay's")
    {
        bench.overlays() = {overlay("/flash/image")};
        bench.overlays().front().restart = {protocol::Restart::host, {"/usr/bin/power-cycle"}};
        CHECK(bench.mistake() ==
              "/etc/flash.json: /3: /flash/image: its update is \"reboot\", and /flash_config/targets has "
              "a \"restart\"; keep one");
    }
}

TEST_CASE("paths that no target can have")
{
    struct Case
    {
        std::string path;
        std::string_view words;
    };
    const Case cases[] = {
        {"/run/", "does not end in a file's name"},
        {"/var/lib/bmc-agent/image", "lies in the staging directory"},
        {"/run/../var/lib/bmc-agent/image", "lies in the staging directory"},
        {"/srv/cpld", "another target replaces its file too"},
        {"/srv/./x/../cpld", "another target replaces its file too"},
    };
    for (const Case& row : cases)
    {
        CAPTURE(row.path);
        Bench bench;
        bench.config.targets = {own(1, "cpld")};
        bench.flash.blobs = {blob("/flash/bios", row.path)};
        const std::string mistake = bench.mistake();
        CAPTURE(mistake);
        CHECK(mistake.starts_with("/etc/flash.json: /3: /flash/bios: "));
        CHECK(mistake.find(row.words) != std::string::npos);
        CHECK(bench.config.targets.size() == 1);
    }
    Bench two;
    two.config.default_target_name = "a";
    two.flash.blobs = {blob("/flash/a", "/run/same"), blob("/flash/b", "/run/same")};
    CHECK(two.mistake().find("/flash/b: another target replaces its file too") != std::string::npos);
}

TEST_CASE("a path that is not absolute, as files have it that systems ship, costs its blob alone")
{
    Bench bench;
    bench.config.targets = {own(1, "cpld")};
    bench.config.default_target_name = "cpld";
    bench.flash.blobs = {blob("/flash/bios", "bios-staged-name")};
    CHECK(add_targets(bench.flash, bench.config).empty());
    CHECK(bench.config.targets.size() == 1);
    CHECK(bench.config.warnings ==
          std::vector<std::string>{"/etc/flash.json: /3: /flash/bios: its path is not absolute, "
                                   "it is not served; write the path from / on"});
}

TEST_CASE("a component belongs to one target")
{
    Bench bench;
    bench.config.targets = {own(1, "cpld")};
    bench.config.targets.front().components = {{10, 1}, {10, 2}};
    bench.config.default_target_name = "cpld";
    bench.flash.blobs = {blob("/flash/bios")};
    bench.overlays() = {overlay("/flash/bios")};
    bench.overlays().front().components = {{10, 2}};
    CHECK(bench.mistake().starts_with("/flash_config/targets: /flash/bios has a component of another target"));
    bench.overlays().front().components = {{10, 3}};
    CHECK(bench.add().empty());
}

TEST_CASE("the default target: the only one, the one that is named, or none")
{
    Bench bench;
    SUBCASE("nothing at all")
    {
        CHECK(bench.mistake().starts_with("nothing can be updated: neither /targets nor"));
    }
    SUBCASE("of two without a name")
    {
        bench.flash.blobs = {blob("/flash/a"), blob("/flash/b")};
        CHECK(bench.mistake().starts_with("/default_target: is missing"));
    }
    SUBCASE("of two, a blob's")
    {
        bench.flash.blobs = {blob("/flash/a"), blob("/flash/b")};
        bench.config.default_target_name = "b";
        CHECK(bench.add().empty());
        CHECK(bench.config.default_target == 1);
    }
    SUBCASE("of an own one and a blob's, the own one")
    {
        bench.config.targets = {own(5, "cpld")};
        bench.flash.blobs = {blob("/flash/a")};
        bench.config.default_target_name = "cpld";
        CHECK(bench.add().empty());
        CHECK(bench.config.default_target == 5);
    }
    SUBCASE("a name that nobody has")
    {
        bench.flash.blobs = {blob("/flash/a")};
        bench.config.default_target_name = "bios";
        CHECK(bench.mistake() == "/default_target: no target is called \"bios\"; write the name of one");
    }
}

TEST_CASE("the blobs of all targets: ids that can be none, and ids that stand twice")
{
    Config config;
    config.targets = {own(1, "a"), own(2, "b"), own(3, "c")};
    CHECK(check_blobs(config).empty());
    config.targets[0].blob = "/flash/bios";
    config.targets[1].blob = "/flash/image";
    CHECK(check_blobs(config).empty());
    for (const std::string_view bad : {"bios", "/flash/", "/flash", "flash/bios", "/flash/hash", "/flash/verify",
                                       "/flash/update", "/flash/cleanup", "/flash/active/image", "/version/bios"})
    {
        CAPTURE(bad);
        config.targets[2].blob = bad;
        REQUIRE(check_blobs(config).size() == 1);
        CHECK(check_blobs(config).front() ==
              "target \"c\": \"" + std::string{bad} +
                  "\" can be no firmware's blob; write /flash/ and a name of its own, such "
                  "as /flash/bios");
    }
    config.targets[2].blob = "/flash/bios";
    REQUIRE(check_blobs(config).size() == 1);
    CHECK(check_blobs(config).front() == "two targets are updated by /flash/bios; give each a blob of its own");
}
