// Both engines on a busy machine: the two ends and what is between them stand still for a moment, now and then. Nothing
// is lost by that, so little may be sent twice; and whenever all of them run, the link is used.
#include "tests/transports/stream/simulation.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fwupdate;
using namespace fwupdate::test;
using namespace std::chrono_literals;

namespace
{

constexpr double link_rate = 60e6 / 8; ///< bytes per second
constexpr std::uint64_t tail_bytes = 640 * 1024;

/// A transfer that is resumed: of the first 47 blocks most are there.
struct Resumed
{
    Bytes image = random_image((16U << 20) + 4242, 1);
    ScriptedSink sink{image.size()};
    std::uint64_t missing = image.size(); ///< bytes
    std::uint64_t missing_fragments = stream::Geometry::make(image.size(), 1388)->fragments();

    Resumed()
    {
        for (std::uint32_t block = 0; block < 47; ++block)
        {
            if (block % 9 != 5)
            {
                sink.put(block, ConstBytes{image}.subspan(std::size_t{block} * 65'536, 65'536));
                missing -= 65'536;
                missing_fragments -= 48;
            }
        }
    }
};

SimulationOptions local_link(std::uint64_t seed)
{
    SimulationOptions options;
    options.seed = seed;
    options.path.rate = link_rate;
    options.path.one_way = 100us;
    options.sender.window = 1024;
    options.sender.window_blocks = options.window_blocks;
    return options;
}

double rate_of(std::uint64_t bytes, Duration time)
{
    return static_cast<double>(bytes) / std::chrono::duration<double>(std::max(time, Duration{1})).count();
}

void check_transfer(SimulationOptions options)
{
    CAPTURE(options.seed);
    Resumed resumed;
    Duration tail_from{};
    options.at_every_step = [&](const SimulationStep& step)
    {
        const bool in_tail = step.sender.bytes_arrived() + tail_bytes >= resumed.image.size();
        tail_from = in_tail ? tail_from : step.awake;
    };
    const auto result = simulate(resumed.image, resumed.sink, options);
    CHECK(result.state == stream::SenderState::complete);
    CHECK(resumed.sink.image() == resumed.image);
    CHECK(result.queue_drops == 0);
    CHECK(static_cast<double>(result.fragments_sent) <= 1.04 * static_cast<double>(resumed.missing_fragments));
    CHECK(rate_of(resumed.missing, result.awake) >= 0.75 * link_rate);
    CHECK(rate_of(tail_bytes, result.awake - tail_from) >= 0.5 * link_rate);
}

} // namespace

TEST_CASE("Stalls of the host, the BMC and the relay, alone and together: nothing is lost, little is sent twice")
{
    for (const Duration between : {Duration{300ms}, Duration{1s}})
    {
        const StallOptions stalls{between, 50ms, 500ms};
        CAPTURE(between.count());
        for (unsigned who = 1; who < 8; ++who)
        {
            CAPTURE(who);
            for (std::uint64_t seed = 1; seed <= 5; ++seed)
            {
                SimulationOptions options = local_link(seed);
                options.host_stalls = (who & 1) != 0 ? stalls : StallOptions{};
                options.bmc_stalls = (who & 2) != 0 ? stalls : StallOptions{};
                options.relay_stalls = (who & 4) != 0 ? stalls : StallOptions{};
                check_transfer(options);
            }
        }
    }
}

TEST_CASE("A machine so busy that everyone stands still for some milliseconds all the time")
{
    const StallOptions stalls{100ms, 1ms, 10ms};
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
    {
        SimulationOptions options = local_link(seed);
        options.host_stalls = options.bmc_stalls = options.relay_stalls = stalls;
        check_transfer(options);
    }
}
