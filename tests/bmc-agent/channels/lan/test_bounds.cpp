#include "bmc-agent/channels/lan/half_open.hpp"
#include "bmc-agent/channels/lan/lockout.hpp"
#include "bmc-agent/channels/lan/rate_limit.hpp"
#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

using namespace lan_bench;

namespace
{

HalfOpen half_open(std::uint32_t id, const Endpoint& from, TimePoint opened = {})
{
    HalfOpen entry{};
    entry.id = id;
    entry.peer = from.peer;
    entry.opened = opened;
    entry.request = {static_cast<std::uint8_t>(id)};
    return entry;
}

} // namespace

TEST_CASE("a rate: the burst at once, then one each interval")
{
    const Rate rate{10ms, 3};
    RateGate gate;
    TimePoint now{TimePoint{} + 1h};
    CHECK(gate.take(rate, now));
    CHECK(gate.take(rate, now));
    CHECK(gate.take(rate, now));
    CHECK_FALSE(gate.take(rate, now));
    now += 10ms;
    CHECK(gate.take(rate, now));
    CHECK_FALSE(gate.take(rate, now));
    now += 1h;
    CHECK(gate.take(rate, now));
    CHECK(gate.take(rate, now));
    CHECK(gate.take(rate, now));
    CHECK_FALSE(gate.take(rate, now));
}

TEST_CASE("rates count by IPv4 address and by IPv6 /64")
{
    CHECK(group_of(endpoint(1, 1).peer) == group_of(endpoint(1, 2).peer));
    CHECK_FALSE(group_of(endpoint(1).peer) == group_of(endpoint(2).peer));
    Endpoint other = endpoint_ipv6();
    other.peer.address[15] = 99;
    CHECK(group_of(endpoint_ipv6().peer) == group_of(other.peer));
    other.peer.address[7] = 1;
    CHECK_FALSE(group_of(endpoint_ipv6().peer) == group_of(other.peer));
    CHECK(to_text(endpoint(7, 623).peer) == "192.0.2.7:623");
    CHECK(to_text(endpoint_ipv6().peer) == "[2001:db8::1]:50000");
}

TEST_CASE("one address's rate does not touch another's")
{
    PreSessionRates rates;
    const TimePoint now{TimePoint{} + 1h};
    unsigned admitted = 0;
    for (int count = 0; count < 1'000; ++count)
    {
        admitted += rates.admit(endpoint(1).peer, now) ? 1U : 0U;
    }
    CHECK(admitted == 400);
    CHECK(rates.admit(endpoint(2).peer, now));
}

TEST_CASE("half-open sessions: half of the places at most for one address, its oldest goes first")
{
    HalfOpenTable table{16};
    for (std::uint32_t id = 1; id <= 8; ++id)
    {
        REQUIRE(table.add(half_open(id, endpoint(1)), 0) != nullptr);
    }
    REQUIRE(table.add(half_open(9, endpoint(1)), 0) != nullptr);
    CHECK(table.size() == 8);
    CHECK(table.find(1) == nullptr);
    CHECK(table.find(2) != nullptr);
    REQUIRE(table.add(half_open(20, endpoint(2)), 0) != nullptr);
    CHECK(table.size() == 9);
}

TEST_CASE("half-open sessions: a full table gives up one that has not proved its address, at random, or none")
{
    HalfOpenTable table{4};
    for (std::uint32_t id = 1; id <= 4; ++id)
    {
        REQUIRE(table.add(half_open(id, endpoint(static_cast<std::uint8_t>(id))), 0) != nullptr);
    }
    table.find(1)->claim.emplace();
    REQUIRE(table.add(half_open(5, endpoint(5)), 2) != nullptr); // of 2, 3 and 4 the third
    CHECK(table.find(4) == nullptr);
    for (const std::uint32_t id : {2, 3, 5})
    {
        table.find(id)->claim.emplace();
    }
    CHECK(table.add(half_open(6, endpoint(6)), 0) == nullptr);
    table.remove(2);
    CHECK(table.add(half_open(6, endpoint(6)), 0) != nullptr);
}

TEST_CASE("half-open sessions: a retry is found while it has not gone on; time ends them")
{
    HalfOpenTable table{4};
    const TimePoint start{TimePoint{} + 1h};
    REQUIRE(table.add(half_open(1, endpoint(1), start), 0) != nullptr);
    REQUIRE(table.add(half_open(2, endpoint(1), start + 1s), 0) != nullptr);
    CHECK(table.find_retry(endpoint(1).peer, Bytes{1})->id == 1);
    CHECK(table.find_retry(endpoint(1, 999).peer, Bytes{1}) == nullptr);
    CHECK(table.find_retry(endpoint(1).peer, Bytes{3}) == nullptr);
    table.find(1)->claim.emplace();
    CHECK(table.find_retry(endpoint(1).peer, Bytes{1}) == nullptr);
    CHECK(table.next_deadline() == start + 3s);
    CHECK(table.reap(start + 2999ms) == 0);
    CHECK(table.size() == 2);
    CHECK(table.reap(start + 3s) == 1); // one had sent RAKP 1
    CHECK(table.size() == 1);
    CHECK(table.reap(start + 4s) == 0);
    CHECK_FALSE(table.next_deadline().has_value());
}

TEST_CASE("lock-out: so many in a row, for so long, counted anew afterwards")
{
    config::Lan lan;
    lan.lockout_failures = 3;
    lan.lockout_time = 10s;
    const std::vector<config::User> users{{"admin", "x", ipmi::Privilege::administrator}};
    LockOut lockout{lan, users};
    TimePoint now{TimePoint{} + 1h};
    for (const std::string name : {"admin", "nobody"})
    {
        CHECK_FALSE(lockout.failed(name, now));
        CHECK_FALSE(lockout.failed(name, now));
        CHECK_FALSE(lockout.locked(name, now));
        CHECK(lockout.failed(name, now));
        CHECK(lockout.locked(name, now));
        CHECK(lockout.locked(name, now + 9s));
        CHECK_FALSE(lockout.locked(name, now + 10s));
        CHECK_FALSE(lockout.failed(name, now + 10s));
        CHECK_FALSE(lockout.locked(name, now + 10s));
    }
    lockout.succeeded("admin");
    CHECK_FALSE(lockout.failed("admin", now + 10s));
    CHECK_FALSE(lockout.failed("admin", now + 10s));
    CHECK_FALSE(lockout.locked("admin", now + 10s));
}

TEST_CASE("lock-out: a flood of names is bounded and frees no locked one")
{
    config::Lan lan;
    const std::vector<config::User> users{{"admin", "x", ipmi::Privilege::administrator}};
    LockOut lockout{lan, users};
    const TimePoint now{TimePoint{} + 1h};
    for (int count = 0; count < 5; ++count)
    {
        lockout.failed("admin", now);
        lockout.failed("nobody", now);
    }
    for (int count = 0; count < 5'000; ++count)
    {
        lockout.failed("name" + std::to_string(count), now);
    }
    CHECK(lockout.locked("admin", now));
    CHECK(lockout.locked("nobody", now));
}

TEST_CASE("the session table: handles are the smallest free ones, closed sessions are few")
{
    config::Lan lan;
    lan.max_sessions = 3;
    Bench bench{lan};
    std::vector<Console> consoles;
    for (int count = 0; count < 3; ++count)
    {
        consoles.emplace_back(bench);
        REQUIRE(consoles.back().open());
    }
    SessionTable& table = bench.server.sessions();
    CHECK(table.find_handle(2)->id == consoles[1].bmc_id);
    CHECK(table.nth_active(3)->id == consoles[2].bmc_id);
    CHECK(table.nth_active(4) == nullptr);
    table.close(*table.find(consoles[1].bmc_id), CloseReason::by_request, bench.now);
    CHECK(table.find_handle(2) == nullptr);
    CHECK(table.nth_active(2)->id == consoles[2].bmc_id);
    Console again{bench};
    REQUIRE(again.open());
    CHECK(table.find_handle(2)->id == again.bmc_id);
    for (int count = 0; count < 20; ++count)
    {
        table.close(*table.find(again.bmc_id), CloseReason::by_request, bench.now);
        bench.server.on_timer(bench.now);
        REQUIRE(again.open());
    }
    std::size_t waiting = 0;
    for (const auto& event : bench.observer.events)
    {
        waiting += table.find(event.session) != nullptr ? 1U : 0U;
    }
    CHECK(waiting <= 3);
}

TEST_CASE("half-open sessions: two addresses that know a name do not keep a third one out")
{
    HalfOpenTable table{16};
    std::uint32_t id = 0;
    for (const std::uint8_t attacker : {std::uint8_t{1}, std::uint8_t{2}})
    {
        for (int count = 0; count < 8; ++count)
        {
            table.add(half_open(++id, endpoint(attacker)), 0)->claim.emplace();
        }
    }
    REQUIRE(table.size() == 16);
    HalfOpen* const welcome = table.add(half_open(100, endpoint(3)), 7);
    REQUIRE(welcome != nullptr);
    welcome->claim.emplace();
    for (std::uint32_t count = 0; count < 100; ++count)
    {
        static_cast<void>(table.add(half_open(200 + count, endpoint(static_cast<std::uint8_t>(1 + count % 2))), 7));
    }
    CHECK(table.find(100) != nullptr);
}
