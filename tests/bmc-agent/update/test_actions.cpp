// What the configuration wants done around an update: when it is started, what it finds, and what its end means.
#include "tests/bmc-agent/update/scripted_actions.hpp"

namespace
{

using namespace fwupdate;
using namespace fwupdate::test;
using agent::ActionState;
using ipmi::CompletionCode;
using protocol::UpdateState;
using Calls = std::vector<std::string>;

const agent::Caller admin = lan_caller(1);
const std::string image(1000, 'n');

/// To the target that is asked for; the transfer is complete, nothing has been verified yet.
void send_image(UpdateBench& bench, std::uint8_t target = protocol::no_target)
{
    if (target != protocol::no_target)
    {
        const protocol::SetUpdateParametersRequest request{
            .mask = {}, .value = {}, .apply_time = protocol::ApplyTime::unchanged, .target = target};
        REQUIRE(bench.send(admin, protocol::Command::set_update_parameters, request).response.completion_code ==
                CompletionCode::ok);
    }
    REQUIRE(bench.code(admin, "29 01") == CompletionCode::ok);
    REQUIRE(bench.send(admin, protocol::Command::write_image_data, as_bytes(image)).response.completion_code ==
            CompletionCode::ok);
    REQUIRE(bench.code(admin, "29 02") == CompletionCode::ok);
}

TEST_CASE("preparation, hand-over, verification, update: one after the other")
{
    ActionBench actions;
    UpdateBench& bench = actions.bench;
    REQUIRE(bench.enter(admin) == CompletionCode::ok);
    send_image(bench);
    CHECK(actions.calls == Calls{"prepare"});
    CHECK(actions.action("prepare").last.target == "bios");
    CHECK(actions.action("prepare").last.image.empty());
    bench.work();
    CHECK(bench.state(admin) == UpdateState::verify); // nothing is handed over before the preparation has ended
    CHECK(bench.installed() == "old firmware");
    CHECK_FALSE(bench.session().wants_work());
    actions.succeed("prepare");
    CHECK(actions.calls == Calls{"prepare", "verify"});
    CHECK(actions.action("verify").seen == image);
    CHECK(actions.action("verify").last.sha256 == sha256(as_bytes(image)));
    CHECK(actions.action("verify").last.size == image.size());
    CHECK(bench.state(admin) == UpdateState::verify);
    actions.succeed("verify");
    CHECK(actions.calls.back() == "update");
    CHECK(bench.state(admin) == UpdateState::program);
    actions.action("update").tell({ActionState::running, 40, {}}, bench.now);
    CHECK(bench.session().status().percent == 40);
    actions.succeed("update");
    CHECK(bench.state(admin) == UpdateState::ready);
    CHECK(bench.installed() == image); // it stays for what comes with the restart
    CHECK(bench.session().history().entries().front().result == protocol::UpdateResult::programmed);
}

TEST_CASE("an update action behind a file that is in its place already")
{
    ActionBench actions;
    UpdateBench& bench = actions.bench;
    REQUIRE(bench.enter(admin) == CompletionCode::ok);
    send_image(bench, 2);
    bench.work();
    CHECK(bench.state(admin) == UpdateState::program);
    CHECK(actions.calls == Calls{"after"});
    CHECK(actions.action("after").seen == image);
    actions.succeed("after");
    CHECK(bench.state(admin) == UpdateState::ready);
}

TEST_CASE("a failure at each step ends the update, says where, and takes away what was handed over")
{
    struct Case
    {
        Calls before; ///< actions that go well
        std::string fails;
        std::string reason;
    };
    const Case cases[] = {{{}, "prepare", "preparation of bios failed: no room"},
                          {{"prepare"}, "verify", "verification of bios failed: no room"},
                          {{"prepare", "verify"}, "update", "update of bios failed: no room"}};
    for (const Case& step : cases)
    {
        CAPTURE(step.fails);
        ActionBench actions;
        UpdateBench& bench = actions.bench;
        REQUIRE(bench.enter(admin) == CompletionCode::ok);
        send_image(bench);
        bench.work();
        for (const std::string& name : step.before)
        {
            actions.succeed(name);
        }
        actions.fail(step.fails, "no room");
        CHECK(bench.state(admin) == UpdateState::error);
        CHECK(bench.reason(admin) == step.reason);
        CHECK(bench.session().reason().code == protocol::ReasonCode::action_failed);
        CHECK(std::filesystem::exists(bench.target_path()) == (step.fails == "prepare"));
        CHECK(bench.session().history().entries().front().code == protocol::ReasonCode::action_failed);
        // The next update starts every action anew, and works.
        REQUIRE(bench.code(admin, "29 03") == CompletionCode::ok);
        send_image(bench);
        bench.work();
        actions.succeed("prepare");
        actions.succeed("verify");
        actions.succeed("update");
        CHECK(bench.state(admin) == UpdateState::ready);
    }
}

TEST_CASE("a preparation that fails during the transfer ends it there")
{
    ActionBench actions;
    UpdateBench& bench = actions.bench;
    REQUIRE(bench.enter(admin) == CompletionCode::ok);
    REQUIRE(bench.code(admin, "29 01") == CompletionCode::ok);
    actions.fail("prepare", "the unit failed");
    CHECK(bench.state(admin) == UpdateState::error);
    CHECK(bench.code(admin, "2c 41") == CompletionCode::not_supported_in_present_state);
    CHECK(bench.reason(admin) == "preparation of bios failed: the unit failed");
}

TEST_CASE("actions that end at once")
{
    ActionBench actions;
    for (const char* const name : {"prepare", "verify", "update"})
    {
        actions.at_once[name] = {ActionState::succeeded, {}, {}};
    }
    SUBCASE("well")
    {
        actions.bench.restart_agent();
        REQUIRE(actions.bench.enter(admin) == CompletionCode::ok);
        send_image(actions.bench);
        actions.bench.work();
        CHECK(actions.bench.state(admin) == UpdateState::ready);
        CHECK(actions.calls == Calls{"prepare", "verify", "update"});
    }
    SUBCASE("not well: the verification")
    {
        actions.at_once["verify"] = {ActionState::failed, {}, "no such unit"};
        actions.bench.restart_agent();
        REQUIRE(actions.bench.enter(admin) == CompletionCode::ok);
        send_image(actions.bench);
        actions.bench.work();
        CHECK(actions.bench.reason(admin) == "verification of bios failed: no such unit");
        CHECK(actions.calls == Calls{"prepare", "verify"});
    }
    SUBCASE("not well: the preparation, before a byte came")
    {
        actions.at_once["prepare"] = {ActionState::failed, {}, "no such unit"};
        actions.bench.restart_agent();
        REQUIRE(actions.bench.enter(admin) == CompletionCode::ok);
        REQUIRE(actions.bench.code(admin, "29 01") == CompletionCode::ok);
        CHECK(actions.bench.state(admin) == UpdateState::error);
    }
}

TEST_CASE("abort and exit stop what runs before programming, and nothing during it")
{
    ActionBench actions;
    UpdateBench& bench = actions.bench;
    REQUIRE(bench.enter(admin) == CompletionCode::ok);
    send_image(bench);
    bench.work();
    SUBCASE("abort during the preparation")
    {
        CHECK(bench.code(admin, "29 03") == CompletionCode::ok);
        CHECK(actions.calls == Calls{"prepare", "abort prepare"});
        CHECK(bench.state(admin) == UpdateState::idle);
    }
    SUBCASE("exit during the verification")
    {
        actions.succeed("prepare");
        CHECK(bench.code(admin, "28") == CompletionCode::ok);
        CHECK(actions.calls == Calls{"prepare", "verify", "abort verify"});
        CHECK_FALSE(std::filesystem::exists(bench.target_path()));
    }
    SUBCASE("not during the update, which a silent owner does not end either")
    {
        actions.succeed("prepare");
        actions.succeed("verify");
        CHECK(bench.code(admin, "29 03") == CompletionCode::not_supported_in_present_state);
        CHECK(bench.code(admin, "28") == CompletionCode::not_supported_in_present_state);
        bench.pass(std::chrono::hours{2});
        CHECK(bench.state(admin) == UpdateState::program);
        actions.succeed("update");
        CHECK(bench.state(admin) == UpdateState::ready);
        bench.pass(std::chrono::seconds{200}); // the lease began anew
        CHECK(bench.state(admin) == UpdateState::ready);
    }
}

TEST_CASE("an action in the place of a restart command runs at exit, and waits where it is deferred")
{
    std::map<std::string, ScriptedAction*> made;
    Calls calls;
    UpdateBench bench{
        protocol::Restart::bmc,
        Policy{
            .verification = signatures_optional(),
            .machine = {},
            .change_targets =
                [](config::Target& bios, config::Target&)
            {
                bios.restart.command.clear();
                bios.actions = config::Actions{config::flash::Skip{}, config::flash::Skip{}, config::flash::Reboot{}};
            },
            .date = {},
            .make_action =
                [&](const config::Action&)
            {
                auto action = std::make_unique<ScriptedAction>(calls, "reboot");
                made["reboot"] = action.get();
                return action;
            }}};
    REQUIRE(bench.enter(admin) == CompletionCode::ok);
    send_image(bench);
    SUBCASE("at exit")
    {
        bench.work();
        REQUIRE(bench.state(admin) == UpdateState::ready);
        CHECK(calls.empty());
        REQUIRE(bench.code(admin, "28") == CompletionCode::ok);
        bench.pass(std::chrono::seconds{3});
        CHECK(calls == Calls{"reboot"});
        CHECK(bench.enter(admin) == CompletionCode::node_busy); // the restart must not meet the next update
        made.at("reboot")->tell({ActionState::failed, {}, "the bus is gone"}, bench.now);
        CHECK(bench.session().reason().text == "restart of bios failed: the bus is gone");
        CHECK(bench.enter(admin) == CompletionCode::ok);
    }
    SUBCASE("deferred")
    {
        bench.work();
        bench.pass(std::chrono::hours{1}); // nobody says exit: the lease ends, and that restarts nothing
        CHECK(calls.empty());
        CHECK(bench.state(admin) == UpdateState::init);
        CHECK(bench.session().history().restart_pending("bios"));
    }
}

/// A bench whose "bios" hands over to actions and tells its version by a command.
void program_version(ActionBench& actions, const std::string& version)
{
    UpdateBench& bench = actions.bench;
    REQUIRE(bench.enter(admin) == CompletionCode::ok);
    send_image(bench);
    bench.work();
    actions.succeed("prepare");
    actions.succeed("verify");
    actions.succeed("update");
    REQUIRE(bench.code(admin, "28") == CompletionCode::ok);
    agent::HistoryEntry entry = bench.session().history().entries().front();
    REQUIRE(entry.result == protocol::UpdateResult::programmed);
    entry.version = version; // a plain image carries none
    bench.write_history(entry);
}

TEST_CASE("what was handed over is judged by the version that runs after the restart")
{
    struct Case
    {
        std::string programmed;
        std::string runs;
        protocol::UpdateResult result;
        std::string text;
    };
    using protocol::UpdateResult;
    const Case cases[] = {
        {"2.0", "2.0", UpdateResult::programmed, "programmed, restarted, and its version runs"},
        {"2.0", "1.0", UpdateResult::fell_back, "programmed and restarted, but version 1.0 runs"},
        {"", "1.0", UpdateResult::programmed, "programmed and restarted; what is installed cannot be read"},
    };
    for (const Case& row : cases)
    {
        CAPTURE(row.programmed);
        CAPTURE(row.runs);
        ActionBench actions{protocol::Restart::bmc};
        program_version(actions, row.programmed);
        actions.bench.runner.result.first_line = row.runs;
        actions.bench.restart_agent(true);
        actions.bench.pass(std::chrono::minutes{2}); // the version command has answered
        const agent::HistoryEntry& entry = actions.bench.session().history().entries().front();
        CHECK(entry.result == row.result);
        CHECK(entry.text == row.text);
    }
}

TEST_CASE("an agent that is killed while an update action runs does not say how it ended")
{
    ActionBench actions;
    REQUIRE(actions.bench.enter(admin) == CompletionCode::ok);
    send_image(actions.bench);
    actions.bench.work();
    actions.succeed("prepare");
    actions.succeed("verify");
    actions.bench.restart_agent();
    const agent::HistoryEntry& entry = actions.bench.session().history().entries().front();
    CHECK(entry.result == protocol::UpdateResult::failed);
    CHECK(entry.code == protocol::ReasonCode::agent_restarted);
    CHECK(entry.text.find("look at what it has done") != std::string::npos);
}

} // namespace
