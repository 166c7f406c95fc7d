// Packages and signed images that are taken: what goes where, in which order, and what is told and remembered of it.
#include "tests/bmc-agent/update/verified_bench.hpp"

#include <map>

using namespace fwupdate;
using namespace fwupdate::test;
using protocol::ReasonCode;
using protocol::UpdateResult;
using protocol::UpdateState;

namespace
{

const Bytes first = make_image(70'000);
const Bytes second = make_image(150'000);

std::string text_of(const Bytes& bytes)
{
    return {bytes.begin(), bytes.end()};
}

Bytes two_parts()
{
    return pldm_package({{2, "2.2", second}, {1, "2.1", first}}); // not in the configuration's order
}

protocol::PlanResponse plan(VerifiedBench& machine, const Bytes& image, std::size_t header_size,
                            std::uint16_t parameters = 0, std::uint8_t target = protocol::no_target)
{
    protocol::PlanRequest request;
    request.target = target;
    request.parameters.bits = parameters;
    request.size = image.size();
    request.sha256 = sha256(image);
    request.header.view = ConstBytes{image}.first(std::min(header_size, image.size()));
    return machine.bench().get<protocol::PlanResponse>(machine.caller(), protocol::Command::plan,
                                                       codec::encode(request));
}

std::string text_of(const protocol::PlanResponse& response)
{
    return as_text(response.text.view);
}

const agent::HistoryEntry& logged(VerifiedBench& machine, std::size_t index = 0)
{
    return machine.bench().session().history().entries().at(index);
}

protocol::GetVerdictResponse verdict(VerifiedBench& machine, std::uint8_t target)
{
    return machine.bench().get<protocol::GetVerdictResponse>(machine.caller(), protocol::Command::get_verdict,
                                                             Bytes{target});
}

} // namespace

TEST_CASE("a signed plain image: the target gets it without the signature")
{
    VerifiedBench machine;
    const Bytes image = signed_by(machine.vendor.signer, first);
    CHECK(machine.update(image) == UpdateState::ready);
    CHECK(machine.bench().installed() == text_of(first));
    CHECK(logged(machine).sha256 == sha256(image));
    CHECK(logged(machine).content_sha256 == sha256(first));
    const auto said = verdict(machine, 1);
    CHECK(said.last_sha256 == sha256(image));
    CHECK(said.installed_sha256 == sha256(first));
    CHECK(said.flags.has(protocol::verdict_last_installed));
    machine.leave();
    CHECK(plan(machine, image, 0).verdict == protocol::PlanVerdict::already_current);
    CHECK(plan(machine, first, 0).verdict == protocol::PlanVerdict::already_current);
    CHECK(plan(machine, signed_by(machine.vendor.signer, second), 0).verdict == protocol::PlanVerdict::would_accept);
}

TEST_CASE("what was changed behind the agent's back is not called current")
{
    VerifiedBench machine;
    const Bytes image = signed_by(machine.vendor.signer, first);
    CHECK(machine.update(image) == UpdateState::ready);
    machine.leave();
    std::ofstream{machine.bench().target_path()} << "something else";
    machine.bench().work();
    CHECK_FALSE(verdict(machine, 1).flags.has(protocol::verdict_last_installed));
    CHECK(plan(machine, image, 0).verdict == protocol::PlanVerdict::would_accept);
}

TEST_CASE("verification and programming count the bytes they are through with, forwards only")
{
    VerifiedBench machine;
    machine.stage(signed_by(machine.vendor.signer, pldm_package({{1, "2", Bytes(2 << 20, 1)}, {2, "2", second}})));
    std::map<UpdateState, std::vector<unsigned>> seen;
    while (machine.bench().session().wants_work())
    {
        const auto now = machine.bench().get<protocol::GetUpdateStatusResponse>(machine.caller(),
                                                                                protocol::Command::get_update_status);
        seen[now.state].push_back(now.percent);
        machine.bench().session().work(machine.bench().now);
    }
    for (const UpdateState state : {UpdateState::verify, UpdateState::program})
    {
        const std::vector<unsigned>& percents = seen[state];
        CHECK(std::ranges::is_sorted(percents));
        CHECK(percents.front() < 20);
        CHECK(percents.back() > 80);
        CHECK(std::ranges::any_of(percents, [](unsigned percent) { return percent > 30 && percent < 70; }));
    }
}

TEST_CASE("a signature beside the image does as well")
{
    VerifiedBench machine;
    CHECK(machine.update(first, 0, protocol::no_target, sign_cms(first, machine.vendor.signer)) == UpdateState::ready);
    CHECK(machine.bench().installed() == text_of(first));
}

TEST_CASE("an image that wants a signature only is not sent again for it")
{
    VerifiedBench machine;
    CHECK(machine.update(first) == UpdateState::error);
    machine.leave();
    REQUIRE(machine.bench().enter(machine.caller()) == ipmi::CompletionCode::ok);
    CHECK(begin(machine.bench(), machine.caller(), first).blocks_present == 2);
    machine.send_signature(sign_cms(first, machine.vendor.signer));
    REQUIRE(machine.bench().code(machine.caller(), "29 02") == ipmi::CompletionCode::ok);
    machine.bench().work();
    CHECK(machine.bench().installed() == text_of(first));
}

TEST_CASE("an image that is bad in itself does not stay staged")
{
    VerifiedBench machine;
    Bytes cut = two_parts();
    cut.pop_back();
    const Bytes image = signed_by(machine.vendor.signer, cut);
    CHECK(machine.update(image) == UpdateState::error);
    machine.leave();
    REQUIRE(machine.bench().enter(machine.caller()) == ipmi::CompletionCode::ok);
    CHECK(begin(machine.bench(), machine.caller(), image).blocks_present == 0);
}

TEST_CASE("a signature beside the image holds for the mode it was sent in")
{
    VerifiedBench machine;
    CHECK(machine.update(first, 0, protocol::no_target, sign_cms(first, machine.vendor.signer)) == UpdateState::ready);
    machine.leave();
    CHECK(machine.update(first) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::signature_required);
}

TEST_CASE("a signature of which a part is missing counts as none")
{
    VerifiedBench machine;
    UpdateBench& bench = machine.bench();
    const Bytes signature = sign_cms(first, machine.vendor.signer);
    machine.stage(first); // the command is open until complete: here it is too late
    const auto late = bench.send(machine.caller(), protocol::Command::write_signature_part,
                                 protocol::WriteSignaturePartRequest{4, 0, {ConstBytes{signature}.first(4)}});
    CHECK(late.response.completion_code == ipmi::CompletionCode::not_supported_in_present_state);
    bench.work();
    CHECK(machine.reason_code() == ReasonCode::signature_required);
}

TEST_CASE("parts of a signature come in order and within their total")
{
    VerifiedBench machine;
    UpdateBench& bench = machine.bench();
    REQUIRE(bench.enter(machine.caller()) == ipmi::CompletionCode::ok);
    const Bytes some(10, 0x30);
    const auto send = [&](std::uint16_t total, std::uint16_t offset, std::size_t size)
    {
        return bench
            .send(machine.caller(), protocol::Command::write_signature_part,
                  protocol::WriteSignaturePartRequest{total, offset, {ConstBytes{some}.first(size)}})
            .response.completion_code;
    };
    CHECK(send(20, 5, 5) == ipmi::CompletionCode::parameter_out_of_range);
    CHECK(send(0, 0, 5) == ipmi::CompletionCode::parameter_out_of_range);
    CHECK(send(16385, 0, 5) == ipmi::CompletionCode::parameter_out_of_range);
    CHECK(send(20, 0, 0) == ipmi::CompletionCode::data_length_invalid);
    CHECK(send(20, 0, 10) == ipmi::CompletionCode::ok);
    CHECK(send(21, 10, 5) == ipmi::CompletionCode::invalid_data_field);
    CHECK(send(20, 11, 5) == ipmi::CompletionCode::parameter_out_of_range);
    CHECK(send(20, 10, 5) == ipmi::CompletionCode::ok);
    CHECK(send(20, 15, 10) == ipmi::CompletionCode::parameter_out_of_range);
    CHECK(send(20, 15, 5) == ipmi::CompletionCode::ok);
    CHECK(send(16384, 0, 1) == ipmi::CompletionCode::ok); // anew
}

TEST_CASE("without trusted roots there is no command for signatures")
{
    UpdateBench bench;
    CHECK(bench.code(lan_caller(1), "4E 04 00 00 00 30") == ipmi::CompletionCode::invalid_command);
}

TEST_CASE("the base profile takes signed images in one file, and says so")
{
    VerifiedBench machine;
    UpdateBench& bench = machine.bench();
    const agent::Caller& caller = machine.caller();
    const auto install = [&](const Bytes& image)
    {
        REQUIRE(bench.enter(caller) == ipmi::CompletionCode::ok);
        REQUIRE(bench.code(caller, "29 01") == ipmi::CompletionCode::ok);
        REQUIRE(bench.send(caller, protocol::Command::write_image_data, image).response.completion_code ==
                ipmi::CompletionCode::ok);
        REQUIRE(bench.code(caller, "29 02") == ipmi::CompletionCode::ok);
        bench.work();
        return bench.state(caller);
    };
    const Bytes image = make_image(300);
    CHECK(install(image) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::signature_required);
    CHECK(has(machine.reason(), "base profile"));
    machine.leave();
    CHECK(install(signed_by(machine.vendor.signer, image)) == UpdateState::ready);
    CHECK(bench.installed() == text_of(image));
}

TEST_CASE("a package for two targets: both, in the configuration's order, each with its own entry")
{
    VerifiedBench machine;
    const Bytes image = signed_by(machine.vendor.signer, two_parts());
    CHECK(machine.update(image) == UpdateState::ready);
    CHECK(machine.bench().installed() == text_of(first));
    CHECK(machine.cpld() == text_of(second));
    const auto& entries = machine.bench().session().history().entries();
    REQUIRE(entries.size() == 2);
    CHECK(entries[1].target == "bios");
    CHECK(entries[1].version == "2.1");
    CHECK(entries[1].content_sha256 == sha256(first));
    CHECK(entries[0].target == "cpld");
    CHECK(entries[0].version == "2.2");
    CHECK(entries[0].content_sha256 == sha256(second));
    for (const agent::HistoryEntry& entry : entries)
    {
        CHECK(entry.result == UpdateResult::programmed);
        CHECK(entry.sha256 == sha256(image));
    }
    for (const std::uint8_t target : {std::uint8_t{1}, std::uint8_t{2}})
    {
        CHECK(verdict(machine, target).last_sha256 == sha256(image));
        CHECK(verdict(machine, target).flags.has(protocol::verdict_last_installed));
    }
    machine.leave();
    CHECK(plan(machine, image, 0).verdict == protocol::PlanVerdict::already_current);
    std::ofstream{machine.bench().directory.path() / "cpld.bin"} << "something else";
    machine.bench().work();
    CHECK(plan(machine, image, 0).verdict == protocol::PlanVerdict::would_accept);
    CHECK(plan(machine, image, 0, 0, 1).verdict == protocol::PlanVerdict::already_current);
}

TEST_CASE("an image that another target has is not current in this one")
{
    VerifiedBench machine;
    const Bytes image = signed_by(machine.vendor.signer, first);
    CHECK(machine.update(image, 0, 2) == UpdateState::ready);
    machine.leave();
    machine.bench().work();
    CHECK(plan(machine, image, 0, 0, 2).verdict == protocol::PlanVerdict::already_current);
    CHECK(plan(machine, image, 0).verdict == protocol::PlanVerdict::would_accept);
}

TEST_CASE("a package of which one part was chosen, or one part failed, is not current as a whole")
{
    const auto package = [](VerifiedBench& machine) { return signed_by(machine.vendor.signer, two_parts()); };
    VerifiedBench chosen;
    const Bytes one = package(chosen);
    CHECK(chosen.update(one, 0, 1) == UpdateState::ready);
    chosen.leave();
    chosen.bench().work();
    CHECK(plan(chosen, one, 0, 0, 1).verdict == protocol::PlanVerdict::already_current);
    CHECK(plan(chosen, one, 0).verdict == protocol::PlanVerdict::would_accept);

    VerifiedBench failed;
    const std::filesystem::path obstacle = failed.bench().directory.path() / "cpld.bin" / "in the way";
    std::filesystem::create_directories(obstacle);
    const Bytes image = package(failed);
    CHECK(failed.update(image) == UpdateState::error);
    failed.leave();
    failed.bench().work();
    CHECK(plan(failed, image, 0).verdict == protocol::PlanVerdict::would_accept);
    CHECK(plan(failed, image, 0, 0, 1).verdict == protocol::PlanVerdict::already_current);
    std::filesystem::remove_all(obstacle.parent_path());
    CHECK(failed.update(image) == UpdateState::ready);
    failed.leave();
    failed.bench().work();
    CHECK(plan(failed, image, 0).verdict == protocol::PlanVerdict::already_current);
}

TEST_CASE("of a package only the chosen target's part is programmed")
{
    VerifiedBench machine;
    CHECK(machine.update(signed_by(machine.vendor.signer, two_parts()), 0, 2) == UpdateState::ready);
    CHECK(machine.bench().installed() == "old firmware");
    CHECK(machine.cpld() == text_of(second));
}

TEST_CASE("where the second part fails, it is told which are programmed, and each has its end on record")
{
    VerifiedBench machine;
    std::filesystem::create_directories(machine.bench().directory.path() / "cpld.bin" / "in the way");
    CHECK(machine.update(signed_by(machine.vendor.signer, two_parts())) == UpdateState::error);
    CHECK(machine.bench().installed() == text_of(first));
    CHECK(machine.reason_code() == ReasonCode::program_failed);
    CHECK(has(machine.reason(), "1 of the package's 2 parts"));
    CHECK(logged(machine, 0).target == "cpld");
    CHECK(logged(machine, 0).result == UpdateResult::failed);
    CHECK(logged(machine, 1).target == "bios");
    CHECK(logged(machine, 1).result == UpdateResult::programmed);
}

TEST_CASE("a package's targets that restart are restarted, the BMC last, and each machine once")
{
    const auto restart_by = [](config::Target& target, protocol::Restart what, std::string command)
    {
        target.restart.what = what;
        target.restart.command = {std::move(command)};
    };
    for (const bool same : {true, false})
    {
        CAPTURE(same);
        VerifiedBench machine{[&](Policy& policy, const Vendor&)
                              {
                                  policy.change_targets =
                                      [&, usual = policy.change_targets](config::Target& bios, config::Target& cpld)
                                  {
                                      usual(bios, cpld);
                                      restart_by(bios, protocol::Restart::bmc, "restart-bmc");
                                      restart_by(cpld, same ? protocol::Restart::bmc : protocol::Restart::host,
                                                 same ? "restart-bmc" : "restart-host");
                                  };
                              }};
        CHECK(protocol::checks::is_ready(machine.update(signed_by(machine.vendor.signer, two_parts()))));
        CHECK(logged(machine, 0).restart_pending);
        CHECK(logged(machine, 1).restart_pending);
        machine.leave();
        const std::vector<std::string> both{"restart-host", "restart-bmc"};
        CHECK(machine.bench().runner.ran == (same ? std::vector<std::string>{"restart-bmc"} : both));
        machine.bench().restart_agent(true);
        machine.bench().work();
        CHECK(logged(machine, 0).result == UpdateResult::programmed);
        CHECK(logged(machine, 1).result == UpdateResult::programmed);
    }
}

TEST_CASE("what a package has put in place and is gone after the restart fell back, target by target")
{
    VerifiedBench machine{[](Policy&, const Vendor&) {}, protocol::Restart::bmc};
    CHECK(machine.update(signed_by(machine.vendor.signer, two_parts())) == UpdateState::ready);
    machine.leave();
    std::ofstream{machine.bench().directory.path() / "cpld.bin"} << "the old one";
    machine.bench().restart_agent(true);
    machine.bench().work();
    CHECK(logged(machine, 0).target == "cpld");
    CHECK(logged(machine, 0).result == UpdateResult::fell_back);
    CHECK(logged(machine, 1).target == "bios");
    CHECK(logged(machine, 1).result == UpdateResult::programmed);
}

TEST_CASE("an agent killed between two parts of a package: the first is in place, the other failed, the next works")
{
    VerifiedBench machine;
    const Bytes image = signed_by(machine.vendor.signer, two_parts());
    machine.stage(image);
    agent::UpdateSession& session = machine.bench().session();
    while (logged(machine).target != "cpld")
    {
        REQUIRE(session.wants_work());
        session.work(machine.bench().now);
    }
    machine.bench().restart_agent();
    machine.bench().work();
    CHECK(machine.bench().installed() == text_of(first));
    CHECK(machine.cpld().empty());
    CHECK(logged(machine, 0).target == "cpld");
    CHECK(logged(machine, 0).result == UpdateResult::failed);
    CHECK(logged(machine, 1).result == UpdateResult::programmed);
    CHECK(machine.update(image) == UpdateState::ready);
    CHECK(machine.cpld() == text_of(second));
}

TEST_CASE("OpenBMC tarballs, packed in any way, programmed as they unpack")
{
    const std::string content(300'000, 'h');
    const Bytes tar = TarBuilder{}
                          .add("MANIFEST", manifest("2.0", "ours"))
                          .add("image-before", std::string(70'000, 'b'))
                          .add("image-host", content)
                          .finish();
    for (const Bytes& packed : {tar, gzip(tar), xz(tar), zstd(tar)})
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
        CHECK(machine.update(signed_by(machine.vendor.signer, packed), 0, 1) == UpdateState::ready); // of two parts
        CHECK(machine.bench().installed() == content);
        CHECK(logged(machine).version == "2.0");
    }
}

TEST_CASE("a target that takes no packages gets one as it is")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&) {
        policy.change_targets = [](config::Target& bios, config::Target&) { bios.accepts = protocol::accepts_plain; };
    }};
    CHECK(machine.update(signed_by(machine.vendor.signer, two_parts())) == UpdateState::ready);
    CHECK(machine.bench().installed() == text_of(two_parts()));
}

TEST_CASE("a target that takes packages only refuses a plain image")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&) {
        policy.change_targets = [](config::Target& bios, config::Target&) { bios.accepts = protocol::accepts_pldm; };
    }};
    CHECK(machine.update(signed_by(machine.vendor.signer, first)) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::package_bad);
    CHECK(has(machine.reason(), "accepts"));
}

TEST_CASE("force does what the configuration lets it do, and no more")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&)
                          {
                              policy.verification.no_downgrade = true;
                              policy.verification.force_allows_downgrade = true;
                          }};
    machine.running_version("bios", "1.5");
    const Bytes older = signed_by(machine.vendor.signer, pldm_package({{1, "1.4", first}}));
    CHECK(machine.update(older) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
    machine.leave();
    CHECK(machine.update(older, protocol::parameter_force) == UpdateState::ready);
}

TEST_CASE("the anti-rollback floor rises with what runs, never sinks, and force does not go below it")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&)
                          {
                              policy.verification.force_allows_downgrade = true;
                              policy.change_targets =
                                  [usual = policy.change_targets](config::Target& bios, config::Target& cpld)
                              {
                                  usual(bios, cpld);
                                  bios.anti_rollback = true;
                                  bios.minimum_security_version = 2;
                              };
                          }};
    const auto package = [&](const std::string& version, std::uint32_t stamp, const Bytes& bytes) {
        return signed_by(machine.vendor.signer, pldm_package({{1, version, bytes, stamp}}));
    };
    CHECK(machine.update(package("1.0", 1, first)) == UpdateState::error); // below the configured least
    CHECK(has(machine.reason(), "security version 1"));
    machine.leave();
    CHECK(machine.update(package("2.0", 5, first)) == UpdateState::ready);
    machine.leave();
    CHECK(machine.update(package("1.9", 5, second), protocol::parameter_force) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
    machine.leave();
    CHECK(machine.update(package("2.1", 4, second), protocol::parameter_force) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
    machine.leave();
    machine.bench().restart_agent(true); // it is on the disk
    CHECK(machine.update(package("1.9", 5, second), protocol::parameter_force) == UpdateState::error);
    machine.leave();
    CHECK(machine.update(package("2.1", 5, second)) == UpdateState::ready);
}

TEST_CASE("the floor does not rise before the restart has shown that the new version runs")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&)
                          {
                              policy.change_targets =
                                  [usual = policy.change_targets](config::Target& bios, config::Target& cpld)
                              {
                                  usual(bios, cpld);
                                  bios.anti_rollback = true;
                              };
                          },
                          protocol::Restart::bmc};
    const auto package = [&](const std::string& version, const Bytes& bytes) {
        return signed_by(machine.vendor.signer, pldm_package({{1, version, bytes}}));
    };
    CHECK(machine.update(package("2.0", first)) == UpdateState::ready);
    machine.leave();
    std::ofstream{machine.bench().target_path()} << "the old one"; // it fell back
    machine.bench().restart_agent(true);
    machine.bench().work();
    CHECK(machine.update(package("1.9", second)) == UpdateState::ready);
    machine.leave();
    machine.bench().restart_agent(true);
    machine.bench().work();
    CHECK(machine.update(package("1.8", first)) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::downgrade_refused);
}

TEST_CASE("plan gives the verdict of the update itself, from the header alone")
{
    VerifiedBench machine;
    machine.running_version("bios", "1.5");
    const auto expect = [&](const Bytes& package, std::uint16_t parameters, ReasonCode code)
    {
        const auto planned = plan(machine, package, package.size(), parameters);
        CAPTURE(text_of(planned));
        CHECK(planned.code == code);
        CHECK(planned.verdict ==
              (code == ReasonCode::none ? protocol::PlanVerdict::would_accept : protocol::PlanVerdict::would_refuse));
        const auto end = machine.update(signed_by(machine.vendor.signer, package), parameters);
        CHECK((end == UpdateState::error) == (code != ReasonCode::none));
        CHECK(machine.reason_code() == code);
        machine.leave();
    };
    expect(pldm_package({{1, "1.4", make_image(100)}}), protocol::parameter_no_downgrade,
           ReasonCode::downgrade_refused);
    expect(pldm_package({{1, "2.0", make_image(100)}}, Bytes(16, 9)), 0, ReasonCode::wrong_machine);
    expect(pldm_package({{7, "2.0", make_image(100)}}), 0, ReasonCode::target_unknown);
    expect(pldm_package({{1, "2.0", make_image(100)}, {1, "2.0", make_image(50)}}), 0, ReasonCode::target_ambiguous);
    // Of a tarball nothing is known yet but that it is one.
    const Bytes tar = TarBuilder{}.add("MANIFEST", manifest("1.0")).add("image-host", "hhh").finish();
    for (const Bytes& packed : {tar, gzip(tar)})
    {
        CHECK(plan(machine, packed, 600, protocol::parameter_no_downgrade).code == ReasonCode::none);
    }
    expect(pldm_package({{1, "2.0", make_image(101)}}), protocol::parameter_no_downgrade, ReasonCode::none);
}

TEST_CASE("signatures optional: what nobody vouches for is taken, what is signed badly is not")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&) { policy.verification.signature_required = false; }};
    CHECK(machine.update(first) == UpdateState::ready);
    machine.leave();
    CHECK(machine.update(signed_by(machine.vendor.stranger, second)) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::signature_bad);
    CHECK(machine.bench().installed() == text_of(first));
    machine.leave();
    CHECK(machine.update(signed_by(machine.vendor.signer, second)) == UpdateState::ready);
    CHECK(machine.bench().installed() == text_of(second));
}

TEST_CASE("an agent that trusts nobody and requires nothing takes a signature off unseen")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&)
                          {
                              policy.verification.signature_required = false;
                              policy.verification.roots.clear();
                          }};
    CHECK(machine.update(signed_by(machine.vendor.signer, first)) == UpdateState::ready);
    CHECK(machine.bench().installed() == text_of(first));
}

TEST_CASE("a BMC that does not know the date judges no certificate by it")
{
    VerifiedBench machine{[](Policy& policy, const Vendor&) { policy.date.reset(); }};
    const UpdateState end = machine.update(signed_by(machine.vendor.signer, first));
    CHECK(end == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::signature_bad);
    CHECK(has(machine.reason(), "clock"));
}

TEST_CASE("a target's size is for what is programmed, not for the signature or package around it")
{
    const auto limited = [](std::uint8_t accepts)
    {
        return [accepts](Policy& policy, const Vendor&)
        {
            policy.change_targets = [usual = policy.change_targets, accepts](config::Target& bios, config::Target& cpld)
            {
                usual(bios, cpld);
                bios.max_size = first.size();
                bios.accepts = accepts;
            };
        };
    };
    for (const std::uint8_t accepts : {std::uint8_t{0x01}, std::uint8_t{0x07}})
    {
        CAPTURE(accepts);
        VerifiedBench machine{limited(accepts)};
        CHECK(machine.update(signed_by(machine.vendor.signer, first)) == UpdateState::ready);
        machine.leave();
        Bytes larger = first;
        larger.push_back(1);
        CHECK(machine.update(signed_by(machine.vendor.signer, larger)) == UpdateState::error);
        CHECK(machine.reason_code() == ReasonCode::image_too_large);
        CHECK(machine.bench().installed() == text_of(first));
        machine.leave();
        const Bytes huge(first.size() + 20'000, 7);
        CHECK(plan(machine, huge, 512).code == ReasonCode::image_too_large);
    }
    VerifiedBench machine{limited(0x07)};
    CHECK(machine.update(signed_by(machine.vendor.signer, two_parts())) == UpdateState::ready);
    CHECK(machine.cpld() == text_of(second));
    machine.leave();
    CHECK(machine.update(signed_by(machine.vendor.signer, pldm_package({{1, "3", second}}))) == UpdateState::error);
    CHECK(machine.reason_code() == ReasonCode::image_too_large);
}
