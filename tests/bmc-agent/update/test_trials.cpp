// Updates of a target with two slots through the session: a boot loader that keeps to the rules, restarts, trials.
#include "bmc-agent/targets/boot_record.hpp"
#include "tests/bmc-agent/update/verified_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::test;
using namespace std::chrono_literals;
using config::ConfirmBy;
using ipmi::CompletionCode;
using protocol::Confirmation;
using protocol::ReasonCode;
using protocol::UpdateResult;
using protocol::UpdateState;

namespace
{

const Bytes image = make_image(70'000);
const Bytes next_image = make_image(90'000);

/// Target "bios" has the slots a and b, files of the bench; a runs.
class SlotMachine
{
  public:
    explicit SlotMachine(const std::function<void(config::Target&)>& change = {})
        : bench{protocol::Restart::bmc, policy(change)}
    {
        write("a.bin", "old firmware");
        write("b.bin", "older firmware");
        write("running", "a");
        write("boot", agent::BootRecord{1, "a", "a", 0}.line());
        bench.restart_agent();
        bench.work();
    }

    void write(const std::string& name, const std::string& text) const
    {
        std::ofstream{bench.directory.path() / name} << text;
    }
    [[nodiscard]] std::string text(const std::string& name) const
    {
        return *agent::read_file(bench.directory.path() / name, 1 << 20);
    }
    [[nodiscard]] agent::BootRecord record() const
    {
        return *agent::BootRecord::parse(text("boot"));
    }

    /// What SLOTS.md wants of a boot loader. `broken`: this slot does not come up.
    void reboot(const std::string& broken = {})
    {
        for (int boots = 0; boots < 10; ++boots)
        {
            agent::BootRecord now = record();
            if (now.chosen != now.good)
            {
                now.tries > 0 ? static_cast<void>(--now.tries) : static_cast<void>(now.chosen = now.good);
                ++now.sequence;
                write("boot", now.line());
            }
            if (now.chosen != broken)
            {
                write("running", now.chosen);
                bench.restart_agent(true);
                bench.work();
                return;
            }
        }
        FAIL("no slot came up");
    }

    /// The whole way to ready.
    UpdateState program(const Bytes& bytes, std::uint32_t session = 7)
    {
        const auto caller = lan_caller(session);
        REQUIRE(bench.enter(caller) == CompletionCode::ok);
        const auto transfer = begin(bench, caller, bytes);
        send_all(bench, caller, transfer.transfer, bytes);
        REQUIRE(bench.code(caller, "29 02") == CompletionCode::ok);
        bench.work();
        return bench.state(caller);
    }
    void leave(std::uint32_t session = 7)
    {
        REQUIRE(bench.code(lan_caller(session), "28") == CompletionCode::ok);
        bench.pass(3s);
    }
    void update(const Bytes& bytes)
    {
        REQUIRE(program(bytes) == UpdateState::ready);
        leave();
    }

    [[nodiscard]] CompletionCode confirm(Confirmation word, std::uint8_t target = protocol::no_target)
    {
        const auto code =
            bench.send(lan_caller(9), protocol::Command::confirm_update, protocol::ConfirmUpdateRequest{target, word})
                .response.completion_code;
        bench.work();
        return code;
    }
    [[nodiscard]] protocol::GetVerdictResponse verdict()
    {
        return verdict_of(bench, lan_caller(9));
    }
    [[nodiscard]] bool on_trial()
    {
        return verdict().flags.has(protocol::verdict_provisional);
    }
    [[nodiscard]] const agent::HistoryEntry& entry(std::size_t index = 0)
    {
        return bench.session().history().entries().at(index);
    }

    UpdateBench bench;

  private:
    static Policy policy(const std::function<void(config::Target&)>& change)
    {
        Policy policy;
        policy.machine.descriptors = {{uuid_descriptor, "", machine_uuid()}};
        policy.change_targets = [change](config::Target& bios, config::Target&)
        {
            const auto directory = bios.path.parent_path();
            config::Slots slots;
            slots.places = {{"a", "file", directory / "a.bin"}, {"b", "file", directory / "b.bin"}};
            slots.selector = config::FileSelector{directory / "boot", 3};
            slots.running.file = directory / "running";
            slots.probation.time = 100s;
            bios.type = "slots";
            bios.path.clear();
            bios.slots = slots;
            if (change)
            {
                change(bios);
            }
        };
        return policy;
    }
};

std::function<void(config::Target&)> confirmed_by(ConfirmBy confirm, bool health)
{
    return [=](config::Target& target)
    {
        target.slots->probation.confirm = confirm;
        target.slots->probation.health_command =
            health ? std::vector<std::string>{"health"} : std::vector<std::string>{};
    };
}

} // namespace

TEST_CASE("until the restart the old version is installed, then the new one is on trial until it is confirmed")
{
    SlotMachine machine;
    CHECK(machine.program(image) == UpdateState::ready);
    CHECK(machine.text("a.bin") == "old firmware");
    CHECK(machine.record() == agent::BootRecord{2, "b", "a", 3});
    CHECK(machine.entry().slot == "b");
    CHECK(machine.verdict().installed_sha256 == sha256(as_bytes("old firmware")));
    CHECK(machine.verdict().flags.has(protocol::verdict_restart_pending));
    CHECK_FALSE(machine.on_trial());
    CHECK(machine.confirm(Confirmation::keep) == CompletionCode::not_supported_in_present_state);
    machine.leave();
    CHECK(machine.bench.runner.ran.back() == "restart-bios");

    machine.reboot();
    CHECK(machine.verdict().installed_sha256 == sha256(image));
    CHECK(machine.verdict().last_result == UpdateResult::programmed);
    CHECK_FALSE(machine.verdict().flags.has(protocol::verdict_restart_pending));
    CHECK(machine.on_trial());
    CHECK(machine.entry().text.find("on trial") != std::string::npos);
    CHECK(machine.confirm(Confirmation::keep, 2) == CompletionCode::not_supported_in_present_state);
    CHECK(machine.confirm(Confirmation::keep, 99) == CompletionCode::not_present);
    CHECK(machine.bench.code(lan_caller(9), "4f ff 02") == CompletionCode::invalid_data_field);
    CHECK(machine.bench.code(lan_caller(9), "4f ff") == CompletionCode::data_length_invalid);
    CHECK(machine.on_trial());

    CHECK(machine.confirm(Confirmation::keep) == CompletionCode::ok);
    CHECK_FALSE(machine.on_trial());
    CHECK(machine.record().good == "b");
    CHECK(machine.entry().text == "programmed, restarted, confirmed by admin");
    CHECK(machine.confirm(Confirmation::keep) == CompletionCode::not_supported_in_present_state);
    machine.bench.pass(1h); // nothing is waited for any more
    machine.reboot();
    CHECK(machine.text("running") == "b");
    CHECK(machine.verdict().last_result == UpdateResult::programmed);
}

TEST_CASE("the next update goes to the other slot")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot();
    CHECK(machine.confirm(Confirmation::keep) == CompletionCode::ok);
    machine.update(next_image);
    CHECK(machine.entry().slot == "a");
    machine.reboot();
    CHECK(machine.text("running") == "a");
    CHECK(machine.verdict().installed_sha256 == sha256(next_image));
    CHECK(sha256(as_bytes(machine.text("b.bin"))) == sha256(image));
}

TEST_CASE("a slot that does not come up: the boot loader brings the old one back, and the log says so")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot("b");
    CHECK(machine.text("running") == "a");
    CHECK(machine.verdict().last_result == UpdateResult::fell_back);
    CHECK(machine.verdict().last_sha256 == sha256(image));
    CHECK(machine.verdict().installed_sha256 == sha256(as_bytes("old firmware")));
    CHECK(machine.entry().code == ReasonCode::not_confirmed);
    CHECK(machine.entry().text ==
          "programmed and restarted, but slot a runs: slot b did not boot or was not confirmed");
    CHECK_FALSE(machine.on_trial());
    machine.update(next_image); // which may be a better one
    machine.reboot();
    CHECK(machine.verdict().installed_sha256 == sha256(next_image));
}

TEST_CASE("a version that nobody confirms falls back when its time ends")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot();
    machine.bench.runner.ran.clear();
    machine.bench.pass(99s);
    CHECK(machine.on_trial());
    CHECK(machine.bench.runner.ran.empty());
    machine.bench.pass(2s);
    machine.bench.work();
    CHECK(machine.record() == agent::BootRecord{4, "a", "a", 0});
    CHECK(machine.bench.runner.ran == std::vector<std::string>{"restart-bios"});
    CHECK(machine.entry().result == UpdateResult::fell_back);
    CHECK(machine.entry().code == ReasonCode::not_confirmed);
    CHECK(machine.entry().text == "programmed and restarted, but not confirmed within 100 s");
    CHECK_FALSE(machine.on_trial());
    machine.reboot();
    CHECK(machine.text("running") == "a");
    CHECK(machine.verdict().last_result == UpdateResult::fell_back);
    CHECK(machine.verdict().installed_sha256 == sha256(as_bytes("old firmware")));
    CHECK(machine.entry().text == "programmed and restarted, but not confirmed within 100 s");
}

TEST_CASE("a client gives a version up")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot();
    CHECK(machine.confirm(Confirmation::fall_back) == CompletionCode::ok);
    CHECK(machine.record().chosen == "a");
    CHECK(machine.entry().text == "programmed and restarted, but given up by admin");
    CHECK(machine.bench.runner.ran.back() == "restart-bios");
}

TEST_CASE("an agent that starts again and again does not get more time")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot();
    for (int start = 0; start < 4; ++start)
    {
        machine.bench.pass(24s);
        machine.bench.restart_agent();
        machine.bench.work();
        CHECK(machine.on_trial());
    }
    machine.bench.pass(5s);
    machine.bench.work();
    CHECK(machine.entry().result == UpdateResult::fell_back);
    // A boot begins it anew, by the clock of that boot: the boot loader counts those.
    SlotMachine other;
    other.update(image);
    other.reboot();
    other.bench.pass(90s);
    other.reboot();
    other.bench.pass(90s);
    CHECK(other.on_trial());
    CHECK(other.record().tries == 1);
}

TEST_CASE("the health command decides")
{
    SlotMachine good{confirmed_by(ConfirmBy::health, true)};
    good.update(image);
    good.reboot();
    CHECK_FALSE(good.on_trial());
    CHECK(good.record().good == "b");
    CHECK(good.entry().text == "programmed, restarted, confirmed by its health command");

    SlotMachine bad{confirmed_by(ConfirmBy::health, true)};
    bad.update(image);
    bad.bench.runner.takes_time = true;
    bad.reboot();
    CHECK(bad.bench.runner.ran.back() == "health");
    CHECK(bad.on_trial());
    CHECK(bad.confirm(Confirmation::keep) == CompletionCode::ok); // taken, but it must be healthy too
    CHECK(bad.on_trial());
    bad.bench.runner.end({false, {}, "it ended with status 1", {}});
    bad.bench.work();
    CHECK(bad.entry().text == "programmed and restarted, but its health command failed: it ended with status 1");
    CHECK(bad.bench.runner.ran.back() == "restart-bios");
    CHECK(bad.record().chosen == "a");
}

TEST_CASE("confirmed by the agent's start there is no trial")
{
    SlotMachine machine{confirmed_by(ConfirmBy::start, false)};
    machine.update(image);
    machine.reboot();
    CHECK_FALSE(machine.on_trial());
    CHECK(machine.record().good == "b");
    CHECK(machine.confirm(Confirmation::keep) == CompletionCode::not_supported_in_present_state);
}

TEST_CASE("on trial no update begins, and the plan says why")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot();
    protocol::PlanRequest request;
    request.target = 1;
    request.size = next_image.size();
    request.sha256 = sha256(next_image);
    const auto caller = lan_caller(7);
    const auto plan =
        machine.bench.get<protocol::PlanResponse>(caller, protocol::Command::plan, codec::encode(request));
    CHECK(plan.verdict == protocol::PlanVerdict::would_refuse);
    CHECK(plan.code == ReasonCode::not_confirmed);
    CHECK(as_text(plan.text.view).find("confirm it or let it fall back first") != std::string::npos);
    CHECK(machine.program(next_image) == UpdateState::error);
    CHECK(machine.bench.reason(caller).find("slot: slot b of bios is on trial") == 0);
    CHECK(machine.text("a.bin") == "old firmware");
    CHECK(machine.entry(0).result == UpdateResult::failed);
    machine.leave();
    // The refused attempt is the newest entry; the trial is the one behind it.
    CHECK(machine.confirm(Confirmation::keep) == CompletionCode::ok);
    CHECK(machine.entry(1).text == "programmed, restarted, confirmed by admin");
    machine.update(next_image);
}

TEST_CASE("nothing is restarted in the midst of another target's update")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot();
    const auto caller = lan_caller(7);
    REQUIRE(machine.bench.enter(caller) == CompletionCode::ok);
    protocol::BeginTransferRequest request = begin_request(next_image);
    request.target = 2;
    const auto transfer = machine.bench.get<protocol::BeginTransferResponse>(caller, protocol::Command::begin_transfer,
                                                                             codec::encode(request));
    send_all(machine.bench, caller, transfer.transfer, next_image);
    REQUIRE(machine.bench.code(caller, "29 02") == CompletionCode::ok);
    while (machine.bench.state(caller) != UpdateState::program)
    {
        machine.bench.session().work(machine.bench.now);
    }
    machine.bench.runner.ran.clear();
    CHECK(machine.confirm(Confirmation::fall_back) == CompletionCode::ok); // works on until the target is written
    CHECK(machine.bench.state(caller) == UpdateState::ready);
    CHECK(machine.record().chosen == "b");
    CHECK(machine.bench.runner.ran.empty());
    machine.bench.pass(6s);
    CHECK(machine.record().chosen == "a");
    CHECK(machine.bench.runner.ran.back() == "restart-bios");
}

TEST_CASE("a floor rises when the version is confirmed, and not before")
{
    for (const bool confirmed : {false, true})
    {
        CAPTURE(confirmed);
        SlotMachine machine{[](config::Target& target)
                            {
                                target.anti_rollback = true;
                                target.components = {{part_classification, 1}};
                            }};
        const auto floor = machine.bench.directory.path();
        machine.update(pldm_package({{1, "2.0", image}}));
        machine.reboot();
        const auto floors = [&]
        {
            std::size_t files = 0;
            for (const auto& file : std::filesystem::directory_iterator{floor})
            {
                files += file.path().string().find("floor") != std::string::npos ? 1 : 0;
            }
            return files;
        };
        CHECK(floors() == 0);
        CHECK(machine.confirm(confirmed ? Confirmation::keep : Confirmation::fall_back) == CompletionCode::ok);
        CHECK(floors() == (confirmed ? 1 : 0));
    }
}

TEST_CASE("an agent that dies while the slot is written: the log says failed, and the choice was never changed")
{
    SlotMachine machine;
    const auto caller = lan_caller(7);
    REQUIRE(machine.bench.enter(caller) == CompletionCode::ok);
    send_all(machine.bench, caller, begin(machine.bench, caller, image).transfer, image);
    REQUIRE(machine.bench.code(caller, "29 02") == CompletionCode::ok);
    while (machine.bench.state(caller) != UpdateState::program)
    {
        machine.bench.session().work(machine.bench.now);
    }
    machine.bench.session().work(machine.bench.now);
    CHECK(machine.entry().slot == "b");
    machine.bench.restart_agent();
    machine.bench.work();
    CHECK(machine.entry().result == UpdateResult::failed);
    CHECK(machine.entry().code == ReasonCode::agent_restarted);
    machine.reboot();
    CHECK(machine.entry().result == UpdateResult::failed);
    CHECK(machine.record() == agent::BootRecord{1, "a", "a", 0});
    machine.update(image);
}

TEST_CASE("an agent that dies between the switch and the log: the next one finds it programmed")
{
    for (const bool rebooted : {false, true})
    {
        CAPTURE(rebooted);
        SlotMachine machine;
        const auto caller = lan_caller(7);
        REQUIRE(machine.bench.enter(caller) == CompletionCode::ok);
        send_all(machine.bench, caller, begin(machine.bench, caller, image).transfer, image);
        REQUIRE(machine.bench.code(caller, "29 02") == CompletionCode::ok);
        std::string log;
        while (machine.bench.state(caller) != UpdateState::ready)
        {
            log = machine.text("history.json");
            machine.bench.session().work(machine.bench.now);
        }
        machine.write("history.json", log); // what the disk had
        if (rebooted)
        {
            machine.reboot();
            CHECK(machine.on_trial());
            CHECK(machine.entry().text == "programmed; the agent stopped before it could say so");
            CHECK_FALSE(machine.entry().restart_pending);
        }
        else
        {
            machine.bench.restart_agent();
            machine.bench.work();
            CHECK(machine.entry().restart_pending);
            machine.reboot();
        }
        CHECK(machine.entry().result == UpdateResult::programmed);
        CHECK(machine.verdict().installed_sha256 == sha256(image));
    }
}

TEST_CASE("an agent that comes back before its machine restarts judges nothing yet")
{
    SlotMachine machine;
    machine.update(image); // the restart was asked for
    machine.bench.restart_agent();
    machine.bench.work();
    CHECK(machine.entry().result == UpdateResult::programmed);
    CHECK(machine.verdict().flags.has(protocol::verdict_restart_pending));
    machine.reboot();
    CHECK(machine.verdict().last_result == UpdateResult::programmed);
    CHECK_FALSE(machine.verdict().flags.has(protocol::verdict_restart_pending));
}

TEST_CASE("an update that waits for its restart gives way to another one, and is not said to have fallen back")
{
    SlotMachine machine;
    CHECK(machine.program(image) == UpdateState::ready);
    REQUIRE(machine.bench.code(lan_caller(7), "2b 02 02") == CompletionCode::not_supported_in_present_state);
    machine.leave(); // asked for, but it does not come
    CHECK(machine.program(next_image, 8) == UpdateState::ready);
    CHECK(machine.entry(1).result == UpdateResult::released);
    CHECK(machine.entry(1).text == "programmed, but given up for another update before its restart");
    machine.leave(8);
    machine.reboot();
    CHECK(machine.entry(0).result == UpdateResult::programmed);
    CHECK(machine.entry(1).result == UpdateResult::released);
    CHECK(machine.verdict().installed_sha256 == sha256(next_image));
}

TEST_CASE("a boot selection that cannot be changed: the client hears of it, and it is tried again")
{
    SlotMachine machine;
    machine.update(image);
    machine.reboot();
    const auto in_the_way = machine.bench.directory.path() / "boot.new";
    std::filesystem::create_directory(in_the_way);
    CHECK(machine.confirm(Confirmation::keep) == CompletionCode::unspecified);
    CHECK(machine.bench.reason(lan_caller(9)).find("the trial of bios cannot be ended: cannot open") == 0);
    CHECK(machine.on_trial());
    machine.bench.pass(31s);
    CHECK(machine.on_trial());
    std::filesystem::remove(in_the_way);
    machine.bench.pass(31s);
    machine.bench.work();
    CHECK_FALSE(machine.on_trial());
    CHECK(machine.record().good == "b");
}

TEST_CASE("a trial that the log knows nothing of is one all the same")
{
    SlotMachine machine;
    machine.update(image);
    std::filesystem::remove(machine.bench.directory.path() / "history.json");
    machine.reboot();
    CHECK(machine.on_trial());
    machine.bench.pass(101s);
    machine.bench.work();
    CHECK(machine.record().chosen == "a");
    CHECK(machine.bench.runner.ran.back() == "restart-bios");
}

TEST_CASE("which slot runs is not known: updates are refused before a byte is sent")
{
    SlotMachine machine;
    machine.write("boot", "rubbish");
    machine.bench.restart_agent();
    machine.bench.work();
    const auto caller = lan_caller(7);
    REQUIRE(machine.bench.enter(caller) == CompletionCode::ok);
    protocol::BeginTransferRequest request = begin_request(image);
    request.target = 1;
    CHECK(machine.bench.send(caller, protocol::Command::begin_transfer, request).response.completion_code ==
          protocol::refused_by_policy);
    CHECK(machine.bench.reason(caller).find("holds no boot record") != std::string::npos);
    CHECK_FALSE(machine.verdict().flags.has(protocol::verdict_digest_known));
}

TEST_CASE("a selector that takes its time: programming waits for it, and other work goes on")
{
    SlotMachine machine{[](config::Target& target) {
        target.slots->selector = config::CommandSelector{{"get"}, {"try"}, {"keep"}, {"back"}};
    }};
    machine.bench.runner.result = {true, {}, {}, "chosen=a\nprovisional=0\n"};
    machine.bench.restart_agent();
    machine.bench.work();
    machine.bench.runner.takes_time = true;
    CHECK(machine.program(image) == UpdateState::program);
    CHECK_FALSE(machine.bench.session().wants_work());
    CHECK(machine.bench.runner.ran.back() == "try");
    machine.bench.pass(10min); // no lease ends it
    CHECK(machine.bench.state(lan_caller(7)) == UpdateState::program);
    machine.bench.runner.end({true, {}, {}, {}});
    machine.bench.work();
    CHECK(machine.bench.state(lan_caller(7)) == UpdateState::ready);
}

TEST_CASE("capabilities: 4Fh is announced where a target has slots, and refused elsewhere")
{
    SlotMachine machine;
    const auto with =
        machine.bench.get<protocol::GetCapabilitiesResponse>(lan_caller(1), protocol::Command::get_capabilities);
    CHECK(with.features.has(protocol::feature_confirm));
    UpdateBench plain;
    const auto without =
        plain.get<protocol::GetCapabilitiesResponse>(lan_caller(1), protocol::Command::get_capabilities);
    CHECK_FALSE(without.features.has(protocol::feature_confirm));
    CHECK(plain.code(lan_caller(1), "4f ff 00") == CompletionCode::invalid_command);
}
