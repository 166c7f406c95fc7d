// Both engines over networks that lose, repeat, reorder, delay and damage: the image is always exact, in bounded time.
#include "tests/transports/stream/simulation.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using namespace std::chrono_literals;

namespace
{

SimulationOptions usual()
{
    SimulationOptions options;
    options.sender.window = 512;
    options.sender.window_blocks = options.window_blocks;
    return options;
}

double seconds_of(Duration duration)
{
    return std::chrono::duration<double>(duration).count();
}

} // namespace

TEST_CASE("Loss, duplication, reordering and delay in any mixture")
{
    for (std::uint64_t seed = 1; seed <= 60; ++seed)
    {
        CAPTURE(seed);
        Random random{seed};
        SimulationOptions options = usual();
        options.seed = seed;
        options.path.loss = 0.30 * random.fraction();
        options.path.duplication = 0.10 * random.fraction();
        options.path.one_way = std::chrono::microseconds{random.below(100'000)};
        options.path.jitter = std::chrono::microseconds{random.below(100'000)};
        options.path.rate = random.below(2) == 0 ? 0 : 1e5 + 2e7 * random.fraction();
        options.path.queue = 20'000 + random.below(500'000);
        options.fragment_size = static_cast<std::uint16_t>(200 + random.below(1'300));
        options.window_blocks = 1 + static_cast<std::uint32_t>(random.below(32));
        options.sender.window_blocks = options.window_blocks;
        options.sender.window = 1 + static_cast<std::uint32_t>(random.below(1024));
        const Bytes image = random_image(1 + random.below(2'000'000), seed);
        ScriptedSink sink{image.size()};
        const auto result = simulate(image, sink, options);
        CHECK(result.state == stream::SenderState::complete);
        CHECK(sink.image() == image);
        CHECK(result.most_outstanding <= options.sender.window);
        CHECK(result.most_buffers <= options.window_blocks);
        CHECK(sink.writes().size() == (image.size() + 65'535) / 65'536);
        // Bounded: what one fragment at a time would need with every exchange repeated three times.
        const double fragments = static_cast<double>(image.size()) / options.fragment_size + 1;
        const double exchange = 2 * seconds_of(options.path.one_way + options.path.jitter) + 0.05;
        CHECK(seconds_of(result.elapsed) <= 60 + fragments * exchange * 3);
    }
}

TEST_CASE("30 % loss both ways at 200 ms still ends")
{
    SimulationOptions options = usual();
    options.path.loss = 0.30;
    options.path.one_way = 100ms;
    const Bytes image = random_image(4U << 20, 2);
    ScriptedSink sink{image.size()};
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
    CHECK(seconds_of(result.elapsed) < 30);
}

TEST_CASE("Nothing is sent twice where nothing is lost")
{
    for (const Duration one_way : {Duration{50us}, Duration{5ms}, Duration{100ms}})
    {
        SimulationOptions options = usual();
        options.path.one_way = one_way;
        const Bytes image = random_image(8U << 20, 3);
        ScriptedSink sink{image.size()};
        const auto result = simulate(image, sink, options);
        CHECK(result.state == stream::SenderState::complete);
        CHECK(result.fragments_sent == stream::Geometry::make(image.size(), 1388)->fragments());
    }
}

TEST_CASE("Reordering alone costs few repetitions")
{
    SimulationOptions options = usual();
    options.path.one_way = 10ms;
    options.path.jitter = 4ms;
    const Bytes image = random_image(16U << 20, 3);
    ScriptedSink sink{image.size()};
    const auto result = simulate(image, sink, options);
    const auto fragments = stream::Geometry::make(image.size(), 1388)->fragments();
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
    CHECK(static_cast<double>(result.fragments_sent) < 1.10 * fragments);
}

TEST_CASE("Damaged data never reach the sink: the check sends the block again")
{
    SimulationOptions options = usual();
    options.path.corruption = 0.002;
    options.path.loss = 0.02;
    options.path.one_way = 2ms;
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
    {
        options.seed = seed;
        const Bytes image = random_image(6U << 20, seed);
        ScriptedSink sink{image.size()};
        const auto result = simulate(image, sink, options);
        CHECK(result.state == stream::SenderState::complete);
        CHECK(sink.image() == image);
    }
}

TEST_CASE("A line where nothing comes through whole is given up as such")
{
    SimulationOptions options = usual();
    options.path.corruption = 1;
    const Bytes image = random_image(1U << 20, 1);
    ScriptedSink sink{image.size()};
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::check_failed);
    CHECK(sink.writes().empty());
}

TEST_CASE("Erased flash between the code travels as fill blocks")
{
    Bytes image = random_image(16U << 20, 4);
    std::fill(image.begin() + (2 << 20), image.begin() + (14 << 20), std::uint8_t{0xFF});
    SimulationOptions options = usual();
    options.path.loss = 0.05;
    options.path.rate = 12.5e6;
    options.path.one_way = 5ms;
    options.sender.is_fill = [](std::uint32_t block) { return block >= 32 && block < 224; };
    ScriptedSink sink{image.size()};
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
    CHECK(result.fragments_sent < 4'500); // 64 blocks raw, 192 as one fragment each
    CHECK(seconds_of(result.elapsed) < 0.9);
}

TEST_CASE("Resume: only missing blocks travel, whatever brought the others")
{
    const Bytes image = random_image(8U << 20, 5);
    ScriptedSink sink{image.size()};
    std::uint32_t missing = 0;
    for (std::uint32_t block = 0; block < 128; ++block)
    {
        if (block % 5 != 0)
        {
            sink.put(block, ConstBytes{image}.subspan(std::size_t{block} * 65'536, 65'536));
        }
        missing += block % 5 == 0 ? 1 : 0;
    }
    SimulationOptions options = usual();
    options.path.one_way = 2ms;
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
    CHECK(sink.writes().size() == missing);
    CHECK(result.fragments_sent == std::uint64_t{missing} * 48);
}

TEST_CASE("Another transport brings blocks at the same time")
{
    const Bytes image = random_image(8U << 20, 6);
    ScriptedSink sink{image.size()};
    SimulationOptions options = usual();
    options.path.one_way = 5ms;
    options.path.rate = 5e6;
    options.path.loss = 0.02;
    std::uint32_t other = 127;
    std::uint64_t steps = 0;
    options.at_every_step = [&](const SimulationStep& step)
    {
        if (++steps % 50 == 0 && other > 64)
        {
            if (!step.sink.has_block(other))
            {
                step.sink.put(other, ConstBytes{image}.subspan(std::size_t{other} * 65'536, 65'536));
            }
            --other;
        }
    };
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
}

TEST_CASE("Another transport brings everything that is left: nothing of it is sent")
{
    const Bytes image = random_image(16U << 20, 6);
    ScriptedSink sink{image.size()};
    SimulationOptions options = usual();
    options.path.one_way = 5ms;
    options.path.rate = 5e6;
    std::uint64_t steps = 0;
    options.at_every_step = [&](const SimulationStep& step)
    {
        const bool now = ++steps == 200;
        for (std::uint32_t block = 0; now && block < 256; ++block)
        {
            if (!step.sink.has_block(block))
            {
                step.sink.put(block, ConstBytes{image}.subspan(std::size_t{block} * 65'536, 65'536));
            }
        }
    };
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
    CHECK(result.fragments_sent < 128 * 48);
}

TEST_CASE("An outage of seconds: it goes on where it was")
{
    SimulationOptions options = usual();
    options.path.one_way = 5ms;
    options.path.rate = 12.5e6;
    options.sender.give_up = 30s;
    const Bytes image = random_image(16U << 20, 7);
    ScriptedSink sink{image.size()};
    const TimePoint start = TimePoint{} + 1h;
    options.at_every_step = [&](const SimulationStep& step)
    {
        const bool out = step.now > start + 500ms && step.now < start + 8s;
        step.forward.loss = step.back.loss = out ? 1 : 0;
    };
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
    CHECK(seconds_of(result.elapsed) < 8 + 1.5 + 1.5);
}

TEST_CASE("No network at all: given up after the time the caller allows")
{
    SimulationOptions options = usual();
    options.path.loss = 1;
    options.sender.give_up = 12s;
    const Bytes image = random_image(1U << 20, 7);
    ScriptedSink sink{image.size()};
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::no_progress);
    CHECK(result.elapsed == 12s);
    CHECK(result.hint == stream::PathHint::none);
    CHECK(result.fragments_sent < 120);
}

TEST_CASE("A path that swallows large messages is told from one that swallows all")
{
    SimulationOptions options = usual();
    options.path.mtu = 1300;
    options.path.one_way = 5ms;
    options.sender.give_up = 10s;
    const Bytes image = random_image(4U << 20, 7);
    ScriptedSink sink{image.size()};
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::no_progress);
    CHECK(result.hint == stream::PathHint::large_messages_lost);
}

TEST_CASE("It adapts when the path changes")
{
    const Bytes image = random_image(48U << 20, 8);
    SimulationOptions options = usual();
    options.sender.window = 1024;
    options.path.one_way = 5ms;
    options.path.rate = 12.5e6;
    const TimePoint start = TimePoint{} + 1h;
    ScriptedSink sink{image.size()};
    double least_efficiency = 1;
    SUBCASE("to a quarter of the rate")
    {
        options.at_every_step = [&](const SimulationStep& step)
        {
            if (step.now > start + 1s)
            {
                step.forward.rate = 12.5e6 / 4;
            }
        };
        least_efficiency = (48 << 20) / (11e6 + (48.0 * (1 << 20) - 11e6) / (12.5e6 / 4) * 12.5e6);
    }
    SUBCASE("to four times the rate")
    {
        options.path.rate = 12.5e6 / 4;
        options.at_every_step = [&](const SimulationStep& step)
        {
            if (step.now > start + 1s)
            {
                step.forward.rate = 12.5e6;
            }
        };
        least_efficiency = 0.9;
    }
    SUBCASE("to five times the delay")
    {
        options.at_every_step = [&](const SimulationStep& step)
        {
            if (step.now > start + 1s)
            {
                step.forward.one_way = step.back.one_way = 25ms;
            }
        };
        least_efficiency = 0.9;
    }
    const auto result = simulate(image, sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(sink.image() == image);
    CHECK(result.goodput >= 0.75 * least_efficiency * 12.5e6);
}

TEST_CASE("A small queue, a slow line")
{
    for (const std::size_t queue : {16'000U, 64'000U})
    {
        SimulationOptions options = usual();
        options.path.rate = 1e6;
        options.path.queue = queue;
        options.path.one_way = 10ms;
        const Bytes image = random_image(8U << 20, 9);
        ScriptedSink sink{image.size()};
        const auto result = simulate(image, sink, options);
        CHECK(result.state == stream::SenderState::complete);
        CHECK(result.goodput >= 0.75 * 1e6);
    }
}
