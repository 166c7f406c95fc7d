// The sections "software" and "ship_level".
#include "bmc-agent/config/sections.hpp"
#include "tests/bmc-agent/config/sample.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::config;
using test::good;
using test::with;

namespace
{

/// The good configuration with one more section.
std::string with_section(const std::string& section)
{
    return with(R"("staging":)", section + R"(, "staging":)");
}

Config config_of(const std::string& section)
{
    auto config = parse(with_section(section), "test.json", test::one_secret_file);
    if (!config)
    {
        FAIL(config.error().text);
    }
    return *config;
}

void check_mistake(const std::string& section, const std::string& line)
{
    CAPTURE(section);
    const auto config = parse(with_section(section), "f.json", test::one_secret_file);
    REQUIRE_FALSE(config.has_value());
    CAPTURE(config.error().text);
    CHECK(config.error().text.starts_with("f.json: " + line));
    CHECK(config.error().text.find('\n') == std::string::npos);
}

std::string rule(const std::string& keys)
{
    return R"("ship_level": {"rules": [{"name": "x", )" + keys + "}]}";
}

} // namespace

TEST_CASE("what they mean is told")
{
    const std::string text = summary(config_of(
        R"("software": {"layout": "2020"}, "ship_level": {"setting": "bus", "rules": [{"name": "x", "type": "file", "file": "/x"}]})"));
    CHECK(text.find("versions on D-Bus as OpenBMC showed them in 2020, uploads in /tmp/images\n") != std::string::npos);
    CHECK(text.find("a minimum ship level of 1 rules, its setting that of phosphor-settingsd\n") != std::string::npos);
}

TEST_CASE("the sections may be left out, and may be empty")
{
    const auto plain = parse(good, "test.json", test::one_secret_file);
    REQUIRE(plain.has_value());
    CHECK_FALSE(plain->software);
    CHECK_FALSE(plain->ship_level);
    const Config config = config_of(R"("software": {}, "ship_level": {})");
    REQUIRE(config.software);
    CHECK(config.software->layout == SoftwareLayout::current);
    CHECK(config.software->upload_id == IdRule::version);
    CHECK(config.software->upload_directory == "/tmp/images");
    CHECK(config.software->most_active == 1);
    CHECK(config.software->reboot_guard);
    CHECK(config.software->image_sets.size() == 2);
    CHECK_FALSE(config.software->own_associations);
    CHECK_FALSE(config.software->least_bmc_version);
    REQUIRE(config.ship_level);
    CHECK(config.ship_level->rules.empty());
    CHECK(config.ship_level->settings == "/var/lib/phosphor-settings-manager/settings");
}

TEST_CASE("every key of software is read")
{
    const Config config = config_of(R"json("software": {
        "layout": "2020", "id": "named", "installed_id": "location", "id_name": "cpld_1",
        "upload_directory": "/run/images", "inventory": "/xyz/openbmc_project/inventory/bmc", "associations": "own",
        "max_active": 4, "apply_times": ["on-activation-request", "immediate"],
        "image_sets": [["a"], ["b", "c"]],
        "minimum_bmc_version": {"version": "v1.2.3", "pattern": "(v)([0-9]+).([0-9]+).([0-9]+)"}})json");
    REQUIRE(config.software);
    const Software& software = *config.software;
    CHECK(software.layout == SoftwareLayout::era_2020);
    CHECK(software.upload_id == IdRule::named);
    CHECK(software.installed_id == IdRule::location);
    CHECK(software.id_name == "cpld_1");
    CHECK(software.upload_directory == "/run/images");
    CHECK(software.inventory == "/xyz/openbmc_project/inventory/bmc");
    CHECK(software.own_associations);
    CHECK(software.most_active == 4);
    CHECK(software.apply_times == std::vector<ApplyTime>{ApplyTime::on_activation_request, ApplyTime::immediate});
    CHECK(software.image_sets == std::vector<std::vector<std::string>>{{"a"}, {"b", "c"}});
    REQUIRE(software.least_bmc_version);
    CHECK(software.least_bmc_version->version == "v1.2.3");
}

TEST_CASE("mistakes in software")
{
    check_mistake(R"("software": 1)", "/software: is a number");
    check_mistake(R"("software": {"what": 1})", "/software/what: unknown key");
    check_mistake(R"("software": {"layout": "2021"})", "/software/layout: ");
    check_mistake(R"("software": {"id": "location"})", "/software/id: ");
    check_mistake(R"("software": {"installed_id": "random"})", "/software/installed_id: ");
    check_mistake(R"("software": {"id_name": "a/b"})", "/software/id_name: would not be part of an object path");
    check_mistake(R"("software": {"upload_directory": "images"})", "/software/upload_directory: ");
    check_mistake(R"("software": {"max_active": 0})", "/software/max_active: ");
    check_mistake(R"("software": {"apply_times": ["later"]})", "/software/apply_times/0: \"later\" is no apply time");
    check_mistake(R"("software": {"apply_times": []})", "/software/apply_times: ");
    check_mistake(R"("software": {"image_sets": ["image-bmc"]})", "/software/image_sets/0: is not a list of images");
    check_mistake(R"("software": {"image_sets": [[]]})", "/software/image_sets/0: is not a list of images");
    check_mistake(R"("software": {"image_sets": [[1]]})", "/software/image_sets/0/0: is a number");
    check_mistake(R"("software": {"minimum_bmc_version": {"version": "1"}})",
                  "/software/minimum_bmc_version/pattern: missing");
    check_mistake(R"("software": {"minimum_bmc_version": {"version": "1", "pattern": "(("}})",
                  "/software/minimum_bmc_version/pattern: is not a POSIX extended expression");
    check_mistake(R"json("software": {"minimum_bmc_version": {"version": "1", "pattern": "(a)"}})json",
                  "/software/minimum_bmc_version/pattern: has fewer than four groups");
    for (const char* const path : {"/", "a", "/a/", "//a", "/a//b", "/a-b", "/a b"})
    {
        check_mistake(R"("software": {"inventory": ")" + std::string{path} + R"("})", "/software/inventory: ");
    }
}

TEST_CASE("object paths are those of D-Bus")
{
    CHECK(is_object_path("/a"));
    CHECK(is_object_path("/xyz/openbmc_project/inventory/Board1"));
    for (const char* const path : {"", "/", "a", "/a/", "//", "/a//b", "/a-b", "/\xC3\xA4"})
    {
        CHECK_FALSE(is_object_path(path));
    }
}

TEST_CASE("every kind of rule is read")
{
    const Config config = config_of(R"("ship_level": {"settings": "/s", "hwmon": "/h", "rules": [
        {"name": "v", "type": "version", "file": "/f", "at_least": "2.0", "inventory": "/i/fan", "remedy": "update"},
        {"name": "f", "type": "file", "file": "/g"},
        {"name": "s", "type": "sensors", "driver": "max31785", "sensors": ["fan1_input", "fan2_input"]},
        {"name": "t", "type": "text", "file": "/t", "matches": "a+"},
        {"name": "r", "type": "register", "file": "/r", "at_least": 12336, "mask": 65535},
        {"name": "e", "type": "register", "file": "/r", "equals": 0}]})");
    REQUIRE(config.ship_level);
    const ShipLevel& level = *config.ship_level;
    CHECK(level.settings == "/s");
    CHECK(level.hwmon == "/h");
    REQUIRE(level.rules.size() == 6);
    CHECK(level.rules[0].inventory == "/i/fan");
    CHECK(level.rules[0].remedy == "update");
    CHECK(std::get<VersionAtLeast>(level.rules[0].requirement).at_least == "2.0");
    CHECK(std::get<FilePresent>(level.rules[1].requirement).file == "/g");
    CHECK(std::get<SensorsPresent>(level.rules[2].requirement).sensors.size() == 2);
    CHECK(std::get<TextMatches>(level.rules[3].requirement).pattern == "a+");
    const auto& least = std::get<RegisterValue>(level.rules[4].requirement);
    CHECK(least.at_least == 12336);
    CHECK_FALSE(least.equals);
    CHECK(least.mask == 65535);
    CHECK(std::get<RegisterValue>(level.rules[5].requirement).equals == 0);
}

TEST_CASE("mistakes in rules")
{
    check_mistake(R"("ship_level": {"rules": [{"type": "file", "file": "/f"}]})", "/ship_level/rules/0/name: missing");
    check_mistake(R"("ship_level": {"rules": [{"name": "x", "file": "/f"}]})", "/ship_level/rules/0/type: missing");
    check_mistake(rule(R"("type": "speed", "file": "/f")"), "/ship_level/rules/0/type: ");
    check_mistake(rule(R"("type": "file", "file": "f")"), "/ship_level/rules/0/file: ");
    check_mistake(rule(R"("type": "file", "file": "/f", "at_least": "1.0")"),
                  "/ship_level/rules/0/at_least: unknown key");
    check_mistake(rule(R"("type": "file", "file": "/f", "inventory": "fan")"), "/ship_level/rules/0/inventory: ");
    check_mistake(rule(R"("type": "version", "file": "/f")"), "/ship_level/rules/0/at_least: missing");
    check_mistake(rule(R"("type": "version", "file": "/f", "at_least": "green")"), "/ship_level/rules/0/at_least: ");
    check_mistake(rule(R"("type": "sensors", "sensors": ["a"])"), "/ship_level/rules/0/driver: missing");
    check_mistake(rule(R"("type": "sensors", "driver": "d", "sensors": ["../name"])"),
                  "/ship_level/rules/0/sensors/0: is a path");
    check_mistake(rule(R"("type": "text", "file": "/f", "matches": "(")"), "/ship_level/rules/0/matches: ");
    check_mistake(rule(R"("type": "register", "file": "/f")"), "/ship_level/rules/0: says not which value");
    check_mistake(rule(R"("type": "register", "file": "/f", "at_least": 1, "equals": 1)"),
                  "/ship_level/rules/0: says not which value");
    check_mistake(rule(R"("type": "register", "file": "/f", "at_least": "0x10")"),
                  "/ship_level/rules/0/at_least: is a string");
}

TEST_CASE("a rule's version is compared by the configured patterns")
{
    const std::string section = rule(R"("type": "version", "file": "/f", "at_least": "r7")");
    const std::string patterns = with(
        R"("roots":)", R"json("version_patterns": [{"pattern": "r([0-9]+)"}], "roots":)json", with_section(section));
    CHECK(parse(patterns, "f.json", test::one_secret_file).has_value());
    check_mistake(section, "/ship_level/rules/0/at_least: ");
}
