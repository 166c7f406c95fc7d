// The trial of a new version: kept by the client that saw it run, or by 'confirm', or given up by 'fall-back'.
#include "common/sha256.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::Confirmation;
using Loss = FakeBmc::Loss;

namespace
{

/// A BMC whose target 1 restarts it and is on trial afterwards.
struct Bench
{
    Bench()
    {
        bmc.targets[0].restart = protocol::Restart::bmc;
        bmc.restart_after = 3;
        bmc.provisional = {1};
        bmc.confirm_code = CompletionCode::ok;
        bmc.capabilities.features.bits |= protocol::feature_confirm;
    }

    Run run(const std::vector<std::string>& arguments)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes");
    }
    Run install(std::vector<std::string> keywords = {})
    {
        keywords.insert(keywords.begin(), {"install", file});
        return run(keywords);
    }

    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    Bytes image = make_image(70'000);
    std::string file = scratch.write("image.bin", image);
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

TEST_CASE("the client that saw the new version run keeps it")
{
    Bench bench;
    const Run run = bench.install({"json"});
    CHECK_MESSAGE(run.code == 0, run.err);
    const auto end = run.lines().back();
    CHECK(end["result"] == "done");
    CHECK(end["text"] == "bmc-image: updated, version 2.0, confirmed");
    REQUIRE(bench.bmc.confirmations.size() == 1);
    CHECK(bench.bmc.confirmations[0].target == 1);
    CHECK(bench.bmc.confirmations[0].confirmation == Confirmation::keep);
    CHECK(bench.bmc.provisional.empty());
}

TEST_CASE("the BMC checks by itself first: the client waits for that")
{
    Bench bench;
    bench.bmc.kept_after = 20;
    CHECK(has(bench.install().out, "updated, version 2.0, confirmed"));
}

TEST_CASE("a check of the BMC's own that does not end: accepted, not confirmed")
{
    Bench bench;
    bench.bmc.kept_after = -1;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::accepted));
    CHECK(has(run.out + run.err, "the BMC keeps it once its own check of it has gone well"));
}

TEST_CASE("a check of the BMC's own that goes badly: fell back")
{
    Bench bench;
    bench.bmc.kept_after = 3;
    bench.bmc.unhealthy = true;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::fell_back));
    CHECK(has(run.err, "the BMC brings the older version back"));
}

TEST_CASE("nothing is confirmed that the user leaves to others, does not wait for, or that fell back")
{
    Bench left;
    const Run run = left.install({"no-confirm"});
    CHECK(run.code == 0);
    CHECK(has(run.out, "on probation: 'fwupdate confirm' keeps it, else the older version comes back"));
    CHECK(left.bmc.confirmations.empty());

    Bench gone;
    CHECK(gone.install({"no-wait"}).code == code(ExitCode::accepted));
    CHECK(gone.bmc.confirmations.empty());
    CHECK(gone.install({"no-wait", "no-confirm"}).code == code(ExitCode::usage));

    Bench back;
    back.bmc.falls_back = true;
    back.bmc.provisional.clear();
    CHECK(back.install().code == code(ExitCode::fell_back));
    CHECK(back.bmc.confirmations.empty());
}

TEST_CASE("a word that is lost is said again; one that is refused is told")
{
    Bench lost;
    int losses = 0;
    lost.bmc.on_command = [&](Command command)
    {
        const bool loses = command == Command::confirm_update && losses++ < 1;
        return loses ? Loss::answer : Loss::none;
    };
    CHECK(has(lost.install().out, "confirmed"));

    Bench busy;
    busy.bmc.confirm_code = CompletionCode::node_busy;
    CHECK(has(busy.install().out, "confirmed"));
    CHECK(busy.bmc.confirmations.size() == 2);

    Bench refused;
    refused.bmc.confirm_code = CompletionCode::unspecified;
    refused.bmc.reason_text = "the trial of bmc-image cannot be ended: no space";
    refused.bmc.reason.code = protocol::ReasonCode::not_confirmed;
    const Run run = refused.install();
    CHECK(run.code == code(ExitCode::accepted));
    CHECK(has(run.out + run.err, "cannot be ended: no space; 'fwupdate confirm' keeps it"));

    Bench user;
    user.bmc.confirm_code = CompletionCode::insufficient_privilege;
    CHECK(user.install().code == code(ExitCode::accepted));

    Bench ended; // by somebody else, between the verdict and the word
    ended.bmc.confirm_code = CompletionCode::not_supported_in_present_state;
    ended.bmc.on_command = [&](Command command)
    {
        if (command == Command::confirm_update)
        {
            ended.bmc.provisional.clear();
        }
        return Loss::none;
    };
    CHECK(has(ended.install().out, "confirmed"));
}

TEST_CASE("confirm and fall-back, each for one target")
{
    Bench bench;
    Run run = bench.run({"confirm"});
    CHECK(run.code == 0);
    CHECK(has(run.out, "bmc-image, confirmed"));
    run = bench.run({"confirm", "target", "bmc-image"});
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "its version is not on probation"));
    bench.bmc.provisional = {1};
    run = bench.run({"fall-back", "json"});
    CHECK(run.code == 0);
    CHECK(has(run.lines().back()["text"], "the older version comes back"));
    CHECK(bench.bmc.confirmations.back().confirmation == Confirmation::fall_back);
    CHECK(bench.run({"fall-back", "target", "none"}).code == code(ExitCode::refused));
    CHECK(bench.run({"confirm", "yes"}).code == code(ExitCode::usage));
    bench.bmc.confirm_code = CompletionCode::unspecified;
    bench.bmc.reason_text = "no space";
    bench.bmc.reason.code = protocol::ReasonCode::not_confirmed;
    run = bench.run({"confirm"});
    CHECK(run.code == code(ExitCode::failed));
    CHECK(has(run.err, "bmc-image: no space"));
}

TEST_CASE("a BMC that has no trials")
{
    Bench bench;
    bench.bmc.capabilities.features.bits &= ~protocol::feature_confirm;
    CHECK(bench.run({"confirm"}).code == code(ExitCode::refused));
    CHECK(bench.run({"fall-back"}).code == code(ExitCode::refused));
    CHECK(bench.bmc.confirmations.empty());
}
