// The base profile through its bytes, as stock clients send them.
#include "common/sha256.hpp"
#include "tests/bmc-agent/update/update_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::test;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::UpdateState;

namespace
{

constexpr auto ok = CompletionCode::ok;
constexpr auto wrong_state = CompletionCode::not_supported_in_present_state;
constexpr auto invalid = CompletionCode::invalid_data_field;
constexpr auto length = CompletionCode::data_length_invalid;

const std::string image = "0123456789";

Bytes options_with(const Sha256& digest)
{
    Bytes request{0x07, 0x04};
    request.insert(request.end(), digest.begin(), digest.end());
    return request;
}

/// From init to programmed and ready.
void update_until_ready(UpdateBench& bench, const agent::Caller& caller)
{
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.send(caller, Command::set_update_options, options_with(sha256(as_bytes(image))))
                .response.completion_code == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 30 31 32 33 34") == ok);
    REQUIRE(bench.code(caller, "2C 35 36 37 38 39") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
}

} // namespace

TEST_CASE("a whole update in the base profile, one session per command, ends with the image installed")
{
    UpdateBench bench;
    std::uint32_t session = 100;
    const auto one_shot = [&](std::string_view hex)
    {
        const agent::Caller caller = lan_caller(++session);
        const CompletionCode code = bench.code(caller, hex);
        bench.session().session_closed(1, session, bench.now);
        bench.pass(std::chrono::milliseconds{1});
        return code;
    };
    const auto number = bench.get<protocol::GetRandomNumberResponse>(lan_caller(1), Command::get_random_number);
    bench.session().session_closed(1, 1, bench.now);
    REQUIRE(one_shot("27" + to_hex(number.challenge)) == ok);
    CHECK(bench.state(lan_caller(++session)) == UpdateState::idle);
    CHECK(one_shot("2B 07 04" + to_hex(sha256(as_bytes(image)))) == ok);
    CHECK(one_shot("29 01") == ok);
    CHECK(bench.state(lan_caller(++session)) == UpdateState::download);
    CHECK(one_shot("2C 30 31 32 33 34") == ok);
    CHECK(one_shot("2C 35 36 37 38 39") == ok);
    CHECK(one_shot("29 02") == ok);
    CHECK(bench.state(lan_caller(++session)) == UpdateState::verify);
    bench.work();
    const auto status = bench.get<protocol::GetUpdateStatusResponse>(lan_caller(++session), Command::get_update_status);
    CHECK(status.state == UpdateState::ready);
    CHECK(status.percent == 100);
    CHECK(status.integrity == protocol::IntegrityCheck::good);
    CHECK(bench.installed() == image);
    CHECK(bench.runner.ran.empty());
    CHECK(one_shot("28") == ok);
    CHECK(bench.runner.ran == std::vector<std::string>{"restart-bios"});
    CHECK(bench.state(lan_caller(++session)) == UpdateState::init);
}

TEST_CASE("refusals, byte for byte")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    CHECK(bench.code(caller, "28") == invalid);
    CHECK(bench.code(caller, "29 01") == wrong_state);
    CHECK(bench.code(caller, "2C 00") == wrong_state);
    CHECK(bench.code(caller, "2B 07 00") == wrong_state);
    CHECK(bench.code(caller, "27 00 00 00 00 00 00 00 00") == invalid);
    CHECK(bench.code(caller, "27 00") == length);
    REQUIRE(bench.enter(caller) == ok);
    CHECK(bench.code(caller, "27 00 00 00 00 00 00 00 00") == CompletionCode::node_busy);
    CHECK(bench.code(caller, "29 02") == wrong_state);
    CHECK(bench.code(caller, "2C 00") == wrong_state);
    CHECK(bench.code(caller, "29 01 02 61 62") == invalid);
    CHECK(bench.code(caller, "29 04") == invalid);
    CHECK(bench.code(caller, "29 07") == invalid);
    CHECK(bench.code(caller, "29") == length);
    CHECK(bench.code(caller, "2B 08 00") == invalid);
    CHECK(bench.code(caller, "2B 04 04") == invalid);
    CHECK(bench.code(caller, "2B 00 00" + to_hex(Sha256{})) == invalid);
    REQUIRE(bench.code(caller, "29 01") == ok);
    CHECK(bench.code(caller, "29 02") == wrong_state); // nothing staged
    CHECK(bench.code(caller, "2C") == length);
    CHECK(bench.code(caller, "29 06") == invalid);
    CHECK(bench.code(caller, "29 05") == protocol::usb_failure);
    CHECK(bench.code(caller, "29 04 05 66 69 6C 65 3A 2F 2F") == length);
    CHECK(bench.code(caller, "29 04 07 66 69 6C 65 3A 2F 2F") == invalid);
    CHECK(bench.code(caller, "2A 00") == length);
    CHECK(bench.code(caller, "20") == CompletionCode::invalid_command);
    CHECK(bench.code(caller, "25 00") == CompletionCode::invalid_command);
    CHECK(bench.state(caller) == UpdateState::download);
}

TEST_CASE("channel info says what one write may carry, and more is refused")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const auto info = bench.send(caller, Command::get_update_channel_info);
    CHECK(to_hex(info.response.data) == "0201f00000000300c80000");
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    CHECK(bench.send(caller, Command::write_image_data, Bytes(51'200)).response.completion_code == ok);
    CHECK(bench.send(caller, Command::write_image_data, Bytes(51'201)).response.completion_code ==
          CompletionCode::data_length_exceeded);
}

TEST_CASE("a number is good once, for 30 seconds, for its user and channel")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    const auto number = bench.get<protocol::GetRandomNumberResponse>(caller, Command::get_random_number);
    const std::string enter = "27" + to_hex(number.challenge);
    SUBCASE("another session of the same user")
    {
        CHECK(bench.code(lan_caller(2), enter) == ok);
        CHECK(bench.code(lan_caller(2), "28") == ok);
        CHECK(bench.code(lan_caller(2), enter) == invalid);
    }
    SUBCASE("another user")
    {
        CHECK(bench.code(lan_caller(2, "eve"), enter) == invalid);
    }
    SUBCASE("another channel")
    {
        CHECK(bench.code(host_caller(), enter) == invalid);
    }
    SUBCASE("too late")
    {
        bench.now += std::chrono::seconds{30};
        CHECK(bench.code(caller, enter) == invalid);
    }
    SUBCASE("a wrong try spends it")
    {
        CHECK(bench.code(caller, "27 FF FF FF FF FF FF FF FF") == invalid);
        CHECK(bench.code(caller, enter) == invalid);
    }
}

TEST_CASE("while the owner's session lives others are refused; once it is gone only the same user goes on")
{
    UpdateBench bench;
    REQUIRE(bench.enter(lan_caller(1)) == ok);
    CHECK(bench.code(lan_caller(2), "29 01") == wrong_state);
    CHECK(bench.code(lan_caller(2, "eve"), "29 01") == wrong_state);
    CHECK(bench.code(lan_caller(2), "28") == wrong_state);
    CHECK(bench.state(lan_caller(2, "eve")) == UpdateState::idle); // queries are free
    bench.session().session_closed(1, 1, bench.now);
    CHECK(bench.code(lan_caller(3, "eve"), "29 01") == wrong_state);
    CHECK(bench.code(lan_caller(2), "29 01") == ok);
    CHECK(bench.code(lan_caller(4), "29 01") == wrong_state); // session 2 lives
}

TEST_CASE("a digest mismatch is told honestly and touches nothing")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.send(caller, Command::set_update_options, options_with(Sha256{})).response.completion_code == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 30") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    const auto status = bench.get<protocol::GetUpdateStatusResponse>(caller, Command::get_update_status);
    CHECK(status.state == UpdateState::error);
    CHECK(status.integrity == protocol::IntegrityCheck::failed);
    CHECK(bench.installed() == "old firmware");
    CHECK(bench.reason(caller).find("SHA-256") != std::string::npos);
    CHECK(bench.code(caller, "29 01") == ok); // the next try starts from error
}

TEST_CASE("options and flags do not survive into the next update")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    update_until_ready(bench, caller);
    REQUIRE(bench.code(caller, "28") == ok);
    bench.pass(agent::UpdateSession::restart_delay);
    REQUIRE(bench.enter(caller) == ok);
    CHECK(to_hex(bench.send(caller, Command::update_control, Bytes{0}).response.data) == "00");
    CHECK(to_hex(bench.send(caller, Command::set_update_options, Bytes{0, 0}).response.data) == "00");
}

TEST_CASE("without a digest check the integrity byte stays at not requested")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 30") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(to_hex(bench.send(caller, Command::get_update_status).response.data) == "056400");
    CHECK(bench.session().history().entries().front().sha256 == sha256(as_bytes("0")));
}

TEST_CASE("no-downgrade is enforced, not stored: a plain image has no version")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "2B 01 01") == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 30") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    CHECK(bench.state(caller) == UpdateState::error);
    CHECK(bench.installed() == "old firmware");
}

TEST_CASE("exit restarts only from ready, only undeferred, after Close Session or two seconds")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    SUBCASE("from idle nothing restarts")
    {
        REQUIRE(bench.enter(caller) == ok);
        CHECK(bench.code(caller, "28") == ok);
        bench.pass(std::chrono::minutes{1});
        CHECK(bench.runner.ran.empty());
    }
    SUBCASE("from error nothing restarts")
    {
        REQUIRE(bench.enter(caller) == ok);
        REQUIRE(bench.code(caller, "2B 01 01") == ok);
        REQUIRE(bench.code(caller, "29 01") == ok);
        REQUIRE(bench.code(caller, "2C 30") == ok);
        REQUIRE(bench.code(caller, "29 02") == ok);
        bench.work();
        REQUIRE(bench.state(caller) == UpdateState::error);
        CHECK(bench.code(caller, "28") == ok);
        bench.pass(std::chrono::minutes{1});
        CHECK(bench.runner.ran.empty());
    }
    SUBCASE("the session closes")
    {
        update_until_ready(bench, caller);
        CHECK(bench.code(caller, "28") == ok);
        CHECK(bench.runner.ran.empty());
        bench.session().session_closed(1, 99, bench.now);
        bench.pass(std::chrono::milliseconds{1});
        CHECK(bench.runner.ran.empty());
        bench.session().session_closed(1, 1, bench.now);
        CHECK(bench.runner.ran.empty());
        bench.pass(std::chrono::milliseconds{1});
        CHECK(bench.runner.ran.size() == 1);
        bench.pass(std::chrono::minutes{1});
        CHECK(bench.runner.ran.size() == 1);
    }
    SUBCASE("two seconds")
    {
        update_until_ready(bench, caller);
        CHECK(bench.code(caller, "28") == ok);
        bench.pass(std::chrono::milliseconds{1900});
        CHECK(bench.runner.ran.empty());
        bench.pass(std::chrono::milliseconds{200});
        CHECK(bench.runner.ran.size() == 1);
    }
    SUBCASE("deferred")
    {
        update_until_ready(bench, caller);
        // options are closed after complete: the wish must have come before
        CHECK(bench.code(caller, "2B 02 02") == wrong_state);
        CHECK(bench.code(caller, "28") == ok);
    }
}

TEST_CASE("a deferred update restarts nothing, stays pending, and the next enter does not discard it")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "2B 02 02") == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 30") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    bench.work();
    REQUIRE(bench.code(caller, "28") == ok);
    bench.session().session_closed(1, 1, bench.now);
    bench.pass(std::chrono::minutes{1});
    CHECK(bench.runner.ran.empty());
    const auto pending = [&]
    {
        return bench.get<protocol::GetUpdateSessionResponse>(lan_caller(2), Command::get_update_session)
            .flags.has(protocol::session_restart_pending);
    };
    CHECK(pending());
    REQUIRE(bench.enter(lan_caller(2)) == ok);
    CHECK(pending());
    REQUIRE(bench.code(lan_caller(2), "28") == ok);
    bench.restart_agent();
    CHECK(pending());
    bench.restart_agent(true);
    bench.work();
    CHECK_FALSE(pending());
}

TEST_CASE("a target of the host ends in 83h, one that restarts nothing in ready and no restart")
{
    SUBCASE("host")
    {
        UpdateBench bench{protocol::Restart::host};
        update_until_ready(bench, lan_caller(1));
        CHECK(bench.state(lan_caller(1)) == UpdateState::host_restart_required);
        CHECK(bench.code(lan_caller(1), "28") == ok);
        bench.pass(std::chrono::seconds{3});
        CHECK(bench.runner.ran.size() == 1);
    }
    SUBCASE("nothing")
    {
        UpdateBench bench{protocol::Restart::nothing};
        update_until_ready(bench, lan_caller(1));
        CHECK(bench.state(lan_caller(1)) == UpdateState::ready);
        CHECK(bench.code(lan_caller(1), "28") == ok);
        bench.pass(std::chrono::seconds{3});
        CHECK(bench.runner.ran.empty());
    }
}

TEST_CASE("programming can't be left, aborted or interrupted by the lease")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 30") == ok);
    REQUIRE(bench.code(caller, "29 02") == ok);
    while (bench.state(caller) != UpdateState::program)
    {
        bench.session().work(bench.now);
    }
    CHECK(bench.code(caller, "28") == wrong_state);
    CHECK(bench.code(caller, "29 03") == wrong_state);
    CHECK(bench.code(caller, "29 01") == wrong_state);
    CHECK(bench.code(caller, "2C 00") == wrong_state);
    bench.pass(std::chrono::hours{1});
    CHECK(bench.state(caller) == UpdateState::program);
    bench.work();
    CHECK(bench.state(caller) == UpdateState::ready);
}

TEST_CASE("the base lease is 300 seconds from the owner's last word, and its end restarts nothing")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    bench.pass(std::chrono::seconds{299});
    CHECK(bench.state(lan_caller(2, "eve")) == UpdateState::idle); // does not renew
    CHECK(bench.state(caller) == UpdateState::idle);               // renews
    bench.pass(std::chrono::seconds{299});
    CHECK(bench.state(lan_caller(2, "eve")) == UpdateState::idle);
    bench.pass(std::chrono::seconds{2});
    CHECK(bench.state(caller) == UpdateState::init);
    update_until_ready(bench, caller);
    bench.pass(std::chrono::seconds{301});
    CHECK(bench.state(caller) == UpdateState::init);
    CHECK(bench.runner.ran.empty());
}

TEST_CASE("more bytes than the BMC takes end in error with a reason")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    const Bytes chunk(51'200);
    CompletionCode code = ok;
    for (int count = 0; code == ok && count < 1000; ++count)
    {
        code = bench.send(caller, Command::write_image_data, chunk).response.completion_code;
    }
    CHECK(code == invalid);
    CHECK(bench.state(caller) == UpdateState::error);
    CHECK(bench.reason(caller).find("at most 4194304") != std::string::npos);
}

TEST_CASE("abort leaves the mode entered and nothing staged")
{
    UpdateBench bench;
    const agent::Caller caller = lan_caller(1);
    REQUIRE(bench.enter(caller) == ok);
    REQUIRE(bench.code(caller, "29 01") == ok);
    REQUIRE(bench.code(caller, "2C 30") == ok);
    const auto flags = bench.send(caller, Command::update_control, Bytes{3});
    CHECK(flags.response.completion_code == ok);
    CHECK(to_hex(flags.response.data) == "04");
    CHECK(bench.state(caller) == UpdateState::idle);
    CHECK_FALSE(std::filesystem::exists(bench.directory.path() / "staging" / "image"));
    CHECK(bench.code(caller, "29 01") == ok);
    CHECK(bench.code(caller, "29 02") == wrong_state);
}
