// Targets of type "slots".
#include "tests/bmc-agent/config/sample.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fwupdate;
using namespace fwupdate::config;
using test::good;
using test::with;

namespace
{

constexpr std::string_view a_file_target =
    R"({"id": 1, "name": "bios", "type": "file", "path": "/srv/bios.bin", "max_size": 1048576,
               "restart": {"what": "host", "command": ["/usr/bin/restart-host", "now"]}})";
constexpr std::string_view selector = R"("selector": {"type": "file", "path": "/boot/record"})";
constexpr std::string_view slots =
    R"("slots": [{"name": "a", "type": "file", "path": "/a"}, {"name": "b", "type": "file", "path": "/b"}])";
constexpr std::string_view running = R"("running": {"kernel_argument": "slot"})";
constexpr std::string_view restart = R"("restart": {"what": "bmc", "command": ["/sbin/reboot"]})";

std::string two_slots()
{
    return with(a_file_target, R"({"id": 1, "name": "bmc", "type": "slots", )" + std::string{slots} + ", " +
                                   std::string{selector} + ", " + std::string{running} + ", " + std::string{restart} +
                                   "}");
}

Slots slots_of(const std::string& text)
{
    const auto config = parse(text, "f.json", test::one_secret_file);
    REQUIRE_MESSAGE(config.has_value(), (config ? "" : config.error().text));
    REQUIRE(config->targets[0].slots.has_value());
    return *config->targets[0].slots;
}

std::string report_of(const std::string& text)
{
    const auto config = parse(text, "f.json", test::one_secret_file);
    return config ? "no mistake found" : config.error().text;
}

} // namespace

TEST_CASE("two slots, what chooses, what tells; the trial has defaults")
{
    const Slots read = slots_of(two_slots());
    REQUIRE(read.places.size() == 2);
    CHECK(read.places[0].name == "a");
    CHECK(read.places[1].type == "file");
    CHECK(read.places[1].path == "/b");
    CHECK(std::get<FileSelector>(read.selector).path == "/boot/record");
    CHECK(std::get<FileSelector>(read.selector).tries == 3);
    CHECK(read.running.kernel_argument == "slot");
    CHECK(read.probation.confirm == ConfirmBy::client);
    CHECK(read.probation.time == std::chrono::minutes{10});
    CHECK(read.probation.health_command.empty());
    const auto config = parse(two_slots(), "f.json", test::one_secret_file);
    CHECK(summary(*config).find("slot a at /a or slot b at /b") != std::string::npos);
}

TEST_CASE("every selector and every key of it")
{
    const auto by = [](std::string_view text)
    { return slots_of(with(selector, "\"selector\": " + std::string{text}, two_slots())).selector; };
    const auto redundant = std::get<RedundantSelector>(
        by(R"({"type": "redundant", "path": "/dev/x", "first": 512, "second": 65536, "tries": 1})"));
    CHECK(redundant.path == "/dev/x");
    CHECK(redundant.offsets == std::array<std::uint64_t, 2>{512, 65536});
    CHECK(redundant.tries == 1);
    const auto command = std::get<CommandSelector>(
        by(R"({"type": "command", "get": ["/g", "1"], "try": ["/t"], "confirm": ["/c"], "fall_back": ["/f"]})"));
    CHECK(command.get == std::vector<std::string>{"/g", "1"});
    CHECK(command.try_slot == std::vector<std::string>{"/t"});
    CHECK(command.confirm == std::vector<std::string>{"/c"});
    CHECK(command.fall_back == std::vector<std::string>{"/f"});
    const auto usual = std::get<UbootSelector>(by(R"({"type": "uboot"})"));
    CHECK(usual.config == "/etc/fw_env.config");
    CHECK(usual.slot_variable == "bootslot");
    const auto uboot = std::get<UbootSelector>(
        by(R"({"type": "uboot", "config": "/c", "slot_variable": "s", "trial_variable": "t", "count_variable": "n"})"));
    CHECK(uboot.config == "/c");
    CHECK(uboot.slot_variable + uboot.trial_variable + uboot.count_variable == "stn");
}

TEST_CASE("the running slot and the trial")
{
    CHECK(slots_of(with(running, R"("running": {"file": "/run/slot"})", two_slots())).running.file == "/run/slot");
    const auto probation =
        slots_of(with(running,
                      std::string{running} +
                          R"(, "probation": {"confirm": "health", "seconds": 7, "health_command": ["/h", "x"]})",
                      two_slots()))
            .probation;
    CHECK(probation.confirm == ConfirmBy::health);
    CHECK(probation.time == std::chrono::seconds{7});
    CHECK(probation.health_command == std::vector<std::string>{"/h", "x"});
    // Programs may tell themselves what runs.
    const std::string told = with(", " + std::string{running}, "", two_slots());
    CHECK(slots_of(with(selector, R"("selector": {"type": "command", "get": ["/g"], "try": ["/t"], "confirm": ["/c"],
                                     "fall_back": ["/f"]})",
                        told))
              .running.kernel_argument.empty());
}

TEST_CASE("mistakes of slots")
{
    struct Mistake
    {
        std::string_view piece;
        std::string replacement;
        std::string_view line;
    };
    const auto probation = [](std::string_view text)
    { return std::string{running} + ", \"probation\": " + std::string{text}; };
    const std::vector<Mistake> mistakes{
        {R"("type": "slots", )", R"("type": "slots", "path": "/x", )", "/targets/0/path: unknown key"},
        {slots, R"("slots": [])", "/targets/0/slots: 0 slots; write 1 to 2"},
        {slots, R"("slots": [{"name": "a", "type": "file", "path": "/a"}])", "/targets/0/slots: has one slot only"},
        {R"("name": "b")", R"("name": "a")", "/targets/0/slots: has two slots of the same name"},
        {R"("name": "b")", R"("name": "b c")", "/targets/0/slots/1/name: has more than letters"},
        {R"("name": "b", )", "", "/targets/0/slots/1/name: missing"},
        {R"("type": "file", "path": "/b")", R"("path": "/b")", "/targets/0/slots/1/type: missing"},
        {R"("type": "file", "path": "/b")", R"("type": "slots", "path": "/b")",
         "/targets/0/slots/1/type: \"slots\" is"},
        {R"("type": "file", "path": "/b")", R"("type": "file")", "/targets/0/slots/1/path: missing"},
        {R"("path": "/b")", R"("path": "//a")", "/targets/0/slots/1/path: is the other slot too"},
        {R"("path": "/b")", R"("path": "/var/lib/bmc-agent/b")", "/targets/0/slots/1/path: lies in the staging"},
        {R"("path": "/b")", R"("path": "/a.fwupdate-new")", "/targets/0/slots/1/path: is where target \"bmc\" gathers"},
        {R"("path": "/b")", R"("path": "/b", "size": 1)", "/targets/0/slots/1/size: unknown key"},
        {std::string_view{selector}, R"("selector": {"path": "/x"})", "/targets/0/selector/type: missing"},
        {selector, R"("selector": {"type": "grub"})", "/targets/0/selector/type: \"grub\" is none of"},
        {selector, R"("selector": {"type": "file"})", "/targets/0/selector/path: missing"},
        {selector, R"("selector": {"type": "file", "path": "/x", "tries": 0})", "/targets/0/selector/tries: 0 is out"},
        {selector, R"("selector": {"type": "redundant", "path": "/x", "second": 511})",
         "/targets/0/selector/second: lies in the first copy"},
        {selector, R"("selector": {"type": "command", "try": ["/t"], "confirm": ["/c"], "fall_back": ["/f"]})",
         "/targets/0/selector/get: missing"},
        {selector, R"("selector": {"type": "uboot", "slot_variable": "a=b"})",
         "/targets/0/selector/slot_variable: has more than letters"},
        {running, R"("running": {})", "/targets/0/running: does not have exactly one of"},
        {running, R"("running": {"file": "/x", "kernel_argument": "y"})", "/targets/0/running: does not have exactly"},
        {running, probation(R"({"confirm": "later"})"), "/targets/0/probation/confirm: \"later\" is none of"},
        {running, probation(R"({"confirm": "health"})"), "/targets/0/probation/health_command: missing"},
        {running, probation(R"({"confirm": "start", "seconds": 5})"),
         "/targets/0/probation: has a trial that never is"},
        {running, probation(R"({"seconds": 0})"), "/targets/0/probation/seconds: 0 is out of range"},
        {restart, R"("max_size": 5)", "/targets/0/restart: does not restart the BMC"},
        {R"("what": "bmc")", R"("what": "host")", "/targets/0/restart: does not restart the BMC"},
    };
    for (const Mistake& mistake : mistakes)
    {
        CAPTURE(mistake.replacement);
        const std::string report = report_of(with(mistake.piece, mistake.replacement, two_slots()));
        CAPTURE(report);
        CHECK(report.starts_with("f.json: " + std::string{mistake.line}));
        CHECK(std::ranges::count(report, '\n') == 0);
    }
    CHECK(report_of(with(", " + std::string{running}, "", two_slots()))
              .starts_with("f.json: /targets/0/running: missing"));
}
