#include "tests/interop/lossy_relay_direction.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

namespace fwupdate::interop
{
namespace
{

using std::chrono::milliseconds;

constexpr TimePoint start{};
constexpr Duration long_after = std::chrono::hours{1};

/// The first bytes of `count` datagrams, numbered from 0, in the order they arrive.
std::vector<std::uint8_t> arrivals(Direction& direction, unsigned count)
{
    for (unsigned number = 0; number < count; ++number)
    {
        direction.enter(7, Bytes{static_cast<std::uint8_t>(number)}, start + milliseconds{number});
    }
    std::vector<std::uint8_t> order;
    while (const auto arrived = direction.leave(start + long_after))
    {
        CHECK(arrived->session == 7);
        order.push_back(arrived->datagram.at(0));
    }
    return order;
}

} // namespace

TEST_CASE("without faults every datagram arrives once, in order, at once")
{
    Direction direction{{}, 1};
    CHECK(arrivals(direction, 4) == std::vector<std::uint8_t>{0, 1, 2, 3});
    CHECK(direction.counters().datagrams == 4);
    CHECK(direction.counters().bytes == 4);
    CHECK_FALSE(direction.next());
}

TEST_CASE("delay holds every datagram back that long")
{
    Direction direction{{.delay = milliseconds{200}}, 1};
    direction.enter(0, Bytes{1}, start);
    CHECK(direction.next() == start + milliseconds{200});
    CHECK_FALSE(direction.leave(start + milliseconds{199}));
    CHECK(direction.leave(start + milliseconds{200}));
}

TEST_CASE("loss and duplication happen about as often as asked for, and are counted")
{
    Direction direction{{.loss = 0.2, .duplication = 0.1}, 3};
    const auto order = arrivals(direction, 10'000);
    const Counters& counters = direction.counters();
    CHECK(counters.lost > 1'800);
    CHECK(counters.lost < 2'200);
    CHECK(counters.duplicated > 650);
    CHECK(counters.duplicated < 950);
    CHECK(order.size() == 10'000 - counters.lost + counters.duplicated);
}

TEST_CASE("reordered datagrams are overtaken")
{
    Direction direction{{.reordering = 0.2, .held_back = milliseconds{20}}, 5};
    const auto order = arrivals(direction, 100);
    CHECK(order.size() == 100);
    CHECK_FALSE(std::ranges::is_sorted(order));
}

TEST_CASE("the rate spreads datagrams, and its queue drops what does not fit")
{
    Direction direction{{.rate = 1000.0, .queue = 150.0}, 1};
    for (int count = 0; count < 5; ++count)
    {
        direction.enter(0, Bytes(100), start);
    }
    CHECK(direction.next() == start + milliseconds{100});
    CHECK(direction.leave(start + milliseconds{100}));
    CHECK(direction.next() == start + milliseconds{200});
    CHECK(direction.counters().dropped == 3);
}

TEST_CASE("the same seed gives the same faults, another seed others")
{
    const auto run = [](std::uint64_t seed)
    {
        Direction direction{{.loss = 0.5}, seed};
        return arrivals(direction, 64);
    };
    CHECK(run(1) == run(1));
    CHECK(run(1) != run(2));
}

} // namespace fwupdate::interop
