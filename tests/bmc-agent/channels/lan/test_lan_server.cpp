#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

using namespace lan_bench;
using ipmi::CompletionCode;
using ipmi::NetFn;
using rmcpplus::PayloadType;

namespace
{

/// The response inside a sessionless answer of the IPMI 2.0 format.
rmcpplus::LanResponse response_in(const Bytes& datagram)
{
    const auto response = rmcpplus::parse_lan_response(ConstBytes{datagram}.subspan(rmcpplus::payload_offset));
    REQUIRE(response.has_value());
    return *response;
}

Bytes close_data(std::uint32_t id)
{
    return {static_cast<std::uint8_t>(id), static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id >> 16),
            static_cast<std::uint8_t>(id >> 24)};
}

} // namespace

TEST_CASE("presence ping")
{
    Bench bench;
    const auto pong = bench.exchange(from_hex("0600ff06000011be802a0000").value());
    REQUIRE(pong.has_value());
    CHECK(to_hex(*pong) == "0600ff06000011be402a0010000011be000000008100000000000000");
}

TEST_CASE("the first question of every client, byte for byte")
{
    Bench bench;
    CHECK(to_hex(capabilities_request()) == "0600ff07000000000000000000092018c88100388e04b5");
    // Suites of IPMI 2.0 only, non-null user names only.
    CHECK(to_hex(*bench.exchange(capabilities_request())) == "0600ff070000000000000000001081"
                                                             "1c632000380001800402000000"
                                                             "0021");
}

TEST_CASE("outside of a session only what needs no privilege is served; everything is answered at once")
{
    Bench bench;
    const auto code = [&](NetFn net_fn, std::uint8_t command, const Bytes& data = {})
    { return response_in(bench.exchange(sessionless_request(net_fn, command, data)).value()).completion_code; };
    CHECK(code(NetFn::app, 0x54, {0x0E, 0x00, 0x80}) == CompletionCode::ok);
    CHECK(code(NetFn::app, 0x01) == CompletionCode::insufficient_privilege);
    CHECK(code(NetFn::app, 0x3C, {0, 0, 0, 0}) == CompletionCode::insufficient_privilege);
    CHECK(code(NetFn::firmware, 0x2C, {1}) == CompletionCode::insufficient_privilege);
    CHECK(code(NetFn::app, 0x39, {0, 0}) == CompletionCode::invalid_command); // IPMI 1.5: Get Session Challenge
    CHECK(code(NetFn::app, 0x3A) == CompletionCode::invalid_command);         // IPMI 1.5: Activate Session
    CHECK(code(NetFn{0x30}, 0x01) == CompletionCode::invalid_command);
    CHECK(bench.writes == 0);
}

TEST_CASE("no answer to an unauthenticated request has more than twice its bytes")
{
    Bench bench;
    CHECK(bench.exchange(sessionless_request(NetFn::firmware, 0x47, {15}))->size() == 39);
    CHECK_FALSE(bench.exchange(sessionless_request(NetFn::firmware, 0x47, {200})).has_value());
    CHECK(bench.server.dropped().amplifying == 1);
    // The handshake's own messages, with the shortest user name.
    for (const std::uint8_t suite : suites)
    {
        bench.users.push_back({"u", "x", ipmi::Privilege::administrator});
        Console console{bench, suite};
        console.user_name = "u";
        console.password = "x";
        const auto within = [&](const Bytes& request)
        {
            auto reply = bench.exchange(request);
            REQUIRE(reply.has_value());
            CHECK(reply->size() <= 2 * request.size());
            return reply;
        };
        REQUIRE(console.take_open_response(within(console.open_request())));
        REQUIRE(console.take_rakp2(within(console.rakp1())));
        REQUIRE(console.take_rakp4(within(console.rakp3())));
    }
    CHECK(bench.exchange(capabilities_request())->size() <= 2 * capabilities_request().size());
}

TEST_CASE("in a session every single-bit corruption, every truncation and every longer form is dropped in silence")
{
    for (const std::uint8_t suite : suites)
    {
        Bench bench;
        Console console{bench, suite};
        REQUIRE(console.open_as_administrator());
        const Bytes good = console.request(NetFn::firmware, 0x2C, {1, 2, 3});
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit)
        {
            CAPTURE(bit);
            if (bit / 8 == 1) // reserved in RMCP, covered by nothing, ignored
            {
                continue;
            }
            Bytes bad = good;
            bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
            CHECK_FALSE(bench.exchange(bad).has_value());
        }
        for (std::size_t size = 0; size < good.size(); ++size)
        {
            CHECK_FALSE(bench.exchange(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
        }
        Bytes longer = good;
        longer.push_back(0);
        CHECK_FALSE(bench.exchange(longer).has_value());
        CHECK(bench.writes == 0);
        CHECK(console.read(bench.exchange(good)).has_value()); // nothing of it spoilt the session
        CHECK(bench.writes == 1);
    }
}

TEST_CASE("in a session nothing unprotected is served: no plaintext, no authentication alone, no old format")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    const auto set_id = [&](Bytes datagram)
    {
        rmcpplus::store_u32(console.bmc_id, MutableBytes{datagram}.subspan(6, 4));
        return datagram;
    };
    CHECK_FALSE(bench.exchange(set_id(sessionless_request(NetFn::app, 0x01, {}))).has_value());
    Bytes unencrypted = console.request(NetFn::app, 0x01);
    unencrypted[5] = 0x40;
    CHECK_FALSE(bench.exchange(unencrypted).has_value());
    Bytes unauthenticated = console.request(NetFn::app, 0x01);
    unauthenticated[5] = 0x80;
    CHECK_FALSE(bench.exchange(unauthenticated).has_value());
    Bytes old_format = capabilities_request();
    rmcpplus::store_u32(console.bmc_id, MutableBytes{old_format}.subspan(9, 4));
    CHECK_FALSE(bench.exchange(old_format).has_value());
    // Session 0 with the flags of a session, or with a number.
    Bytes flagged = sessionless_request(NetFn::app, 0x54, {0x0E, 0, 0x80});
    flagged[10] = 1;
    CHECK_FALSE(bench.exchange(flagged).has_value());
    CHECK(bench.callers.empty());
}

TEST_CASE("payloads other than IPMI messages are not served in a session")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    Bytes other = console.request(NetFn::app, 0x01);
    other[5] = 0xC1; // serial over LAN; the code no longer fits
    CHECK_FALSE(bench.exchange(other).has_value());
    CHECK_FALSE(bench.exchange(rmcpplus::build_sessionless(PayloadType{0x20}, Bytes(20))).has_value());
    CHECK_FALSE(bench.exchange(rmcpplus::build_sessionless(PayloadType::rakp_message_2, Bytes(40))).has_value());
}

TEST_CASE("a replayed capture gets no answer and does nothing")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    const Bytes captured = console.request(NetFn::firmware, 0x2C, {1});
    CHECK(bench.exchange(captured).has_value());
    CHECK(console.ask(NetFn::app, 0x01).has_value());
    CHECK_FALSE(bench.exchange(captured).has_value());
    CHECK_FALSE(bench.exchange(captured, endpoint(66)).has_value());
    CHECK(bench.writes == 1);
    CHECK(bench.server.dropped().replayed == 2);
}

TEST_CASE("packets may be lost, overtake each other, and jump far ahead")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    const Bytes late = console.request(NetFn::app, 0x01);
    console.sequence += 100; // a hundred lost
    CHECK(console.ask(NetFn::app, 0x01).has_value());
    CHECK(console.read(bench.exchange(late)).has_value());
    console.sequence += 100'000;
    CHECK(console.ask(NetFn::app, 0x01).has_value());
}

TEST_CASE("a session follows its peer to another address, but only for an authentic, fresh packet")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    Bytes forged = console.request(NetFn::app, 0x01);
    const Bytes good = forged;
    forged.back() ^= 1;
    CHECK_FALSE(bench.exchange(forged, endpoint(66)).has_value());
    CHECK(bench.server.sessions().find(console.bmc_id)->peer == endpoint(1).peer);
    CHECK(bench.exchange(good, endpoint(2, 40'000)).has_value());
    CHECK(bench.server.sessions().find(console.bmc_id)->peer == endpoint(2, 40'000).peer);
    CHECK_FALSE(bench.exchange(good, endpoint(66)).has_value()); // a replay from elsewhere
    CHECK(bench.server.sessions().find(console.bmc_id)->peer == endpoint(2, 40'000).peer);
    console.from_ = endpoint(2, 40'000);
    CHECK(console.ask(NetFn::app, 0x01).has_value());
}

TEST_CASE("the answers' session sequence numbers rise by one")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    for (std::uint32_t expected = 1; expected <= 70; ++expected)
    {
        const auto answer = console.ask(NetFn::app, 0x01);
        REQUIRE(answer.has_value());
        CHECK(answer->session_sequence == expected);
        CHECK(answer->requester_sequence == console.requester_sequence);
    }
}

TEST_CASE("the caller is told what fits the way back: less over IPv6")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    REQUIRE(console.ask(NetFn::app, 0x01).has_value());
    CHECK(bench.callers.back().max_message == 1400);
    CHECK(bench.callers.back().max_response == 900);
    CHECK(bench.callers.back().kind == ChannelKind::lan);
    CHECK(bench.callers.back().channel == 1);
    console.from_ = endpoint_ipv6();
    REQUIRE(console.ask(NetFn::app, 0x01).has_value());
    CHECK(bench.callers.back().max_message == 1384);
}

TEST_CASE("privilege: user level at first, raised on request, never beyond the role")
{
    Bench bench;
    Console console{bench};
    console.role = 0x13;
    REQUIRE(console.open());
    CHECK(console.ask(NetFn::firmware, 0x2C, {1})->code == CompletionCode::insufficient_privilege);
    CHECK(console.ask(NetFn::app, 0x3B, {4})->code == CompletionCode{0x81});
    CHECK(console.ask(NetFn::app, 0x3B, {3})->data == Bytes{3});
    CHECK(console.ask(NetFn::firmware, 0x2C, {1})->code == CompletionCode::insufficient_privilege);
    CHECK(bench.writes == 0);
    Console low{bench};
    low.role = 0x11; // callback: less than user
    REQUIRE(low.open());
    CHECK(low.ask(NetFn::app, 0x01)->code == CompletionCode::insufficient_privilege);
}

TEST_CASE("unknown commands, other LUNs and other addresses are answered at once")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    CHECK(console.ask(NetFn::app, 0x99)->code == CompletionCode::invalid_command);
    CHECK(console.ask(NetFn{0x3E}, 0x01)->code == CompletionCode::invalid_command);
}

TEST_CASE("silence is silence, and a response that clients cannot take is refused")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    CHECK_FALSE(console.ask(NetFn::firmware, 0x45, {0}).has_value());
    CHECK(console.ask(NetFn::firmware, 0x45, {1})->code == CompletionCode::ok);
    CHECK(bench.fragments == 2);
    CHECK(console.ask(NetFn::firmware, 0x46)->code == CompletionCode::cannot_return_number_of_bytes);
    CHECK(bench.log.has("longer than clients can take"));
}

TEST_CASE("a base write of 51,200 bytes and a fragment of 1400 pass")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    CHECK(console.ask(NetFn::firmware, 0x2C, Bytes(51'200, 0xAB))->code == CompletionCode::ok);
    CHECK(console.ask(NetFn::firmware, 0x2C, Bytes(1'400, 0xAB))->code == CompletionCode::ok);
    CHECK(bench.writes == 2);
}

TEST_CASE("a closed session: its end is told after the answer, a repeated Close Session is answered, nothing else")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open_as_administrator());
    const std::uint32_t id = console.bmc_id;
    REQUIRE(console.ask(NetFn::firmware, 0x28)->code == CompletionCode::ok);
    const Bytes repeat_exit = console.request_again(NetFn::firmware, 0x28);
    CHECK(console.ask(NetFn::app, 0x3C, close_data(id))->code == CompletionCode::ok);
    REQUIRE(bench.observer.events.size() == 1);
    CHECK(bench.observer.events[0].session == id);
    CHECK(bench.observer.events[0].channel == 1);
    CHECK(bench.observer.events[0].why == CloseReason::by_request);
    CHECK(bench.observer.events[0].packets_before == 1);
    CHECK_FALSE(bench.server.session_alive(id));

    CHECK(console.ask_again(NetFn::app, 0x3C, close_data(id))->code == CompletionCode::ok);
    CHECK_FALSE(console.ask(NetFn::app, 0x3C, close_data(id)).has_value()); // another one
    CHECK_FALSE(console.ask(NetFn::app, 0x01).has_value());
    CHECK_FALSE(bench.exchange(repeat_exit).has_value());
    CHECK_FALSE(console.ask(NetFn::app, 0x38, {0x0E, 4}).has_value());
    CHECK(bench.observer.events.size() == 1);
    CHECK(bench.writes == 1);

    bench.now += 15s;
    bench.server.on_timer(bench.now);
    CHECK(bench.server.sessions().find(id) == nullptr);
    CHECK_FALSE(bench.server.next_deadline().has_value()); // nothing is waited for
}

TEST_CASE("an idle session is closed after its time and every authentic packet puts that off")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    bench.now += 59s;
    CHECK(console.ask(NetFn::app, 0x01).has_value());
    bench.now += 59s;
    Bytes forged = console.request(NetFn::app, 0x01);
    forged.back() ^= 1;
    CHECK_FALSE(bench.exchange(forged).has_value()); // does not count
    bench.server.on_timer(bench.now);
    CHECK(bench.server.session_alive(console.bmc_id));
    CHECK(bench.observer.events.empty());
    bench.now += 1s;
    bench.server.on_timer(bench.now);
    CHECK_FALSE(bench.server.session_alive(console.bmc_id));
    REQUIRE(bench.observer.events.size() == 1);
    CHECK(bench.observer.events[0].why == CloseReason::idle);
    CHECK_FALSE(console.ask(NetFn::app, 0x01).has_value());
}

TEST_CASE("what was dropped is told in one line, after a while")
{
    Bench bench;
    for (int count = 0; count < 100; ++count)
    {
        CHECK(bench.send(Bytes{1, 2, 3}).empty());
    }
    CHECK(bench.log.lines.empty());
    REQUIRE(bench.server.next_deadline() == bench.now + 10s);
    bench.now += 10s;
    bench.server.on_timer(bench.now);
    CHECK(bench.log.lines.size() == 1);
    CHECK(bench.log.has("malformed=\"100\""));
    CHECK_FALSE(bench.server.next_deadline().has_value());
}
