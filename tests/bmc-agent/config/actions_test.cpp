#include "tests/bmc-agent/config/sample.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace fwupdate;
using namespace fwupdate::config;
using test::with;

namespace
{

constexpr std::string_view size = R"("max_size": 1048576,)";

Result<Config> with_actions(std::string_view actions)
{
    return parse(with(size, R"("actions": )" + std::string{actions} + ","), "f.json", test::one_secret_file);
}

Actions read(std::string_view actions)
{
    const auto config = with_actions(actions);
    REQUIRE_MESSAGE(config.has_value(), (config.has_value() ? "" : config.error().text));
    REQUIRE(config->targets[0].actions.has_value());
    return *config->targets[0].actions;
}

/// Actions, and the line that tells what is wrong with them.
struct Mistake
{
    std::string_view actions;
    std::string_view line; ///< begins with, below /targets/0/actions
};

} // namespace

TEST_CASE("a target without actions has none; what is missing is skipped")
{
    const auto config = parse(test::good, "f.json", test::one_secret_file);
    REQUIRE(config.has_value());
    CHECK_FALSE(config->targets[0].actions.has_value());
    CHECK(read("{}") == Actions{});
    CHECK(read(R"({"update": {"type": "skip"}})") == Actions{});
    CHECK(read("{}").patience == std::chrono::minutes{30});
}

TEST_CASE("every type where it may stand")
{
    const Actions actions = read(R"({
        "preparation": {"type": "systemd", "unit": "prepare.target"},
        "verification": {"type": "fileSystemdVerify", "unit": "verify@1.service", "path": "/run/bmc-agent/verify"},
        "update": {"type": "fileSystemdUpdate", "unit": "update.service", "mode": "fail", "path": "/run/bmc-agent/update"},
        "patience": 90})");
    CHECK(actions.preparation == Action{flash::Systemd{"prepare.target", "replace"}});
    CHECK(actions.verification == Action{flash::FileSystemd{"/run/bmc-agent/verify", {"verify@1.service", "replace"}}});
    CHECK(actions.update == Action{flash::FileSystemd{"/run/bmc-agent/update", {"update.service", "fail"}}});
    CHECK(actions.patience == std::chrono::seconds{90});
    CHECK(read(R"({"update": {"type": "reboot"}})").update == Action{flash::Reboot{}});
    for (const std::string_view slot : {"preparation", "verification", "update"})
    {
        CAPTURE(slot);
        const auto one = [&](std::string_view action)
        {
            const Actions all = read("{\"" + std::string{slot} + "\": " + std::string{action} + "}");
            return slot == "preparation" ? all.preparation : slot == "verification" ? all.verification : all.update;
        };
        CHECK(one(R"({"type": "systemd", "unit": "a.service"})") == Action{flash::Systemd{"a.service", "replace"}});
        CHECK(one(R"({"type": "command", "argv": ["/bin/flash", "-v"]})") == Action{Command{{"/bin/flash", "-v"}}});
        CHECK(one(R"({"type": "skip"})") == Action{flash::Skip{}});
    }
}

TEST_CASE("a mode that stops everything else is a warning")
{
    const auto config = with_actions(R"({"update": {"type": "systemd", "unit": "a.target", "mode": "isolate"}})");
    REQUIRE(config.has_value());
    REQUIRE(std::ranges::any_of(
        config->warnings, [](const std::string& line)
        { return line.find("/targets/0/actions/update/mode: stops every unit") != std::string::npos; }));
}

TEST_CASE("mistakes of the actions")
{
    const std::vector<Mistake> mistakes{
        {"5", ": is a number; write an object"},
        {"[]", ": is an array; write an object"},
        {R"({"updat": {"type": "skip"}})", R"(/updat: unknown key; did you mean "update"?)"},
        {R"({"update": "skip"})", "/update: is a string; write an object"},
        {R"({"update": {}})", R"(/update/type: missing; write {"type": "skip"})"},
        {R"({"update": {"type": 1}})", "/update/type: is a number; write \"systemd\""},
        {R"({"update": {"type": "sytemd"}})",
         R"(/update/type: "sytemd" is none of the possible words; did you mean "systemd"?)"},
        {R"({"preparation": {"type": "reboot"}})", "/preparation/type: \"reboot\" is none of the possible words"},
        {R"({"verification": {"type": "reboot"}})", "/verification/type: \"reboot\" is none of the possible words"},
        {R"({"preparation": {"type": "fileSystemdVerify"}})", "/preparation/type: \"fileSystemdVerify\" is none"},
        {R"({"preparation": {"type": "fileSystemdUpdate"}})", "/preparation/type: \"fileSystemdUpdate\" is none"},
        {R"({"verification": {"type": "fileSystemdUpdate"}})", "/verification/type: \"fileSystemdUpdate\" is none"},
        {R"({"update": {"type": "fileSystemdVerify"}})", "/update/type: \"fileSystemdVerify\" is none"},
        {R"({"update": {"type": "skip", "unit": "a.service"}})", "/update/unit: unknown key"},
        {R"({"update": {"type": "reboot", "mode": "fail"}})", "/update/mode: unknown key"},
        {R"({"update": {"type": "systemd"}})", "/update/unit: missing; write the whole name of a unit"},
        {R"({"update": {"type": "systemd", "unit": 1}})", "/update/unit: is a number; write text"},
        {R"({"update": {"type": "systemd", "unit": ""}})", "/update/unit: is empty"},
        {R"({"update": {"type": "systemd", "unit": "flash"}})", "/update/unit: \"flash\" is no name of a unit"},
        {R"({"update": {"type": "systemd", "unit": "a@.service"}})",
         "/update/unit: \"a@.service\" is no name of a unit"},
        {R"({"update": {"type": "systemd", "unit": "../a.service"}})", "/update/unit: \"../a.service\" is no name"},
        {R"({"update": {"type": "systemd", "unit": "a.service", "mode": "replce"}})",
         R"(/update/mode: "replce" is no mode of systemd; did you mean "replace"?)"},
        {R"({"update": {"type": "systemd", "unit": "a.service", "mode": null}})", "/update/mode: is null; write text"},
        {R"({"update": {"type": "systemd", "unit": "a.service", "path": "/x"}})", "/update/path: unknown key"},
        {R"({"update": {"type": "fileSystemdUpdate", "unit": "a.service"}})", "/update/path: missing; write the file"},
        {R"({"update": {"type": "fileSystemdUpdate", "unit": "a.service", "path": "status"}})",
         "/update/path: \"status\" is a relative path"},
        {R"({"update": {"type": "fileSystemdUpdate", "path": "/run/status"}})", "/update/unit: missing"},
        {R"({"update": {"type": "command"}})", "/update/argv: missing; write the program and its arguments"},
        {R"({"update": {"type": "command", "argv": []}})", "/update/argv: is not a program with its arguments"},
        {R"({"update": {"type": "command", "argv": "/bin/flash"}})",
         "/update/argv: is not a program with its arguments"},
        {R"({"update": {"type": "command", "argv": ["flash"]}})", "/update/argv/0: \"flash\" is not an absolute path"},
        {R"({"update": {"type": "command", "argv": ["/bin/flash", 1]}})", "/update/argv/1: is a number"},
        {R"({"update": {"type": "command", "argv": ["/bin/flash", "a\u0000b"]}})", "/update/argv/1: holds a control"},
        {R"({"patience": 0})", "/patience: 0 is out of range; write a whole number from 1 to 604800"},
        {R"({"patience": 604801})", "/patience: 604801 is out of range"},
        {R"({"patience": "5"})", "/patience: is a string"},
    };
    for (const Mistake& mistake : mistakes)
    {
        CAPTURE(mistake.actions);
        const auto config = with_actions(mistake.actions);
        REQUIRE_FALSE(config.has_value());
        const std::string& report = config.error().text;
        CAPTURE(report);
        CHECK(report.starts_with("f.json: /targets/0/actions" + std::string{mistake.line}));
        CHECK(std::ranges::count(report, '\n') == 0);
        CHECK(report.find("; ") != std::string::npos);
    }
}
