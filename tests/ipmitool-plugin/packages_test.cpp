// Packages: which target an image is for, what the BMC says of it beforehand (4Ah), and several targets in one update.
#include "common/package/signature/self_contained.hpp"
#include "common/sha256.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/verdict.hpp"
#include "tests/common/result_printing.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;
using protocol::PlanVerdict;
using protocol::ReasonCode;
using protocol::Restart;
using protocol::UpdateState;
using Loss = FakeBmc::Loss;

namespace
{

struct Bench
{
    Bench()
    {
        bmc.capabilities.features.bits |= protocol::feature_plan | protocol::feature_uri;
        bmc.capabilities.schemes.bits = protocol::scheme_https;
        bmc.fetch_uri = [this](const std::string&) { return std::optional{image}; };
        bmc.targets[0].accepts.bits = protocol::accepts_plain | protocol::accepts_pldm;
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
    void replace_image(const Bytes& bytes)
    {
        image = bytes;
        file = scratch.write("image.bin", image);
    }

    /// A second target, and a package that has something for both.
    void add_bios(Restart restart = Restart::nothing)
    {
        bmc.targets.push_back(bmc.targets.front());
        bmc.targets[1].target = 2;
        bmc.targets[1].name.value = "bios";
        bmc.targets[1].flags.bits = protocol::target_digest_known;
        bmc.targets[1].restart = restart;
        bmc.installed_beside[2] = {'o', 'l', 'd', 'e', 'r'};
        bmc.package = {{1, 100, 5000}, {2, 6000, 70'000}};
    }

    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    Bytes image = make_image(protocol::block_size + 20'000);
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
