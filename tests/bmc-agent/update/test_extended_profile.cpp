// The extended profile through its bytes.
#include "common/sha256.hpp"
#include "tests/bmc-agent/update/transfer_steps.hpp"

#include <algorithm>
#include <set>

using namespace fwupdate;
using namespace fwupdate::test;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::UpdateState;

namespace
{

constexpr auto ok = CompletionCode::ok;
constexpr auto wrong_state = CompletionCode::not_supported_in_present_state;

} // namespace

TEST_CASE("capabilities begin with the signature and fit the channel")
{
    UpdateBench bench;
    const auto lan = bench.get<protocol::GetCapabilitiesResponse>(lan_caller(1), Command::get_capabilities);
    CHECK(lan.signature == protocol::signature);
    CHECK(lan.block_size == 65536);
    CHECK(lan.max_message == 1400);
    CHECK(lan.window == 1024);
    CHECK(lan.features.has(protocol::feature_window | protocol::feature_resume));
    const auto host = bench.get<protocol::GetCapabilitiesResponse>(host_caller(), Command::get_capabilities);
    CHECK(host.max_message == 240);
    CHECK(host.window == 1);
    CHECK_FALSE(host.features.has(protocol::feature_window));
}

TEST_CASE("what is announced as absent is answered C1h")
{
    UpdateBench bench;
    for (const Command command :
         {Command::get_usb_drive, Command::set_uri_parameters, Command::write_signature_part, Command::confirm_update})
    {
        CHECK(bench.send(lan_caller(1), command).response.completion_code == CompletionCode::invalid_command);
    }
}

TEST_CASE("a whole update in the extended profile")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(3 * protocol::block_size + 777);
    REQUIRE(bench.enter(caller) == ok);
    const auto transfer = begin(bench, caller, image);
    CHECK(transfer.blocks == 4);
    CHECK(transfer.blocks_present == 0);
    CHECK(transfer.fragment_size == fragment_size);
    CHECK(bench.code(caller, "29 02") == protocol::transfer_incomplete);
    CHECK(bench.state(caller) == UpdateState::download);
    send_all(bench, caller, transfer.transfer, image);
    CHECK(session_of(bench, caller).received == image.size());
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(bench.state(caller) == UpdateState::ready);
    CHECK(bench.installed() == as_text(image));
    const auto verdict = verdict_of(bench, caller);
    CHECK(verdict.last_result == protocol::UpdateResult::programmed);
    CHECK(verdict.last_sha256 == sha256(image));
    CHECK(verdict.installed_sha256 == sha256(image));
    CHECK(verdict.flags.has(protocol::verdict_restart_pending));
    CHECK_FALSE(std::filesystem::exists(bench.directory.path() / "staging" / "image"));
}

TEST_CASE("over the system interface every fragment is answered, and the fragment size is cut to the channel")
{
    UpdateBench bench;
    const agent::Caller host = host_caller();
    const Bytes image = make_image(5000);
    REQUIRE(bench.enter(host) == ok);
    const auto transfer = begin(bench, host, image);
    CHECK(transfer.fragment_size == 240 - 8 - 4);
    const protocol::WriteFragmentRequest request{
        transfer.transfer, {}, protocol::BlockEncoding::raw, 0, 0, {ConstBytes{image}.first(transfer.fragment_size)}};
    CHECK(bench.send(host, Command::write_fragment, request).answer);
}

TEST_CASE("without the flag a fragment in order is taken in silence on a LAN session")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(5000);
    REQUIRE(bench.enter(caller) == ok);
    const auto transfer = begin(bench, caller, image);
    const protocol::WriteFragmentRequest request{
        transfer.transfer, {}, protocol::BlockEncoding::raw, 0, 0, {ConstBytes{image}.first(fragment_size)}};
    CHECK_FALSE(bench.send(caller, Command::write_fragment, request).answer);
}

TEST_CASE("blocks survive session, lease, and a killed agent; the transfer goes on where it was")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(4 * protocol::block_size);
    REQUIRE(bench.enter(caller) == ok);
    const auto first = begin(bench, caller, image);
    REQUIRE(send_block(bench, caller, first.transfer, image, 0) == ok);
    REQUIRE(send_block(bench, caller, first.transfer, image, 2) == ok);
    SUBCASE("the lease ends")
    {
        bench.pass(std::chrono::seconds{61});
    }
    SUBCASE("the agent is killed")
    {
        bench.restart_agent();
    }
    SUBCASE("the BMC restarts")
    {
        bench.restart_agent(true);
    }
    SUBCASE("exit")
    {
        REQUIRE(bench.code(caller, "28") == ok);
    }
    SUBCASE("abort and exit")
    {
        REQUIRE(bench.code(caller, "29 03") == ok);
        REQUIRE(bench.code(caller, "28") == ok);
    }
    const agent::Caller later = lan_caller(9);
    CHECK(bench.state(later) == UpdateState::init);
    REQUIRE(bench.enter(later) == ok);
    const auto second = begin(bench, later, image);
    CHECK(second.blocks_present == 2);
    Bytes map_request;
    codec::append(protocol::GetTransferMapRequest{second.transfer, 0}, map_request);
    CHECK(to_hex(
              bench.get<protocol::GetTransferMapResponse>(later, Command::get_transfer_map, map_request).bitmap.view) ==
          "05");
    bench.work();
    REQUIRE(send_block(bench, later, second.transfer, image, 1) == ok);
    REQUIRE(send_block(bench, later, second.transfer, image, 3) == ok);
    REQUIRE(bench.code(later, "29 02") == ok);
    bench.work();
    CHECK(bench.state(later) == UpdateState::ready);
    CHECK(bench.installed() == as_text(image));
}

TEST_CASE("a fragment of another transfer is refused, and so is one for a state that takes none")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    CHECK(send_block(bench, caller, 1, image, 0) == wrong_state);
    REQUIRE(bench.enter(caller) == ok);
    CHECK(send_block(bench, caller, 1, image, 0) == wrong_state);
    const auto transfer = begin(bench, caller, image);
    CHECK(send_block(bench, caller, static_cast<std::uint16_t>(transfer.transfer ^ 1), image, 0) ==
          protocol::unknown_transfer);
    CHECK(bench.code(caller, "2C 00") == wrong_state); // not a base stream
    CHECK(send_block(bench, lan_caller(2), transfer.transfer, image, 0) == wrong_state);
    REQUIRE(bench.code(caller, "29 01") == ok); // a base stream now
    CHECK(send_block(bench, caller, transfer.transfer, image, 0) == protocol::unknown_transfer);
}

TEST_CASE("what can't be is refused at the start, with a reason")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    Bytes image = make_image(1000);
    const auto code_of = [&](const protocol::BeginTransferRequest& request)
    { return bench.send(caller, Command::begin_transfer, request).response.completion_code; };
    auto request = begin_request(image);
    request.size = 0;
    CHECK(code_of(request) == protocol::refused_by_policy);
    CHECK(bench.reason(caller).find("empty") != std::string::npos);
    request.size = UpdateBench::limit + 1;
    CHECK(code_of(request) == protocol::refused_by_policy);
    CHECK(bench.reason(caller).find("at most") != std::string::npos);
    request = begin_request(image);
    request.target = 9;
    CHECK(code_of(request) == CompletionCode::not_present);
    request = begin_request(image);
    request.fragment_size = 0;
    CHECK(code_of(request) == CompletionCode::invalid_data_field);
    CHECK(bench.state(caller) == UpdateState::idle);
}

TEST_CASE("an image whose digest is not the announced one is refused and not kept")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    REQUIRE(bench.enter(caller) == ok);
    auto request = begin_request(image);
    request.sha256[31] ^= 1;
    const auto transfer =
        bench.get<protocol::BeginTransferResponse>(caller, Command::begin_transfer, codec::encode(request));
    send_all(bench, caller, transfer.transfer, image);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(bench.state(caller) == UpdateState::error);
    CHECK(bench.installed() == "old firmware");
    const auto again =
        bench.get<protocol::BeginTransferResponse>(caller, Command::begin_transfer, codec::encode(request));
    CHECK(again.blocks_present == 0);
}

TEST_CASE("debug keeps what was refused, for people to look at")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "43 08 00 08 00 FF FF") == ok);
    auto request = begin_request(image);
    request.sha256[31] ^= 1;
    const auto transfer =
        bench.get<protocol::BeginTransferResponse>(caller, Command::begin_transfer, codec::encode(request));
    send_all(bench, caller, transfer.transfer, image);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(*agent::read_file(bench.directory.path() / "staging" / "debug-image", 2000) == as_text(image));
}

TEST_CASE("an administrator takes over, and the former owner is out")
{
    UpdateBench bench;
    const Bytes image = make_image(2 * protocol::block_size);
    const agent::Caller first = lan_caller(1);
    const agent::Caller second = lan_caller(2, "root");
    const auto take_over = [&](std::uint8_t flags)
    {
        const auto number = bench.get<protocol::GetRandomNumberResponse>(second, Command::get_random_number);
        return bench.send(second, Command::take_over, protocol::TakeOverRequest{number.challenge, {flags}})
            .response.completion_code;
    };
    CHECK(take_over(0) == wrong_state); // nothing to take
    REQUIRE(bench.enter(first) == ok);
    const auto transfer = begin(bench, first, image);
    REQUIRE(send_block(bench, first, transfer.transfer, image, 0) == ok);
    CHECK(bench.code(second, "42 00 00 00 00 00 00 00 00 00") == CompletionCode::invalid_data_field);
    SUBCASE("and goes on")
    {
        CHECK(take_over(0) == ok);
        CHECK(send_block(bench, second, transfer.transfer, image, 1) == ok);
        CHECK(session_of(bench, first).holder.value == "root");
    }
    SUBCASE("and discards")
    {
        CHECK(take_over(protocol::take_over_discard) == ok);
        CHECK(bench.state(second) == UpdateState::idle);
        CHECK(begin(bench, second, image).blocks_present == 0);
    }
    CHECK(bench.code(first, "29 03") == wrong_state);
}

TEST_CASE("who holds the mode is told to everybody")
{
    UpdateBench bench;
    REQUIRE(bench.enter(lan_caller(1)) == ok);
    bench.now += std::chrono::seconds{7};
    auto seen = session_of(bench, lan_caller(2, "eve"));
    CHECK(seen.holder.value == "admin");
    CHECK(seen.idle == 7);
    CHECK(seen.lease_remaining == 293);
    CHECK(seen.flags.bits == (protocol::session_in_mode | protocol::session_holder_alive));
    seen = session_of(bench, lan_caller(1));
    CHECK(seen.flags.bits == (protocol::session_in_mode | protocol::session_holder_alive | protocol::session_yours |
                              protocol::session_same_user));
    CHECK(seen.idle == 0);
}

TEST_CASE("the extended lease is 60 seconds")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "43 00 00 00 00 FF FF") == ok);
    bench.pass(std::chrono::seconds{59});
    CHECK(bench.state(caller) == UpdateState::idle);
    bench.pass(std::chrono::seconds{61});
    CHECK(bench.state(caller) == UpdateState::init);
}

TEST_CASE("parameters are set, answered, and strict")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    const auto set = [&](std::string_view hex)
    { return to_hex(bench.send(caller, Command::set_update_parameters, *from_hex(hex)).response.data); };
    CHECK(set("00 00 00 00 FF FF") == "00000001");
    CHECK(set("03 00 01 00 FF 02") == "01000002");
    CHECK(set("00 00 00 00 01 FF") == "03000102"); // apply time on reset is the deferral bit
    CHECK(set("00 00 00 00 00 FF") == "01000002");
    CHECK(bench.code(caller, "43 04 00 00 00 FF FF") == CompletionCode::invalid_data_field);
    CHECK(bench.code(caller, "43 00 00 00 00 02 FF") == CompletionCode::invalid_data_field);
    CHECK(bench.code(caller, "43 00 00 00 00 FF 09") == CompletionCode::not_present);
    CHECK(bench.code(caller, "43 00 00 00 00 FF") == CompletionCode::data_length_invalid);
}

TEST_CASE("the target that was chosen gets the image, the other one keeps its own")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(100);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "43 00 00 00 00 FF 02") == ok);
    const auto transfer = begin(bench, caller, image);
    CHECK(transfer.target == 2);
    send_all(bench, caller, transfer.transfer, image);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(bench.installed() == "old firmware");
    CHECK(*agent::read_file(bench.directory.path() / "cpld.bin", 1000) == as_text(image));
}

TEST_CASE("a plan changes nothing and says what install would")
{
    UpdateBench bench;
    bench.work();
    const agent::Caller caller = lan_caller(1, "operator");
    const auto plan =
        [&](std::uint64_t size, const Sha256& digest, std::uint16_t parameters, ConstBytes header = ConstBytes{})
    {
        const protocol::PlanRequest request{protocol::no_target, {parameters}, 0, size, digest, {header}};
        return bench.get<protocol::PlanResponse>(caller, Command::plan, codec::encode(request));
    };
    const std::string old = "old firmware";
    CHECK(plan(1000, {}, 0).verdict == protocol::PlanVerdict::would_accept);
    CHECK(plan(old.size(), sha256(as_bytes(old)), 0).verdict == protocol::PlanVerdict::already_current);
    CHECK(plan(0, {}, 0).verdict == protocol::PlanVerdict::would_refuse);
    CHECK(plan(UpdateBench::limit + 1, {}, 0).code == protocol::ReasonCode::image_too_large);
    const auto unknown = plan(1000, {}, protocol::parameter_no_downgrade, as_bytes("a plain image"));
    CHECK(unknown.code == protocol::ReasonCode::version_unknown);
    REQUIRE(bench.enter(lan_caller(7)) == ok);
    const auto locked = plan(1000, {}, 0);
    CHECK(locked.verdict == protocol::PlanVerdict::would_refuse);
    CHECK(as_text(locked.text.view).find("held by admin") != std::string::npos);
    CHECK(bench.state(caller) == UpdateState::idle);
}

TEST_CASE("targets are listed with what is installed")
{
    UpdateBench bench;
    bench.work();
    const auto first = bench.get<protocol::GetTargetInfoResponse>(lan_caller(1), Command::get_target_info, Bytes{0});
    CHECK(first.count == 2);
    CHECK(first.name.value == "bios");
    CHECK(first.flags.has(protocol::target_default | protocol::target_digest_known));
    CHECK(first.installed_sha256 == sha256(as_bytes("old firmware")));
    const auto second = bench.get<protocol::GetTargetInfoResponse>(lan_caller(1), Command::get_target_info, Bytes{1});
    CHECK(second.name.value == "cpld");
    CHECK_FALSE(second.flags.has(protocol::target_default));
    CHECK(bench.send(lan_caller(1), Command::get_target_info, Bytes{2}).response.completion_code ==
          CompletionCode::not_present);
}

TEST_CASE("after the restart the verdict says installed, or fell back")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    REQUIRE(bench.enter(caller) == ok);
    const auto transfer = begin(bench, caller, image);
    send_all(bench, caller, transfer.transfer, image);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    const auto before = verdict_of(bench, caller);
    REQUIRE(bench.code(caller, "28") == ok);
    bench.pass(std::chrono::seconds{3});
    protocol::UpdateResult expected = protocol::UpdateResult::programmed;
    SUBCASE("installed") {}
    SUBCASE("fell back")
    {
        REQUIRE(agent::write_file_atomically(bench.target_path(), "the old one again").has_value());
        expected = protocol::UpdateResult::fell_back;
    }
    bench.restart_agent(true);
    bench.work();
    const auto after = verdict_of(bench, lan_caller(2));
    CHECK(after.boot_id != before.boot_id);
    CHECK(after.instance_id != before.instance_id);
    CHECK(after.last_result == expected);
    CHECK_FALSE(after.flags.has(protocol::verdict_restart_pending));
}

TEST_CASE("the log outlives the agent, and an agent killed in mid-update says so")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    CHECK(bench.send(caller, Command::get_update_log, Bytes{0, 0, 0}).response.completion_code ==
          CompletionCode::not_present);
    REQUIRE(bench.enter(caller) == ok);
    (void)begin(bench, caller, image);
    bench.restart_agent();
    const auto entry = bench.get<protocol::GetUpdateLogResponse>(caller, Command::get_update_log, Bytes{0, 0, 0});
    CHECK(entry.count == 1);
    CHECK(entry.result == protocol::UpdateResult::failed);
    CHECK(entry.code == protocol::ReasonCode::agent_restarted);
    CHECK(entry.sha256 == sha256(image));
    CHECK(as_text(entry.text.view).starts_with("admin: "));
    CHECK(bench.send(caller, Command::get_update_log, Bytes{1, 0, 0}).response.completion_code ==
          CompletionCode::not_present);
}

TEST_CASE("long texts are read on from an offset on narrow channels")
{
    UpdateBench bench;
    agent::Caller narrow = host_caller();
    narrow.max_response = 40;
    REQUIRE(bench.enter(narrow) == ok);
    auto request = begin_request(make_image(10));
    request.size = UpdateBench::limit + 1;
    REQUIRE(bench.send(narrow, Command::begin_transfer, request).response.completion_code ==
            protocol::refused_by_policy);
    std::string text;
    std::uint16_t total = 1;
    while (text.size() < total)
    {
        Bytes data;
        codec::append(static_cast<std::uint16_t>(text.size()), data);
        const auto outcome = bench.send(narrow, Command::get_reason, data);
        CHECK(outcome.response.data.size() <= 40);
        const auto response = codec::decode_response<protocol::GetReasonResponse>(outcome.response.data);
        REQUIRE(response->text.view.size() > 0);
        total = response->text_length;
        text += as_text(response->text.view);
    }
    CHECK(text.find("at most 4194304") != std::string::npos);
}

namespace
{

/// Brings the session there, as its owner.
void bring_to(UpdateBench& bench, const agent::Caller& caller, UpdateState wanted)
{
    if (wanted != UpdateState::init)
    {
        REQUIRE(bench.enter(caller) == ok);
    }
    if (wanted == UpdateState::error)
    {
        REQUIRE(bench.code(caller, "2B 01 01") == ok); // a plain image is refused
    }
    if (wanted != UpdateState::init && wanted != UpdateState::idle)
    {
        REQUIRE(bench.code(caller, "29 01") == ok);
        REQUIRE(bench.code(caller, "2C 30 31") == ok);
    }
    if (wanted != UpdateState::init && wanted != UpdateState::idle && wanted != UpdateState::download)
    {
        REQUIRE(bench.code(caller, "29 02") == ok);
    }
    for (int slice = 0; bench.state(caller) != wanted && slice < 100; ++slice)
    {
        bench.session().work(bench.now);
    }
    REQUIRE(bench.state(caller) == wanted);
}

} // namespace

TEST_CASE("every command in every state is answered as the state table says")
{
    using protocol::Event;
    struct Row
    {
        std::string hex;
        std::vector<Event> events; ///< what it may mean; in a state that lists none of them it must be D5h
    };
    const std::vector<Row> commands = {{"29 01", {Event::start}},
                                       {"2C 00", {Event::write}},
                                       {"29 02", {Event::complete}},
                                       {"29 03", {Event::abort}},
                                       {"28", {Event::exit, Event::exit_restart}},
                                       {"2B 00 00", {Event::set_options}},
                                       {"43 00 00 00 00 FF FF", {Event::set_options}}};
    for (const UpdateState wanted : {UpdateState::init, UpdateState::idle, UpdateState::download, UpdateState::verify,
                                     UpdateState::program, UpdateState::ready, UpdateState::error})
    {
        for (const Row& row : commands)
        {
            UpdateBench bench;
            const agent::Caller caller = lan_caller(1);
            bring_to(bench, caller, wanted);
            CAPTURE(row.hex);
            CAPTURE(static_cast<unsigned>(wanted));
            const bool allowed = std::ranges::any_of(row.events, [&](Event event)
                                                     { return protocol::find_transition(wanted, event).has_value(); });
            CHECK((bench.code(caller, row.hex) == ok) == allowed);
            if (!allowed)
            {
                const bool exit_outside = row.hex == "28" && wanted == UpdateState::init; // as deployed BMCs say it
                CHECK(bench.code(caller, row.hex) == (exit_outside ? CompletionCode::invalid_data_field : wrong_state));
                CHECK(bench.state(caller) == wanted);
            }
        }
    }
}
