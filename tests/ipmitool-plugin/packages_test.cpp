// Packages: which target an image is for, and several targets in one update.
#include "ipmitool-plugin/client/verdict.hpp"
#include "tests/ipmitool-plugin/package_bench.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;
using protocol::Restart;
using Loss = FakeBmc::Loss;
using Bench = PackageBench;

namespace
{

/// The target of the first request of a kind.
template <class Request> std::uint8_t target_of(const FakeBmc& bmc, Command command)
{
    for (const FakeBmc::Seen& seen : bmc.seen)
    {
        if (seen.command == command)
        {
            return codec::decode_request<Request>(seen.data)->target;
        }
    }
    return 0;
}

} // namespace

// ---------------------------------------------------------------------------------------------------- the target

TEST_CASE("without the keyword no target is named, so that a package's own mapping chooses")
{
    Bench bench;
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.named_target == protocol::no_target);
    CHECK(target_of<protocol::SetUpdateParametersRequest>(bench.bmc, Command::set_update_parameters) ==
          protocol::no_target);
    REQUIRE(bench.bmc.plans.size() == 1);
    CHECK(bench.bmc.plans[0].request.target == protocol::no_target);
}

TEST_CASE("with the keyword the chosen target is named everywhere")
{
    Bench bench;
    bench.add_bios();
    bench.bmc.package.clear();
    const Run run = bench.install({"target", "bios"});
    CHECK(run.code == 0);
    CHECK(has(run.out, "bios: updated"));
    CHECK_FALSE(has(run.out, "bmc-image"));
    CHECK(bench.bmc.named_target == 2);
    CHECK(target_of<protocol::SetUpdateParametersRequest>(bench.bmc, Command::set_update_parameters) == 2);
    CHECK(bench.bmc.plans.at(0).request.target == 2);
    CHECK(bench.bmc.installed_beside[2] == bench.image);
}

TEST_CASE("plan names no target either, unless it is told to")
{
    Bench bench;
    CHECK(bench.run({"plan", bench.file}).code == 0);
    CHECK(bench.bmc.plans.at(0).request.target == protocol::no_target);
    CHECK(bench.run({"plan", bench.file, "target", "bmc-image"}).code == 0);
    CHECK(bench.bmc.plans.at(1).request.target == 1);
    CHECK(bench.run({"plan", bench.file, "target", "none"}).code == code(ExitCode::refused));
    bench.bmc.plan_code = ipmi::CompletionCode::invalid_command;
    CHECK(bench.run({"plan", bench.file}).code == code(ExitCode::refused));
}

TEST_CASE("another target that was chosen in the mode that is adopted is forgotten")
{
    Bench bench;
    bench.add_bios();
    bench.bmc.package.clear();
    CHECK(bench.run({"enter"}).code == 0);
    CHECK(bench.run({"options", "target", "bios"}).code == 0);
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    const Run run = bench.install();
    CHECK_MESSAGE(run.code == 0, run.err);
    CHECK(has(run.err, "chose another target: left it; beginning again"));
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.bmc.installed_beside[2] != bench.image);
}

// ------------------------------------------------------------------------------------------------ several targets

TEST_CASE("a package for two targets: each is told on its own")
{
    Bench bench;
    bench.add_bios();
    bench.bmc.provisional = {2};
    const Run run = bench.install();
    CHECK_MESSAGE(run.code == 0, run.err);
    CHECK(has(run.out, "bmc-image: updated, version 1.0; bios: updated, version 1.0, on probation\n"));
    CHECK(bench.bmc.installed.size() == 5000);
    CHECK(bench.bmc.installed_beside[2].size() == 70'000);

    const Run again = bench.install();
    CHECK(again.code == code(ExitCode::already_current));
    CHECK(has(again.out, "bmc-image, bios: already current"));
    bench.bmc.installed_beside[2] = {'x'};
    CHECK(bench.install().code == 0);
}

TEST_CASE("a package for another target than the default one: that one is judged, and no other")
{
    Bench bench;
    bench.add_bios();
    bench.bmc.package = {{2, 6000, 70'000}};
    const Run run = bench.install();
    CHECK(run.code == 0);
    CHECK(has(run.out, "bios: updated"));
    CHECK_FALSE(has(run.out, "bmc-image"));
    CHECK(bench.bmc.installed == Bytes{'o', 'l', 'd'});
}

TEST_CASE("a plain image that another target had before is this target's alone")
{
    Bench bench;
    bench.add_bios();
    bench.bmc.package.clear();
    for (auto& target : bench.bmc.targets)
    {
        target.accepts.bits = protocol::accepts_plain;
    }
    CHECK(bench.install({"target", "bios"}).code == 0);
    const Run run = bench.install();
    CHECK(run.code == 0);
    CHECK(has(run.out, "bmc-image: updated"));
    CHECK_FALSE(has(run.out, "bios"));
}

TEST_CASE("one of two targets restarts the BMC: the restart is waited for, then both are told")
{
    Bench bench;
    bench.add_bios(Restart::bmc);
    bench.bmc.restart_after = 6;
    bench.bmc.reopen_failures = 20;
    SUBCASE("updated")
    {
        const Run run = bench.install();
        CHECK_MESSAGE(run.code == 0, run.err);
        CHECK(has(run.err, "the BMC is restarting"));
        CHECK(has(run.out, "bios: updated, version 2.0"));
        CHECK(has(run.out, "bmc-image: updated"));
    }
    SUBCASE("one fell back")
    {
        bench.bmc.keeps_old = {2};
        const Run run = bench.install();
        CHECK(run.code == code(ExitCode::fell_back));
        CHECK(has(run.err, "bmc-image: updated"));
        CHECK(has(run.err, "; bios: the older version is back"));
    }
    SUBCASE("did not return")
    {
        bench.bmc.reopen_failures = 1'000'000;
        CHECK(bench.install().code == code(ExitCode::no_return));
    }
    SUBCASE("did not restart")
    {
        bench.bmc.restart_after = 0;
        const Run run = bench.install();
        CHECK(run.code == code(ExitCode::no_return));
        CHECK(has(run.err, "bmc-image: updated, version 1.0; the BMC did not restart within 10 min"));
    }
    SUBCASE("not waited for")
    {
        const Run run = bench.install({"no-wait"});
        CHECK(run.code == code(ExitCode::accepted));
        CHECK(has(run.out, "bmc-image: programmed; "));
        CHECK(has(run.out, "bios: programmed; "));
    }
    SUBCASE("deferred, and waited for")
    {
        bench.bmc.restart_after = 3000;
        CHECK(bench.install({"defer-reboot", "wait-reboot"}).code == 0);
    }
}

TEST_CASE("one of two targets restarts the host: the other one is told at once")
{
    Bench bench;
    bench.add_bios(Restart::host);
    SUBCASE("it does not happen")
    {
        const TimePoint begun = bench.world.now();
        const Run run = bench.install();
        CHECK(run.code == code(ExitCode::accepted));
        CHECK(has(run.out, "bmc-image: updated, version 1.0; bios: programmed; it runs after the host's restart"));
        CHECK(bench.world.now() - begun < std::chrono::seconds{30});
    }
    SUBCASE("it happens")
    {
        bench.bmc.host_after = 6;
        const Run run = bench.install();
        CHECK(run.code == 0);
        CHECK(has(run.out, "bios: updated"));
    }
}

TEST_CASE("a package by a URI of which nothing was known: the BMC tells afterwards what it was")
{
    Bench bench;
    bench.add_bios();
    const Run run = bench.run({"uri", "https://h/a"});
    CHECK_MESSAGE(run.code == 0, run.err);
    CHECK(has(run.out, "bmc-image: updated"));
    CHECK(has(run.out, "bios: updated"));
}

TEST_CASE("every command's answer may get lost once, with a plan and two targets")
{
    for (std::size_t at = 6; at < 60; ++at)
    {
        CAPTURE(at);
        Bench bench;
        bench.add_bios();
        bench.replace_image(make_image(76'000));
        std::size_t commands = 0;
        bench.bmc.on_command = [&](Command) { return ++commands == at ? Loss::answer : Loss::none; };
        const Run run = bench.install();
        CHECK_MESSAGE(run.code == 0, run.err);
        CHECK(has(run.out, "bmc-image: updated"));
        CHECK(has(run.out, "bios: updated"));
    }
}

TEST_CASE("a person is asked about a package without a promise which target it is for")
{
    Bench bench;
    bench.add_bios();
    bench.world.person = true;
    CHECK(bench.install().code == code(ExitCode::cancelled));
    CHECK(has(bench.world.questions.at(0), "target bmc-image or those that a package is for"));
    CHECK(bench.install({"target", "bios"}).code == code(ExitCode::cancelled));
    CHECK(has(bench.world.questions.at(1), "target bios, which runs"));
}

TEST_CASE("several ends are one: the worst code, and what is said twice is said once")
{
    using client::Outcome;
    const auto whole = client::combined({Outcome{ExitCode::done, "a"}, Outcome{ExitCode::accepted, "b"}});
    CHECK(whole.code == ExitCode::accepted);
    CHECK(whole.text == "a; b");
    CHECK(client::combined({Outcome{ExitCode::fell_back, "a"}, Outcome{ExitCode::no_return, "b"}}).code ==
          ExitCode::fell_back);
    CHECK(client::combined({Outcome{ExitCode::accepted, "a"}, Outcome{ExitCode::no_return, "b"}}).code ==
          ExitCode::no_return);
    CHECK(client::combined({Outcome{ExitCode::no_return, "a"}, Outcome{ExitCode::no_return, "a"}}).text == "a");
    CHECK(client::combined({Outcome{ExitCode::done, "a"}}).code == ExitCode::done);
}
