// What one attempt leaves behind - a refusal, an abort, a kill, a restart that is due - never reaches the next one.
#include "tests/bmc-agent/update/transfer_steps.hpp"

using namespace fwupdate;
using namespace fwupdate::test;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::UpdateResult;
using protocol::UpdateState;

namespace
{

constexpr auto ok = CompletionCode::ok;

CompletionCode begin_code(UpdateBench& bench, const agent::Caller& caller, const Bytes& image, std::uint8_t target,
                          std::uint64_t size)
{
    auto request = begin_request(image);
    request.target = target;
    request.size = size;
    return bench.send(caller, Command::begin_transfer, request).response.completion_code;
}

/// A whole update of the default target by the base profile.
void install(UpdateBench& bench, const agent::Caller& caller)
{
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 6E 65 77") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    REQUIRE(protocol::checks::is_ready(bench.state(caller)));
}

const agent::HistoryEntry& logged(UpdateBench& bench, std::size_t index = 0)
{
    return bench.session().history().entries().at(index);
}

} // namespace

TEST_CASE("a named image must match its name, whatever 2Bh says afterwards")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    const Bytes other = make_image(999);
    REQUIRE(bench.enter(caller) == ok);
    const auto transfer = begin(bench, caller, image);
    CHECK(bench.code(caller, "2B 04 00") == CompletionCode::invalid_data_field);
    CHECK(bench.code(caller, "2B 04 04" + to_hex(sha256(other))) == CompletionCode::invalid_data_field);
    CHECK(bench.code(caller, "2B 04 04" + to_hex(sha256(image))) == ok);
    CHECK(bench.code(caller, "2B 02 02") == ok);
    Bytes wrong = image;
    wrong[500] ^= 1;
    send_all(bench, caller, transfer.transfer, wrong);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(bench.state(caller) == UpdateState::error);
    CHECK(bench.installed() == "old firmware");
}

TEST_CASE("the target and digest of a refused or aborted transfer are forgotten")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    REQUIRE(bench.enter(caller) == ok);
    SUBCASE("refused")
    {
        CHECK(begin_code(bench, caller, image, 2, UpdateBench::limit + 1) == protocol::refused_by_policy);
    }
    SUBCASE("aborted")
    {
        CHECK(begin_code(bench, caller, image, 2, image.size()) == ok);
        CHECK(bench.code(caller, "29 03") == ok);
    }
    SUBCASE("replaced")
    {
        CHECK(begin_code(bench, caller, image, 2, image.size()) == ok);
    }
    CHECK(to_hex(bench.send(caller, Command::set_update_options, Bytes{0, 0}).response.data) ==
          (bench.state(caller) == UpdateState::idle ? "00" : "04"));
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 6E 65 77") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(bench.state(caller) == UpdateState::ready);
    CHECK(bench.installed() == "new");
    CHECK_FALSE(std::filesystem::exists(bench.directory.path() / "cpld.bin"));
}

TEST_CASE("the choice of 43h holds for the next transfers")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "43 00 00 00 00 FF 02") == ok);
    CHECK(begin_code(bench, caller, image, 1, image.size()) == ok);
    CHECK(bench.code(caller, "29 03") == ok);
    CHECK(begin(bench, caller, image).target == 2);
}

TEST_CASE("nobody enters while a restart is due")
{
    UpdateBench bench;
    install(bench, lan_caller(1));
    REQUIRE(bench.code(lan_caller(1), "28") == ok);
    CHECK(bench.enter(lan_caller(2, "other")) == CompletionCode::node_busy);
    CHECK(bench.runner.ran.empty());
    bench.pass(agent::UpdateSession::restart_delay);
    CHECK(bench.runner.ran == std::vector<std::string>{"restart-bios"});
    CHECK(bench.enter(lan_caller(2, "other")) == ok);
}

TEST_CASE("an agent killed behind the last step of programming finds out that it was the last one")
{
    UpdateBench bench{protocol::Restart::bmc};
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 6E 65 77") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    while (bench.state(caller) != UpdateState::program)
    {
        bench.session().work(bench.now);
    }
    const std::filesystem::path log = bench.directory.path() / "history.json";
    const std::string before = *agent::read_file(log, 1 << 20);
    bool rebooted = false;
    SUBCASE("in place, the same boot: its restart is still to come")
    {
        bench.work();
        REQUIRE(bench.installed() == "new");
    }
    SUBCASE("in place, and booted meanwhile")
    {
        bench.work();
        rebooted = true;
    }
    SUBCASE("not in place: failed") {}
    const bool in_place = bench.installed() == "new";
    std::ofstream{log} << before; // what the disk had
    bench.restart_agent(rebooted);
    bench.work();
    CHECK(logged(bench).result == (in_place ? UpdateResult::programmed : UpdateResult::failed));
    CHECK(bench.session().history().restart_pending("bios") == (in_place && !rebooted));
    CHECK(logged(bench).text.starts_with(in_place ? "programmed" : "the agent stopped"));
}

TEST_CASE("a restart that failed is not taken for one that happened")
{
    UpdateBench bench;
    bench.runner.result = {false, "", "exit status 3"};
    install(bench, lan_caller(1));
    REQUIRE(bench.code(lan_caller(1), "28") == ok);
    bench.pass(agent::UpdateSession::restart_delay);
    CHECK(logged(bench).text.find("restart of bios failed: exit status 3") != std::string::npos);
    bench.restart_agent();
    bench.work();
    CHECK(bench.session().history().restart_pending("bios"));
    bench.restart_agent(true);
    bench.work();
    CHECK_FALSE(bench.session().history().restart_pending("bios"));
    CHECK(logged(bench).text == "programmed, restarted, and installed");
}

TEST_CASE("a pending restart stays on record behind any number of attempts, and is judged in the end")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    install(bench, caller);
    REQUIRE(bench.code(caller, "2B 02 02") != ok); // too late
    bench.session().session_closed(1, 1, bench.now);
    bench.pass(std::chrono::seconds{301}); // the lease ends: pending
    const agent::Caller later = lan_caller(2);
    REQUIRE(bench.enter(later) == ok);
    for (int attempt = 0; attempt < 30; ++attempt)
    {
        REQUIRE(bench.code(later, "29 01") == ok);
        REQUIRE(bench.code(later, "29 03") == ok);
    }
    CHECK(bench.session().history().restart_pending("bios"));
    CHECK(verdict_of(bench, later).flags.has(protocol::verdict_restart_pending));
    CHECK(bench.session().history().entries().size() == agent::History::most_entries);
    bench.restart_agent(true);
    bench.work();
    CHECK_FALSE(bench.session().history().restart_pending());
    CHECK(bench.session().history().entries().back().text == "programmed, restarted, and installed");
}

TEST_CASE("no log entry stays in progress behind a newer transfer")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(1000);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    SUBCASE("another start")
    {
        REQUIRE(bench.code(caller, "29 01") == ok);
        CHECK(logged(bench, 1).result == UpdateResult::released);
    }
    SUBCASE("a start that is refused")
    {
        CHECK(begin_code(bench, caller, image, 1, UpdateBench::limit + 1) == protocol::refused_by_policy);
        CHECK(logged(bench).result == UpdateResult::released);
    }
    SUBCASE("taken over, with what is staged dropped")
    {
        const agent::Caller other = lan_caller(2, "other");
        const auto number = bench.get<protocol::GetRandomNumberResponse>(other, Command::get_random_number);
        const protocol::TakeOverRequest request{number.challenge, {protocol::take_over_discard}};
        REQUIRE(bench.send(other, Command::take_over, request).response.completion_code == ok);
        CHECK(logged(bench).result == UpdateResult::released);
        CHECK(bench.session().flags() == protocol::flag_aborted);
    }
}

TEST_CASE("a staged block that the disk damaged can be sent again within the transfer")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const Bytes image = make_image(5 * protocol::block_size);
    REQUIRE(bench.enter(caller) == ok);
    send_all(bench, caller, begin(bench, caller, image).transfer, image);
    bench.restart_agent();
    {
        std::fstream file{bench.directory.path() / "staging" / "image", std::ios::in | std::ios::out};
        file.seekp(2 * protocol::block_size + 7);
        file.put(static_cast<char>(~image[2 * protocol::block_size + 7]));
    }
    REQUIRE(bench.enter(caller) == ok);
    const auto transfer = begin(bench, caller, image);
    CHECK(transfer.blocks_present == 5);
    bench.work(); // reads what is staged, and finds it
    CHECK(bench.code(caller, "29 02") == protocol::transfer_incomplete);
    REQUIRE(send_block(bench, caller, transfer.transfer, image, 2) == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(bench.state(caller) == UpdateState::ready);
    CHECK(bench.installed() == as_text(image));
}

TEST_CASE("what debug has kept makes room for the next transfer")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "43 08 00 08 00 FF FF") == ok);
    const Bytes image = make_image(1000);
    send_all(bench, caller, begin(bench, caller, image).transfer, image);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    const std::filesystem::path kept = bench.directory.path() / "staging" / "debug-image";
    CHECK(std::filesystem::exists(kept));
    bench.session().session_closed(1, 1, bench.now);
    bench.pass(std::chrono::seconds{61});
    CHECK(std::filesystem::exists(kept));
    REQUIRE(bench.enter(lan_caller(2)) == ok);
    REQUIRE(bench.code(lan_caller(2), "29 01") == ok);
    CHECK_FALSE(std::filesystem::exists(kept));
}
