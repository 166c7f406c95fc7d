// What the BMC says of an image before an install (4Ah), and of an image with a signature behind it.
#include "common/package/signature/self_contained.hpp"
#include "common/sha256.hpp"
#include "tests/common/result_printing.hpp"
#include "tests/ipmitool-plugin/package_bench.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;
using protocol::PlanVerdict;
using protocol::ReasonCode;
using protocol::UpdateState;
using Bench = PackageBench;

// ------------------------------------------------------------------------------------------------------- the plan

TEST_CASE("before an install the BMC is asked with the image's first bytes, as many as fit")
{
    for (const std::size_t room : {std::size_t{1400}, std::size_t{240}})
    {
        Bench bench;
        bench.bmc.port_facts.max_message = room;
        CHECK(bench.install({"no-downgrade"}).code == 0);
        REQUIRE(bench.bmc.plans.size() == 1);
        const FakeBmc::Planned& plan = bench.bmc.plans[0];
        CHECK(plan.header == Bytes(bench.image.begin(), bench.image.begin() + static_cast<std::ptrdiff_t>(room - 45)));
        CHECK(plan.request.size == bench.image.size());
        CHECK(plan.request.sha256 == sha256(bench.image));
        CHECK(plan.request.parameters.bits == protocol::parameter_no_downgrade);
        CHECK(bench.bmc.longest_request <= room);
    }
}

TEST_CASE("what the BMC would refuse is refused before anything is changed, with its words")
{
    Bench bench;
    bench.bmc.plan_verdict = PlanVerdict::would_refuse;
    bench.bmc.plan_reason = ReasonCode::wrong_machine;
    bench.bmc.plan_text = "size: ok: 85536 bytes\nform: REFUSED: it is for no target of this BMC\x1B\n";
    bench.world.person = true;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "nothing was changed:\nform: REFUSED: it is for no target of this BMC?"));
    CHECK_FALSE(has(run.err, "85536"));
    CHECK(bench.world.questions.empty());
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);

    bench.bmc.plan_text = "a text of another BMC";
    CHECK(has(bench.install().err, "a text of another BMC"));
    const Run json = bench.install({"json"});
    CHECK(json.lines().back()["result"] == "refused");
    CHECK(json.lines().back()["exit_code"] == 12);
}

TEST_CASE("with force the BMC is asked with it: what it says then holds")
{
    Bench bench;
    bench.bmc.plan_verdict = PlanVerdict::would_refuse;
    bench.bmc.plan_reason = ReasonCode::signature_bad;
    bench.bmc.plan_text = "signature: REFUSED: no";
    CHECK(bench.install({"force"}).code == code(ExitCode::refused));
    CHECK(bench.bmc.plans.at(0).request.parameters.has(protocol::parameter_force));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
    bench.bmc.plan_verdict = PlanVerdict::already_current;
    CHECK(bench.install({"force"}).code == 0);
}

TEST_CASE("already current by the BMC's word: nothing is sent")
{
    Bench bench;
    bench.bmc.plan_verdict = PlanVerdict::already_current;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::already_current));
    CHECK(has(run.out, "bmc-image: already current"));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
}

TEST_CASE("a BMC that can't plan, or does not answer that question, gets the image all the same")
{
    Bench without;
    without.bmc.capabilities.features.bits &= ~protocol::feature_plan;
    without.bmc.plan_verdict = PlanVerdict::would_refuse;
    CHECK(without.install().code == 0);
    CHECK(without.bmc.plans.empty());

    Bench unknown;
    unknown.bmc.plan_code = ipmi::CompletionCode::invalid_command;
    CHECK(unknown.install().code == 0);
    CHECK(unknown.bmc.count(Command::plan) == 1);
}

TEST_CASE("a path that swallows large messages: the short question gets through")
{
    Bench bench;
    bench.bmc.swallowed_above = 500;
    bench.bmc.plan_verdict = PlanVerdict::would_refuse;
    bench.bmc.plan_reason = ReasonCode::image_too_large;
    CHECK(bench.install().code == code(ExitCode::refused));
    REQUIRE(bench.bmc.plans.size() == 1);
    CHECK(bench.bmc.plans[0].header.empty());
}

TEST_CASE("the mode that somebody else holds is no answer about the image: acquiring it decides, as ever")
{
    Bench bench;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_holder_alive;
    bench.bmc.session.state = UpdateState::download;
    bench.bmc.session.holder.value = "bob";
    const Run held = bench.install();
    CHECK(held.code == code(ExitCode::refused));
    CHECK(has(held.err, "held by user 'bob'"));
    CHECK(bench.bmc.count(Command::plan) != 0);
    CHECK(bench.install({"force"}).code == 0);

    Bench own; // an earlier command of ours, which is gone
    own.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    own.bmc.session.state = UpdateState::download;
    CHECK(own.install().code == 0);

    Bench space; // 44h drops what was staged before
    space.bmc.plan_verdict = PlanVerdict::would_refuse;
    space.bmc.plan_reason = ReasonCode::no_space;
    CHECK(space.install().code == 0);

    Bench policy; // nobody holds the mode: it is about the image
    policy.bmc.plan_verdict = PlanVerdict::would_refuse;
    policy.bmc.plan_reason = ReasonCode::policy_refused;
    policy.bmc.plan_text = "ship level: REFUSED: a test build";
    CHECK(has(policy.install().err, "a test build"));
    CHECK(policy.bmc.count(Command::enter_update_mode) == 0);
}

TEST_CASE("an interrupted update that the BMC has as a whole goes to its end, whatever it would say of it now")
{
    for (const auto& [verdict, reason] : {std::pair{PlanVerdict::would_refuse, ReasonCode::downgrade_refused},
                                          std::pair{PlanVerdict::already_current, ReasonCode::none}})
    {
        Bench bench;
        bench.add_bios();
        bench.bmc.package = {{2, 0, 1000}};
        bench.bmc.stage(bench.image, 2);
        bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
        bench.bmc.session.state = UpdateState::verify;
        bench.bmc.session.target = 1;
        bench.bmc.verdict.last_sha256 = sha256(bench.image);
        bench.bmc.polls_until_ready();      // and the target that was programmed is told
        bench.bmc.verdict.last_sha256 = {}; // the log entry went to that one
        REQUIRE(bench.bmc.session.target == 2);
        bench.bmc.plan_verdict = verdict;
        bench.bmc.plan_reason = reason;
        const Run run = bench.install();
        CHECK_MESSAGE(run.code == 0, run.err);
        CHECK(has(run.out, "bios: updated"));
        CHECK(bench.bmc.count(Command::begin_transfer) == 0);
        CHECK(bench.bmc.exits == 1);
    }
}

TEST_CASE("a URI is asked about where size and SHA-256 are known; with a copy also by its first bytes")
{
    Bench bench;
    const std::string uri = "https://h/a";
    CHECK(bench.run({"uri", uri}).code == 0);
    CHECK(bench.bmc.plans.empty());
    bench.bmc.plan_verdict = PlanVerdict::would_refuse;
    bench.bmc.plan_reason = ReasonCode::image_too_large;
    const std::string digest = to_hex(sha256(bench.image));
    CHECK(bench.run({"uri", uri, "sha256", digest, "size", "70000", "force"}).code == code(ExitCode::refused));
    CHECK(bench.bmc.plans.at(0).header.empty());
    CHECK(bench.bmc.plans.at(0).request.size == 70'000);
    CHECK(bench.run({"uri", uri, "image", bench.file, "force"}).code == code(ExitCode::refused));
    CHECK_FALSE(bench.bmc.plans.at(1).header.empty());
    CHECK(bench.bmc.fetches == 1);
}

// ---------------------------------------------------------------------------------------------------- the trailer

TEST_CASE("of an image with a signature behind it the content is what is installed")
{
    Bench bench;
    const Bytes content = bench.image;
    const auto trailer = package::make_trailer(Bytes{0x30, 0x03, 0x02, 0x01, 0x00});
    REQUIRE(trailer);
    Bytes file = content;
    file.insert(file.end(), trailer->begin(), trailer->end());
    bench.replace_image(file);
    bench.bmc.installed = content;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::already_current));
    CHECK(has(run.out, "bmc-image: already current"));

    bench.bmc.installed = {'o', 'l', 'd'};
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.installed == file); // this BMC takes nothing off: the transfer is the whole file's
    CHECK(bench.bmc.plans.at(0).request.sha256 == sha256(file));
}

TEST_CASE("only the target that would be programmed is looked at for that")
{
    Bench bench;
    bench.add_bios();
    bench.bmc.package.clear();
    bench.bmc.installed = bench.image;
    CHECK(bench.install({"target", "bios"}).code == 0);
}

TEST_CASE("an image that ends like a signed one and is none is refused before anything is sent")
{
    Bench bench;
    Bytes file = bench.image;
    for (const char character : std::string{"\xFF\xFF\0\0FWUPSIG1", 12})
    {
        file.push_back(static_cast<std::uint8_t>(character));
    }
    bench.replace_image(file);
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::bad_image));
    CHECK(has(run.err, bench.file));
    CHECK(has(run.err, "sign it again"));
    CHECK(bench.bmc.seen.empty());
}
