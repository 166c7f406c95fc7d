#include "tests/transports/stream/simulation.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using namespace std::chrono_literals;

namespace
{

constexpr double link_rate = 100e6 / 8; ///< bytes per second

} // namespace

TEST_CASE("A 100 Mbit/s link with a 512 KB queue is used to 80 % and more")
{
    const Bytes image = random_image(64U << 20, 7);
    for (const Duration round_trip : {Duration{1ms}, Duration{10ms}, Duration{50ms}})
    {
        for (const double loss : {0.0, 0.01, 0.05})
        {
            CAPTURE(round_trip.count());
            CAPTURE(loss);
            ScriptedSink sink{image.size()};
            SimulationOptions options;
            options.path.one_way = round_trip / 2;
            options.path.loss = loss;
            options.path.rate = link_rate;
            options.sender.window = 1024;
            options.sender.window_blocks = options.window_blocks;
            const auto result = simulate(image, sink, options);
            CHECK(result.state == stream::SenderState::complete);
            CHECK(sink.image() == image);
            CHECK(result.goodput >= 0.80 * link_rate);
            CHECK(result.most_buffers <= options.window_blocks);
        }
    }
}
