// The client on a BMC that knows the base profile only.
#include "ipmitool-plugin/client/base_transfer.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "tests/ipmitool-plugin/deployed_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using Loss = DeployedBmc::Loss;

namespace
{

struct Bench
{
    ScratchDirectory scratch;
    FakeWorld world;
    DeployedBmc bmc;
    Bytes image = make_image(20'000);
    std::string file = scratch.write("image.bin", image);

    Run run(const std::vector<std::string>& arguments)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes");
    }
    Run install(std::vector<std::string> keywords = {})
    {
        keywords.insert(keywords.begin(), {"install", file});
        return run(keywords);
    }
    [[nodiscard]] std::vector<std::uint8_t> commands() const
    {
        std::vector<std::uint8_t> numbers;
        for (const auto& [command, data] : bmc.seen)
        {
            numbers.push_back(command);
        }
        return numbers;
    }
};

int code(ExitCode exit_code)
{
    return static_cast<int>(exit_code);
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the update works, and the verdict is accepted, not confirmed")
{
    Bench bench;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::accepted));
    CHECK(has(run.out, "accepted, not confirmed"));
    CHECK(bench.bmc.activated == bench.image);
    CHECK_FALSE(bench.bmc.in_mode);
    CHECK_FALSE(bench.bmc.repeated_a_write);
    CHECK(bench.bmc.longest_write == 1400);
}

TEST_CASE("the options are set whole, whatever an earlier update left, and an initial error is ignored")
{
    Bench bench;
    bench.bmc.options = 0x07;
    bench.bmc.flags = 0x07;
    bench.bmc.status = 0x0F;
    CHECK(bench.install().code == code(ExitCode::accepted));
    CHECK(bench.bmc.options == 0x04);
    const auto set = std::ranges::find(bench.bmc.seen, std::uint8_t{0x2B}, [](const auto& row) { return row.first; });
    REQUIRE(set != bench.bmc.seen.end());
    CHECK(set->second.size() == 34);
    CHECK(set->second[0] == 0x07);
    CHECK(set->second[1] == 0x04);
}

TEST_CASE("the order is the recorded one")
{
    Bench bench;
    bench.image = make_image(10);
    bench.file = bench.scratch.write("ten", bench.image);
    static_cast<void>(bench.install({"no-wait"}));
    const std::vector<std::uint8_t> wanted{0x40, 0x26, 0x27, 0x22, 0x2B, 0x29, 0x2C, 0x29};
    const std::vector<std::uint8_t> commands = bench.commands();
    REQUIRE(commands.size() > wanted.size());
    CHECK(std::ranges::equal(wanted, std::vector(commands.begin(), commands.begin() + 8)));
    CHECK(commands.back() == 0x28);
}

TEST_CASE("another version after the restart confirms the update")
{
    Bench bench;
    bench.bmc.restarts = true;
    bench.bmc.reopen_failures = 100;

    SUBCASE("another version")
    {
        bench.bmc.version_changes = true;
        const Run run = bench.install();
        CHECK(run.code == 0);
        CHECK(has(run.out, "version 1.23 before, 1.24 now"));
    }
    SUBCASE("the same version")
    {
        CHECK(bench.install().code == code(ExitCode::accepted));
    }
    SUBCASE("it stays away")
    {
        bench.bmc.reopen_failures = 1'000'000;
        CHECK(bench.install().code == code(ExitCode::no_return));
    }
    SUBCASE("nobody waits")
    {
        CHECK(bench.install({"no-wait"}).code == code(ExitCode::accepted));
    }
}

TEST_CASE("a restart that comes before anybody sees ready is the update's end, not a stall")
{
    Bench bench;
    bench.bmc.restarts_unseen = true;
    bench.bmc.reopen_failures = 5;
    const TimePoint begun = bench.world.now();
    SUBCASE("another version")
    {
        bench.bmc.version_changes = true;
        const Run run = bench.install();
        CHECK(run.code == 0);
        CHECK(has(run.out, "version 1.23 before, 1.24 now"));
    }
    SUBCASE("the same version")
    {
        const Run run = bench.install();
        CHECK(run.code == code(ExitCode::accepted));
        CHECK(has(run.out, "restarted before it said ready"));
    }
    CHECK(bench.bmc.activated == bench.image);
    CHECK(bench.world.now() - begun < std::chrono::minutes{2});
}

TEST_CASE("a restart before the BMC has the whole image is a failed transfer")
{
    Bench bench;
    int controls = 0;
    bench.bmc.on_command = [&](std::uint8_t command)
    {
        if (command == 0x29 && ++controls == 2)
        {
            bench.bmc.restart();
        }
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "before it had the whole image"));
    CHECK(bench.bmc.activated.empty());
}

TEST_CASE("a lost answer to a write leads to a clean restart, never to a doubled block")
{
    for (const std::size_t at : {1U, 2U, 7U, 15U})
    {
        CAPTURE(at);
        Bench bench;
        std::size_t writes = 0;
        bench.bmc.on_command = [&](std::uint8_t command)
        { return command == 0x2C && ++writes == at ? Loss::answer : Loss::none; };
        const Run run = bench.install();
        CHECK(run.code == code(ExitCode::accepted));
        CHECK(bench.bmc.starts == 2);
        CHECK(bench.bmc.activated == bench.image);
        CHECK(has(run.err, "starting the transfer again"));
    }
}

TEST_CASE("the restarts are bounded; afterwards the mode is free again")
{
    Bench bench;
    bench.bmc.on_command = [&](std::uint8_t command) { return command == 0x2C ? Loss::answer : Loss::none; };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(bench.bmc.starts == 6);
    CHECK_FALSE(bench.bmc.in_mode);
    CHECK(has(run.err, "keeps nothing"));
}

TEST_CASE("every other answer may get lost as well")
{
    for (const int victim : {0x22, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B})
    {
        CAPTURE(victim);
        Bench bench;
        bool lost = false;
        bench.bmc.on_command = [&](std::uint8_t command)
        {
            const bool now = !lost && command == victim;
            lost = lost || now;
            return now ? Loss::answer : Loss::none;
        };
        const Run run = bench.install();
        CHECK((run.code == code(ExitCode::accepted) || run.code == code(ExitCode::failed)));
        CHECK((run.code != code(ExitCode::accepted) || bench.bmc.activated == bench.image));
    }
}

TEST_CASE("FFh at the end is a digest mismatch")
{
    Bench bench;
    std::size_t writes = 0;
    bench.bmc.on_command = [&](std::uint8_t command)
    {
        if (command == 0x2C && ++writes == 3)
        {
            bench.bmc.staged.back() ^= 1;
        }
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::verification_failed));
    CHECK(has(run.err, "SHA-256"));
    CHECK_FALSE(bench.bmc.in_mode);
}

TEST_CASE("what such a BMC would silently do wrong is refused")
{
    Bench bench;
    for (const std::vector<std::string>& keywords :
         {std::vector<std::string>{"defer-reboot"}, {"no-downgrade"}, {"target", "bios"}})
    {
        const Run run = bench.install(keywords);
        CHECK(run.code == code(ExitCode::refused));
        CHECK(has(run.err, keywords.front() == "target" ? "one target" : keywords.front()));
    }
    CHECK(bench.bmc.starts == 0);
    CHECK(bench.run({"plan", bench.file}).code == code(ExitCode::refused));
    CHECK(bench.run({"targets"}).code == code(ExitCode::refused));
    CHECK(bench.run({"log"}).code == code(ExitCode::refused));
}

TEST_CASE("a mode that somebody left behind needs force")
{
    Bench bench;
    bench.bmc.in_mode = true;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "force"));
    CHECK(bench.bmc.in_mode);
    CHECK(bench.install({"force"}).code == code(ExitCode::accepted));
}

TEST_CASE("a full BMC is a refusal, not a reason to start again")
{
    Bench bench;
    bench.bmc.limit = 5000;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "too large for this BMC"));
    CHECK(bench.bmc.starts == 1);
    CHECK_FALSE(bench.bmc.in_mode);
}

TEST_CASE("a lost answer to complete: the status tells whether it took effect")
{
    Bench bench;
    int controls = 0;
    bench.bmc.on_command = [&](std::uint8_t command)
    { return command == 0x29 && ++controls == 2 ? Loss::answer : Loss::none; };
    CHECK(bench.install().code == code(ExitCode::accepted));
    CHECK(bench.bmc.starts == 1);
    CHECK(bench.bmc.activated == bench.image);
}

TEST_CASE("somebody else's 40h is not mistaken for the extended profile")
{
    Bench bench;
    SUBCASE("short")
    {
        bench.bmc.command_40 = "\x01";
    }
    SUBCASE("long, without the signature")
    {
        bench.bmc.command_40 = std::string(60, 'x');
    }
    CHECK(bench.install({"no-wait"}).code == code(ExitCode::accepted));
    CHECK(bench.bmc.activated == bench.image);
}

TEST_CASE("the write size is the channel's, within what the interface carries")
{
    Bench bench;
    bench.bmc.port_facts.kind = client::LinkKind::system_interface;
    bench.bmc.port_facts.max_write = 240;
    static_cast<void>(bench.install());
    CHECK(bench.bmc.longest_write == 128);

    bench.bmc.port_facts.kind = client::LinkKind::lan;
    bench.bmc.port_facts.max_write = 32'000; // the user's -z
    static_cast<void>(bench.install());
    CHECK(bench.bmc.longest_write == 20'000);

    client::PortFacts facts = bench.bmc.port_facts;
    facts.max_write = 1401; // 9 modulo 16
    CHECK(client::choose_write_size(facts, std::nullopt) == 1024);
    protocol::GetUpdateChannelInfoResponse channels;
    channels.channels.items = {{protocol::UpdateChannel::rmcp_plus, 51'200}};
    CHECK(client::choose_write_size(facts, channels) == 1400);
}

TEST_CASE("the single steps make an update")
{
    Bench bench;
    CHECK(bench.run({"enter"}).code == 0);
    CHECK(bench.run({"options", "no-downgrade"}).code == 0);
    CHECK(bench.bmc.options == 0x01);
    CHECK(bench.run({"write", bench.file}).code == 0);
    CHECK(bench.run({"complete"}).code == 0);
    for (int poll = 0; poll < 8; ++poll)
    {
        CHECK(bench.run({"status"}).code == 0);
    }
    const Run status = bench.run({"status", "json"});
    CHECK(status.lines().front()["state"] == "ready");
    CHECK(status.lines().front()["completed"] == true);
    CHECK(bench.run({"exit"}).code == 0);
    CHECK(bench.bmc.activated == bench.image);
    CHECK(bench.run({"abort"}).code == code(ExitCode::refused));
    const Run info = bench.run({"info", "json"});
    CHECK(info.lines().front()["profile"] == "base");
    CHECK(info.lines().front()["write_size"] == 1400);
}
