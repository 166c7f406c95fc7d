#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

using namespace lan_bench;

namespace
{

/// 10,000 Open Session requests within ten seconds while a session works on.
void flood(Bench& bench, Console& working, const std::function<Endpoint(unsigned)>& from)
{
    std::size_t bytes_in = 0;
    std::size_t bytes_out = 0;
    for (unsigned count = 0; count < 10'000; ++count)
    {
        bench.now += 1ms;
        Console attacker{bench};
        attacker.console_id = count;
        const Bytes request = attacker.open_request();
        bytes_in += request.size();
        for (const Outgoing& reply : bench.send(request, from(count)))
        {
            bytes_out += reply.bytes.size();
        }
        if (count % 100 == 0)
        {
            const auto answer = working.ask(ipmi::NetFn::firmware, 0x2C, {static_cast<std::uint8_t>(count)});
            REQUIRE(answer.has_value());
            CHECK(answer->code == ipmi::CompletionCode::ok);
        }
    }
    CHECK(bytes_out <= 2 * bytes_in);
    CHECK(bench.writes == 100);
    CHECK(bench.server.sessions().active() == 1);
}

} // namespace

TEST_CASE("a flood of openings from one address: the session works on, others can open theirs")
{
    Bench bench;
    Console working{bench};
    REQUIRE(working.open_as_administrator());
    flood(bench, working, [](unsigned) { return endpoint(66); });
    CHECK(bench.server.dropped().rate_limited > 7'000);
    Console other{bench, 17, endpoint(3)};
    CHECK(other.open());
}

TEST_CASE("a flood of openings from forged addresses: the session works on, and an opening still gets through")
{
    Bench bench;
    Console working{bench};
    REQUIRE(working.open_as_administrator());
    flood(bench, working,
          [](unsigned count)
          {
              Endpoint from = endpoint(static_cast<std::uint8_t>(count));
              from.peer.address[1] = static_cast<std::uint8_t>(count >> 8);
              return from;
          });
    unsigned opened = 0;
    for (unsigned attempt = 0; attempt < 20; ++attempt)
    {
        bench.now += 100ms;
        Console other{bench, 17, endpoint(3)};
        REQUIRE(other.take_open_response(bench.exchange(other.open_request(), endpoint(3))));
        Console attacker{bench}; // one packet of the flood between each two of the handshake
        attacker.console_id = 1'000'000 + attempt;
        bench.send(attacker.open_request(), endpoint(static_cast<std::uint8_t>(100 + attempt)));
        const bool proved = other.take_rakp2(bench.exchange(other.rakp1(), endpoint(3)));
        opened += proved && other.take_rakp4(bench.exchange(other.rakp3(), endpoint(3))) ? 1U : 0U;
        if (bench.server.sessions().full())
        {
            break;
        }
    }
    CHECK(opened >= 5);
}

TEST_CASE("whoever has sent RAKP 1 is not pushed out by openings")
{
    Bench bench;
    Console honest{bench};
    REQUIRE(honest.take_open_response(bench.exchange(honest.open_request())));
    REQUIRE(honest.take_rakp2(bench.exchange(honest.rakp1())));
    for (unsigned count = 0; count < 500; ++count)
    {
        Console attacker{bench};
        attacker.console_id = count;
        bench.send(attacker.open_request(), endpoint(static_cast<std::uint8_t>(2 + count % 200)));
    }
    CHECK(honest.take_rakp4(bench.exchange(honest.rakp3())));
}

TEST_CASE("RAKP 1 has a rate of its own")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.take_open_response(bench.exchange(console.open_request())));
    unsigned answered = 0;
    for (unsigned count = 0; count < 300; ++count)
    {
        answered += bench.exchange(console.rakp1()).has_value() ? 1U : 0U;
    }
    CHECK(answered == 100);
    bench.now += 200ms;
    CHECK(bench.exchange(console.rakp1()).has_value());
}

TEST_CASE("pings are rate-limited, a session is not")
{
    Bench bench;
    Console console{bench};
    REQUIRE(console.open());
    const Bytes ping = from_hex("0600ff06000011be802a0000").value();
    unsigned answered = 0;
    for (unsigned count = 0; count < 10'000; ++count)
    {
        answered += bench.exchange(ping).has_value() ? 1U : 0U;
    }
    CHECK(answered < 400);
    for (unsigned count = 0; count < 2'000; ++count)
    {
        REQUIRE(console.ask(ipmi::NetFn::app, 0x01).has_value());
    }
}
