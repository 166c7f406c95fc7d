// What is settled when an agent comes back, and what two parts of a package have to do with each other until then.
#include "tests/bmc-agent/update/verified_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::test;
using protocol::ReasonCode;
using protocol::UpdateResult;
using protocol::UpdateState;

namespace
{

const Bytes first = make_image(70'000);
const Bytes second = make_image(150'000);
const Bytes third = make_image(90'000);

void guard(Policy& policy, const Vendor&)
{
    policy.change_targets = [usual = policy.change_targets](config::Target& bios, config::Target& cpld)
    {
        usual(bios, cpld);
        bios.anti_rollback = true;
    };
}

Bytes bios_package(VerifiedBench& machine, const std::string& version, const Bytes& bytes)
{
    return signed_by(machine.vendor.signer, pldm_package({{1, version, bytes}}));
}

const agent::HistoryEntry& logged(VerifiedBench& machine, std::size_t index = 0)
{
    return machine.bench().session().history().entries().at(index);
}

/// Works until the target is being programmed, and gives the log as the disk has it then.
std::string work_until_program(VerifiedBench& machine)
{
    while (machine.bench().state(machine.caller()) != UpdateState::program)
    {
        REQUIRE(machine.bench().session().wants_work());
        machine.bench().session().work(machine.bench().now);
    }
    return *agent::read_file(machine.bench().directory.path() / "history.json", 1 << 20);
}

protocol::PlanResponse plan(VerifiedBench& machine, const Bytes& image, std::uint16_t parameters)
{
    protocol::PlanRequest request;
    request.target = protocol::no_target;
    request.parameters.bits = parameters;
    request.size = image.size();
    request.sha256 = sha256(image);
    request.header.view = ConstBytes{image}.first(std::min<std::size_t>(1024, image.size()));
    return machine.bench().get<protocol::PlanResponse>(machine.caller(), protocol::Command::plan,
                                                       codec::encode(request));
}

/// A package for both targets, which restart by these commands, programmed and left.
void restart_both(VerifiedBench& machine)
{
    machine.bench().runner.takes_time = true;
    CHECK(protocol::checks::is_ready(
        machine.update(signed_by(machine.vendor.signer, pldm_package({{1, "2.0", first}, {2, "2.0", second}})))));
    machine.leave();
}

std::function<void(Policy&, const Vendor&)> restarting(protocol::Restart bios_restarts, protocol::Restart cpld_restarts)
{
    return [=](Policy& policy, const Vendor&)
    {
        policy.change_targets = [=, usual = policy.change_targets](config::Target& bios, config::Target& cpld)
        {
            usual(bios, cpld);
            const auto command = [](protocol::Restart what)
            { return std::vector<std::string>{what == protocol::Restart::bmc ? "restart-bmc" : "restart-host"}; };
            bios.restart = {bios_restarts, command(bios_restarts)};
            cpld.restart = {cpld_restarts, command(cpld_restarts)};
        };
    };
}

} // namespace

TEST_CASE("an update that was cut off behind its last step raises the floor as any other")
{
    for (const bool restarts : {false, true})
    {
        CAPTURE(restarts);
        VerifiedBench machine{guard, restarts ? protocol::Restart::bmc : protocol::Restart::nothing};
        machine.stage(bios_package(machine, "2.0", first));
        const std::string log = work_until_program(machine);
        machine.bench().work();
        std::ofstream{machine.bench().directory.path() / "history.json"} << log; // what the disk had
        machine.bench().restart_agent(restarts);
        machine.bench().work();
        CHECK(logged(machine).result == UpdateResult::programmed);
        CHECK(machine.update(bios_package(machine, "1.9", second)) == UpdateState::error);
        CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
    }
}

TEST_CASE("an attempt that was cut off leaves the judgement to the update that is in place")
{
    VerifiedBench machine{guard, protocol::Restart::bmc};
    CHECK(machine.update(bios_package(machine, "2.0", first), protocol::parameter_defer_restart) == UpdateState::ready);
    machine.leave();
    machine.stage(bios_package(machine, "3.0", second));
    static_cast<void>(work_until_program(machine));
    machine.bench().restart_agent(true); // the power went
    machine.bench().work();
    CHECK(logged(machine, 0).result == UpdateResult::failed);
    CHECK(logged(machine, 1).text == "programmed, restarted, and installed");
    CHECK(machine.update(bios_package(machine, "1.9", third)) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
}

TEST_CASE("an update that was replaced before anybody looked at it is not said to have fallen back")
{
    VerifiedBench machine{guard, protocol::Restart::bmc};
    CHECK(machine.update(bios_package(machine, "2.0", first)) == UpdateState::ready);
    machine.leave();
    machine.bench().restart_agent(true); // and the next update is faster than the digest of what is installed
    CHECK(machine.update(bios_package(machine, "3.0", second)) == UpdateState::ready);
    CHECK(logged(machine, 1).result == UpdateResult::programmed);
    CHECK_FALSE(logged(machine, 1).settle);
}

TEST_CASE("what is said to be installed is looked at again: an old version that was replaced is below the floor")
{
    VerifiedBench machine{guard};
    CHECK(machine.update(bios_package(machine, "2.0", first)) == UpdateState::ready);
    machine.leave();
    machine.bench().work();
    std::ofstream{machine.bench().target_path()} << "3.0, by another way";
    REQUIRE(agent::VersionFloors{machine.bench().directory.path(), package::VersionScheme::usual()}
                .raise("bios", {"3.0", 0})
                .has_value());
    CHECK(machine.update(bios_package(machine, "2.0", first)) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
}

TEST_CASE("the same image again is current for plan as for the update, though it has no version to compare")
{
    VerifiedBench machine;
    machine.running_version("bios", "1.0");
    const std::vector<Bytes> images{
        signed_by(machine.vendor.signer, first),
        signed_by(machine.vendor.signer, pldm_package({{1, "unheard-of", second}, {2, "unheard-of", third}}))};
    for (const Bytes& image : images)
    {
        CHECK(machine.update(image) == UpdateState::ready);
        machine.leave();
        machine.bench().work();
        const auto planned = plan(machine, image, protocol::parameter_no_downgrade);
        CAPTURE(as_text(planned.text.view));
        CHECK(planned.verdict == protocol::PlanVerdict::already_current);
        CHECK(machine.update(image, protocol::parameter_no_downgrade) == UpdateState::ready);
        machine.leave();
    }
}

TEST_CASE("a tarball's part for the chosen target is not ambiguous for another one's sake")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&)
                          {
                              policy.change_targets =
                                  [usual = policy.change_targets](config::Target& bios, config::Target& cpld)
                              {
                                  usual(bios, cpld);
                                  bios.member = "image-host";
                                  cpld.purpose = package::Purpose::host;
                              };
                          }};
    const Bytes tar = TarBuilder{}
                          .add("MANIFEST", manifest("2.0"))
                          .add("image-host", std::string(3000, 'h'))
                          .add("image-other", std::string(3000, 'o'))
                          .finish();
    const Bytes image = signed_by(machine.vendor.signer, tar);
    CHECK(machine.update(image) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::target_ambiguous);
    machine.leave();
    CHECK(machine.update(image, 0, 1) == UpdateState::ready);
    CHECK(machine.bench().installed() == std::string(3000, 'h'));
}

TEST_CASE("the BMC restarts when the host's restart is through, and nobody enters in between")
{
    VerifiedBench machine{restarting(protocol::Restart::bmc, protocol::Restart::host)};
    restart_both(machine);
    RecordingRunner& runner = machine.bench().runner;
    CHECK(runner.ran == std::vector<std::string>{"restart-host"});
    CHECK(machine.bench().enter(lan_caller(2)) == ipmi::CompletionCode::node_busy);
    runner.end({true, {}, {}});
    CHECK(runner.ran == std::vector<std::string>{"restart-host", "restart-bmc"});
    runner.end({false, {}, "exit status 3"});
    CHECK(machine.bench().enter(lan_caller(2)) == ipmi::CompletionCode::ok);
    CHECK(has(logged(machine, 1).text, "restart of bios failed"));
    CHECK(logged(machine, 0).restarted);
}

TEST_CASE("a restart of two targets that failed has failed for both")
{
    VerifiedBench machine{restarting(protocol::Restart::host, protocol::Restart::host)};
    restart_both(machine);
    CHECK(machine.bench().runner.ran == std::vector<std::string>{"restart-host"});
    machine.bench().runner.end({false, {}, "exit status 3"});
    machine.bench().restart_agent();
    machine.bench().work();
    for (const std::size_t index : {std::size_t{0}, std::size_t{1}})
    {
        CHECK_FALSE(logged(machine, index).restarted);
        CHECK(logged(machine, index).restart_pending);
    }
}

TEST_CASE("a host's floor does not rise because the BMC was restarted")
{
    VerifiedBench machine{guard, protocol::Restart::host};
    CHECK(machine.update(bios_package(machine, "2.0", first), protocol::parameter_defer_restart) ==
          UpdateState::host_restart_required);
    machine.leave();
    machine.bench().restart_agent(true); // the BMC alone: the host runs what it ran before
    machine.bench().work();
    CHECK(machine.bench().runner.ran.empty());
    CHECK(machine.update(bios_package(machine, "1.9", second)) == UpdateState::host_restart_required);
}

TEST_CASE("a host's floor rises when its version tells that it runs the update")
{
    VerifiedBench machine{guard, protocol::Restart::host};
    machine.running_version("bios", "1.0");
    CHECK(machine.update(bios_package(machine, "2.0", first)) == UpdateState::host_restart_required);
    machine.leave();
    machine.running_version("bios", "2.0"); // the host has come back with it
    CHECK(machine.update(bios_package(machine, "1.9", second)) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
}

TEST_CASE("a tarball with a part for no target is refused, where none was chosen")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&)
                          {
                              policy.change_targets =
                                  [usual = policy.change_targets](config::Target& bios, config::Target& cpld)
                              {
                                  usual(bios, cpld);
                                  bios.member = "image-host";
                              };
                          }};
    const Bytes tar = TarBuilder{}
                          .add("MANIFEST", manifest("2.0"))
                          .add("image-host", std::string(3000, 'h'))
                          .add("image-other", std::string(3000, 'o'))
                          .finish();
    CHECK(machine.update(signed_by(machine.vendor.signer, tar)) == UpdateState::error);
}
