#include "transports/stream/engine/sender.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace fwupdate;
using namespace fwupdate::stream;
using namespace std::chrono_literals;
using protocol::FragmentStatus;

namespace
{

/// A sender and the acknowledgements a test invents. Blocks of four fragments unless the test says otherwise.
struct Bench
{
    explicit Bench(SenderOptions options, std::uint64_t size = 10 * 65'536, std::uint32_t fragment_size = 16'384,
                   std::vector<bool> present = {})
        : geometry{*Geometry::make(size, fragment_size)}, sender{geometry, std::move(present), std::move(options), now}
    {
    }

    std::vector<NextFragment> drain()
    {
        std::vector<NextFragment> result;
        while (const auto fragment = sender.next(now))
        {
            result.push_back(*fragment);
        }
        return result;
    }
    std::vector<std::uint32_t> drain_numbers()
    {
        std::vector<std::uint32_t> result;
        for (const NextFragment& fragment : drain())
        {
            result.push_back(geometry.number(fragment.place));
        }
        return result;
    }
    /// `here`: fragments after the first missing one that arrived.
    void acknowledge(std::uint32_t fragment, std::uint32_t first_missing, std::uint32_t received,
                     const std::set<std::uint32_t>& here = {}, FragmentStatus status = FragmentStatus::accepted)
    {
        Acknowledgement acknowledgement{status, fragment, first_missing, received, 0, {}};
        for (const std::uint32_t number : here)
        {
            const std::uint32_t bit = number - first_missing - 1;
            acknowledgement.bitmap[bit / 8] =
                static_cast<std::uint8_t>(acknowledgement.bitmap[bit / 8] | 1U << bit % 8);
            acknowledgement.bitmap_size = std::max<std::size_t>(acknowledgement.bitmap_size, bit / 8 + 1);
        }
        sender.on_acknowledgement(acknowledgement, now);
    }

    TimePoint now{TimePoint{} + 1h};
    Geometry geometry;
    StreamSender sender;
};

SenderOptions window(std::uint32_t fragments, std::uint32_t blocks = 64)
{
    SenderOptions options;
    options.window = fragments;
    options.window_blocks = blocks;
    return options;
}

using Numbers = std::vector<std::uint32_t>;

} // namespace

TEST_CASE("In order, never more than the window, an answer asked for every few and where it stops")
{
    Bench bench{window(16)};
    const auto first = bench.drain();
    REQUIRE(first.size() == 16);
    std::uint32_t number = 0;
    for (const NextFragment& fragment : first)
    {
        CHECK(bench.geometry.number(fragment.place) == number);
        CHECK(fragment.block_end == (number % 4 == 3));
        CHECK(fragment.acknowledge == (number % 2 == 1));
        CHECK(!fragment.fill);
        ++number;
    }
    CHECK(bench.sender.outstanding() == 16);
    CHECK(!bench.sender.next(bench.now));
    bench.now += 10ms;
    bench.acknowledge(1, 2, 2);
    CHECK(bench.drain_numbers() == Numbers{16, 17});
    CHECK(bench.sender.bytes_arrived() == 2 * 16'384);
}

TEST_CASE("With a wide window an answer is asked for every eight fragments")
{
    Bench bench{window(1024), 100 * 65'536, 1388};
    const auto burst = bench.drain();
    REQUIRE(burst.size() >= 64);
    CHECK(burst.size() <= 72); // 64 fragments' worth until a round trip is known; short ones count less
    for (std::size_t at = 0; at + 1 < burst.size(); ++at)
    {
        CHECK(burst[at].acknowledge == (at % 8 == 7));
    }
}

TEST_CASE("One at a time: every fragment asks")
{
    Bench bench{window(1), 65'536 + 5};
    std::uint32_t number = 0;
    while (!bench.sender.complete())
    {
        const auto burst = bench.drain();
        REQUIRE(burst.size() == 1);
        CHECK(burst[0].acknowledge);
        CHECK(bench.geometry.number(burst[0].place) == number);
        bench.now += 1ms;
        ++number;
        bench.acknowledge(number - 1, number, number);
    }
    CHECK(number == bench.geometry.fragments());
    CHECK(bench.sender.deadline() == TimePoint::max());
    CHECK(bench.sender.bytes_arrived() == 65'541);
}

TEST_CASE("Only what is missing travels; the last fragment always asks")
{
    std::vector<bool> present(10, true);
    present[3] = present[7] = false;
    Bench bench{window(64), 10 * 65'536, 16'384, present};
    CHECK(bench.sender.bytes_arrived() == 8 * 65'536);
    const auto burst = bench.drain();
    REQUIRE(burst.size() == 8);
    CHECK(burst.front().place == Place{3, 0});
    CHECK(burst[4].place == Place{7, 0});
    CHECK(burst.back().acknowledge);
    bench.now += 5ms;
    bench.acknowledge(31, 40, 8);
    CHECK(bench.sender.complete());
    CHECK(bench.sender.state(bench.now) == SenderState::complete);
}

TEST_CASE("Nothing to send at all is complete at once")
{
    Bench bench{window(64), 10 * 65'536, 16'384, std::vector<bool>(10, true)};
    CHECK(bench.sender.complete());
    CHECK(!bench.sender.next(bench.now));
}

TEST_CASE("No more blocks are open than the BMC assembles")
{
    Bench bench{window(64, 2)};
    CHECK(bench.drain_numbers() == Numbers{0, 1, 2, 3, 4, 5, 6, 7});
    bench.now += 1ms;
    bench.acknowledge(7, 3, 7, {4, 5, 6, 7}); // block 1 is whole: block 2 may open
    CHECK(bench.drain_numbers() == Numbers{3, 8, 9, 10, 11});
    bench.now += 1ms;
    bench.acknowledge(11, 3, 11, {4, 5, 6, 7, 8, 9, 10, 11});
    CHECK(bench.drain_numbers() == Numbers{3, 12, 13, 14, 15});
}

TEST_CASE("What later fragments overtook is sent again, before anything new")
{
    Bench bench{window(8)};
    bench.drain();
    bench.now += 10ms;
    bench.acknowledge(7, 2, 6, {4, 5, 6, 7}); // 2 and 3 are missing
    CHECK(bench.drain_numbers() == Numbers{2, 3, 8, 9, 10, 11, 12, 13});
}

TEST_CASE("A little reordering is no loss; late arrivals make it more patient")
{
    Bench bench{window(8)};
    bench.drain();
    bench.now += 10ms;
    bench.acknowledge(3, 1, 3, {2, 3}); // 1 was overtaken by two: that happens
    CHECK(bench.drain_numbers() == Numbers{8, 9, 10});
    bench.acknowledge(4, 1, 4, {2, 3, 4}); // by three
    CHECK(bench.drain_numbers() == Numbers{1, 11});
    bench.now += 1ms;
    bench.acknowledge(5, 6, 6); // but it only was late: nothing can answer the repetition so soon
    CHECK(bench.drain_numbers() == Numbers{12, 13});
    bench.now += 1ms;
    bench.acknowledge(10, 6, 10, {7, 8, 9, 10}); // 6 was overtaken by four, no loss any more
    const auto next = bench.drain_numbers();
    CHECK(std::ranges::find(next, 6U) == next.end());
}

TEST_CASE("An overtaken fragment counts as lost after a while, even if few overtook it")
{
    Bench bench{window(8), 2 * 65'536};
    bench.drain();
    bench.now += 20ms;
    bench.acknowledge(7, 6, 7, {7});
    CHECK(bench.drain_numbers().empty());
    const TimePoint deadline = bench.sender.deadline();
    CHECK(deadline > bench.now);
    CHECK(deadline <= bench.now + 50ms);
    bench.now = deadline;
    CHECK(bench.drain_numbers() == Numbers{6});
}

TEST_CASE("Silence: it asks again with what is on its way, at growing intervals, and gives up when told")
{
    SenderOptions options = window(16);
    options.give_up = 10s;
    Bench bench{options};
    bench.drain();
    Duration before{};
    int probes = 0;
    const TimePoint start = bench.now;
    while (bench.sender.state(bench.now) == SenderState::running)
    {
        const TimePoint deadline = bench.sender.deadline();
        REQUIRE(deadline > bench.now);
        const Duration wait = deadline - bench.now;
        bench.now = deadline;
        const auto burst = bench.drain();
        probes += burst.empty() ? 0 : 1;
        for (const NextFragment& fragment : burst)
        {
            CHECK(fragment.acknowledge);
            CHECK(bench.geometry.number(fragment.place) < 16);
        }
        CHECK((wait >= before || bench.now - start >= 9s || wait >= 1s));
        CHECK(bench.sender.outstanding() == 16);
        before = wait;
    }
    CHECK(bench.sender.state(bench.now) == SenderState::no_progress);
    CHECK(bench.now - start == 10s);
    CHECK(probes >= 5);
    CHECK(probes <= 20);
}

TEST_CASE("An answer to a probe shows everything that was lost")
{
    Bench bench{window(16)};
    bench.drain();
    bench.now += 5ms;
    bench.acknowledge(1, 2, 2);
    bench.drain(); // 2..17 travel, and are all lost
    bench.now = bench.sender.deadline();
    const auto probe = bench.drain();
    REQUIRE(probe.size() == 1);
    CHECK(bench.geometry.number(probe[0].place) == 17);
    bench.now += 6ms;
    bench.acknowledge(17, 2, 3, {17});
    const auto again = bench.drain_numbers();
    // The probe overtook them all; the youngest few get the benefit of the doubt until time tells.
    REQUIRE(again.size() >= 12);
    CHECK(again.front() == 2);
}

TEST_CASE("A path that stood still: answers to what left before the probe make nothing look lost")
{
    Bench bench{window(16)};
    bench.drain();
    bench.now += 5ms;
    bench.acknowledge(1, 2, 2);
    bench.drain(); // 2..17 travel
    bench.now = bench.sender.deadline();
    REQUIRE(bench.drain().size() == 1);
    bench.now += 100ms;
    bench.acknowledge(3, 4, 4); // everything goes on, in order
    CHECK(bench.drain_numbers() == Numbers{18, 19});
    bench.acknowledge(17, 18, 18); // the answer to the probe's earlier copy
    const auto next = bench.drain_numbers();
    REQUIRE_FALSE(next.empty());
    CHECK(next.front() == 20);
    CHECK(bench.sender.sent() == next.back() + 1U + 1U); // everything once, and the probe
}

TEST_CASE("A block that failed its check travels again, whole; not for ever")
{
    Bench bench{window(8, 4), 4 * 65'536};
    bench.drain();
    bench.now += 10ms;
    bench.acknowledge(3, 0, 4, {}, FragmentStatus::block_check_failed);
    CHECK(bench.drain_numbers() == Numbers{0, 1, 2, 3});
    SUBCASE("a repeated answer changes nothing")
    {
        bench.acknowledge(3, 0, 4, {}, FragmentStatus::block_check_failed);
        CHECK(bench.drain_numbers().empty());
    }
    SUBCASE("an outdated one neither")
    {
        bench.acknowledge(7, 0, 8, {4, 5, 6});
        bench.drain();
        bench.acknowledge(3, 0, 3, {}, FragmentStatus::block_check_failed);
        CHECK(bench.drain_numbers().empty());
    }
    SUBCASE("again and again")
    {
        std::uint32_t received = 4;
        for (int time = 0; time < 7; ++time)
        {
            CHECK(bench.sender.state(bench.now) == SenderState::running);
            bench.now += 10ms;
            bench.drain();
            received += 4;
            bench.acknowledge(3, 0, received, {}, FragmentStatus::block_check_failed);
        }
        CHECK(bench.sender.state(bench.now) == SenderState::check_failed);
        CHECK(!bench.sender.next(bench.now));
        CHECK(bench.sender.deadline() == TimePoint::max());
    }
}

TEST_CASE("What the BMC takes back is sent again")
{
    Bench bench{window(8, 4), 4 * 65'536};
    bench.drain();
    bench.now += 10ms;
    SUBCASE("fragments of an open block: the answer to a failed check was lost")
    {
        bench.acknowledge(2, 3, 3);
        CHECK(bench.sender.bytes_arrived() == 3 * 16'384);
        bench.drain();
        bench.acknowledge(6, 0, 7, {4, 5, 6});
        const auto again = bench.drain_numbers();
        REQUIRE(again.size() >= 3);
        CHECK(Numbers(again.begin(), again.begin() + 3) == Numbers{0, 1, 2});
    }
    SUBCASE("a whole block that counted as done")
    {
        bench.acknowledge(7, 8, 8);
        bench.drain();
        CHECK(bench.sender.bytes_arrived() == 8 * 16'384);
        bench.acknowledge(9, 0, 9, {4, 5, 6, 7, 8, 9});
        CHECK(bench.sender.bytes_arrived() == 6 * 16'384);
        const auto again = bench.drain_numbers();
        REQUIRE(again.size() == 2);
        CHECK(again == Numbers{0, 1});
    }
    SUBCASE("an outdated acknowledgement takes nothing back")
    {
        bench.acknowledge(7, 8, 8);
        bench.drain();
        bench.acknowledge(1, 2, 2);
        CHECK(bench.sender.bytes_arrived() == 8 * 16'384);
        CHECK(bench.drain_numbers().empty());
    }
}

TEST_CASE("A block present on paper but missing in fact is sent")
{
    std::vector<bool> present(4, true);
    present[3] = false;
    Bench bench{window(16), 4 * 65'536, 16'384, present};
    CHECK(bench.drain_numbers() == Numbers{12, 13, 14, 15});
    bench.now += 5ms;
    bench.acknowledge(15, 4, 4, {8, 9, 10, 11, 12, 13, 14, 15});
    CHECK(bench.drain_numbers() == Numbers{4, 5, 6, 7});
    bench.now += 5ms;
    bench.acknowledge(7, 16, 8);
    CHECK(bench.sender.complete());
}

TEST_CASE("Refused as outside of the window: sent later, with fewer blocks open")
{
    Bench bench{window(16, 4), 8 * 65'536};
    bench.drain();
    bench.now += 5ms;
    bench.acknowledge(12, 2, 9, {4, 5, 6, 8, 9, 10, 11}, FragmentStatus::outside_window);
    const auto next = bench.drain_numbers();
    CHECK(next == Numbers{2, 3, 7, 12}); // 0, 1 and 3 are open, 2 is whole: three blocks, no fourth
}

TEST_CASE("Fill blocks travel as one fragment")
{
    SenderOptions options = window(64);
    options.is_fill = [](std::uint32_t block) { return block % 2 == 0; };
    Bench bench{options, 5 * 65'536};
    const auto burst = bench.drain();
    REQUIRE(burst.size() == 3 + 8);
    CHECK(burst[0] == NextFragment{{0, 0}, true, true, false});
    CHECK(burst[1].place == Place{1, 0});
    CHECK(burst[5].place == Place{2, 0});
    CHECK(burst[5].fill);
    CHECK(burst.back().place == Place{4, 0});
    CHECK(burst.back().acknowledge);
    bench.now += 5ms;
    bench.acknowledge(16, 20, 11);
    CHECK(bench.sender.complete());
}

TEST_CASE("Impossible acknowledgements change nothing")
{
    Bench bench{window(16)};
    bench.drain();
    bench.now += 5ms;
    const std::uint32_t all = bench.geometry.fragments();
    bench.acknowledge(0, all + 1, 5);
    bench.acknowledge(all, 3, 5);
    bench.acknowledge(0xFFFF'FFFF, 0xFFFF'FFFF, 0xFFFF'FFFF);
    CHECK(bench.sender.bytes_arrived() == 0);
    CHECK(bench.drain().empty());
}

TEST_CASE("Whatever a hostile BMC answers: no crash, and memory stays bounded")
{
    std::uint64_t state = 99;
    const auto random = [&](std::uint64_t limit)
    {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::uint32_t>((state >> 33) % limit);
    };
    for (int round = 0; round < 20; ++round)
    {
        Bench bench{window(1 + random(200), 1 + random(20)), 1 + random(3'000'000), 100 + random(20'000)};
        const std::uint32_t all = bench.geometry.fragments();
        for (int step = 0; step < 400; ++step)
        {
            for (int burst = 0; burst < 300 && bench.sender.next(bench.now); ++burst)
            {
            }
            Acknowledgement acknowledgement{FragmentStatus{static_cast<std::uint8_t>(random(4))},
                                            random(all + 1),
                                            random(all + 2),
                                            random(1000),
                                            random(257),
                                            {}};
            for (std::uint8_t& byte : acknowledgement.bitmap)
            {
                byte = static_cast<std::uint8_t>(random(256));
            }
            bench.sender.on_acknowledgement(acknowledgement, bench.now);
            bench.now += Duration{std::chrono::microseconds{random(300'000)}};
            REQUIRE(bench.sender.bytes_arrived() <= bench.geometry.size());
            static_cast<void>(bench.sender.deadline());
        }
    }
}

TEST_CASE("Full fragments vanish, short ones pass: the hint says so, and only then")
{
    SenderOptions options = window(256);
    options.give_up = 60s;
    Bench bench{options, 64 * 65'536, 1388};
    std::set<std::uint32_t> here;
    std::uint32_t received = 0;
    bool seen = false;
    const TimePoint start = bench.now;
    while (!seen && bench.now - start < 20s)
    {
        std::vector<std::uint32_t> arrived;
        for (const NextFragment& fragment : bench.drain())
        {
            if (fragment.block_end)
            {
                const std::uint32_t number = bench.geometry.number(fragment.place);
                received += here.insert(number).second ? 1 : 0;
                arrived.push_back(number);
            }
        }
        if (bench.sender.hint(bench.now) == PathHint::large_messages_lost)
        {
            seen = true;
            CHECK(bench.now - start >= 2s);
        }
        if (!arrived.empty())
        {
            bench.now += 5ms;
            bench.acknowledge(arrived.back(), 0, received, here);
        }
        else
        {
            bench.now = bench.sender.deadline();
        }
    }
    CHECK(seen);
}
