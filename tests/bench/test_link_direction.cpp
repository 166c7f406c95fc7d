#include "tests/bench/link_direction.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace fwupdate::bench
{
namespace
{

using namespace std::chrono_literals;

constexpr TimePoint start{1h};

Bytes packet(std::size_t length, std::uint8_t value = 0)
{
    return Bytes(length, value);
}

TEST_CASE("a packet arrives after its time on the wire and the delay")
{
    LinkDirection direction{{.delay = 5ms, .rate = 1e6, .queue_limit = 1e6, .overhead = 38}};
    direction.enter(packet(962), start);
    CHECK(direction.next() == start + 6ms);
    CHECK_FALSE(direction.leave(start + 6ms - 1ns));
    CHECK(direction.leave(start + 6ms) == packet(962));
    CHECK_FALSE(direction.leave(start + 1h));
}

TEST_CASE("packets keep their order and wait for each other")
{
    LinkDirection direction{{.rate = 1e6, .queue_limit = 1e6}};
    direction.enter(packet(1000, 1), start);
    direction.enter(packet(1000, 2), start);
    CHECK(direction.leave(start + 1ms) == packet(1000, 1));
    CHECK_FALSE(direction.leave(start + 1ms));
    CHECK(direction.leave(start + 2ms) == packet(1000, 2));
}

TEST_CASE("an idle link doesn't save its time")
{
    LinkDirection direction{{.rate = 1e6, .queue_limit = 1e6}};
    direction.enter(packet(1000), start);
    direction.enter(packet(1000), start + 1s);
    static_cast<void>(direction.leave(start + 1s));
    CHECK(direction.next() == start + 1001ms);
}

TEST_CASE("what the queue has no room for is dropped and counted")
{
    LinkDirection direction{{.rate = 1e6, .queue_limit = 2500}};
    for (int count = 0; count < 10; ++count)
    {
        direction.enter(packet(1000), start);
    }
    CHECK(direction.counters().packets == 10);
    CHECK(direction.counters().dropped == 7);
    direction.enter(packet(1000), start + 3ms);
    CHECK(direction.counters().dropped == 7);
}

TEST_CASE("without a rate nothing waits and nothing is dropped")
{
    LinkDirection direction{{.delay = 1ms}};
    for (int count = 0; count < 1000; ++count)
    {
        direction.enter(packet(1500), start);
    }
    CHECK(direction.counters().dropped == 0);
    CHECK(direction.next() == start + 1ms);
}

TEST_CASE("the share of lost packets is the one asked for, and the seed repeats it")
{
    LinkDirection direction{{.loss = 0.05, .seed = 7}};
    LinkDirection same{{.loss = 0.05, .seed = 7}};
    LinkDirection other{{.loss = 0.05, .seed = 8}};
    for (int count = 0; count < 100'000; ++count)
    {
        direction.enter(packet(1), start);
        same.enter(packet(1), start);
        other.enter(packet(1), start);
    }
    CHECK(direction.counters().lost > 4'700);
    CHECK(direction.counters().lost < 5'300);
    CHECK(direction.counters().lost == same.counters().lost);
    CHECK(direction.counters().lost != other.counters().lost);
}

} // namespace
} // namespace fwupdate::bench
