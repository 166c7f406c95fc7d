// The block stream's sender under a hostile BMC: acknowledgements of any content, at any time. What must hold: it never
// crashes, keeps to the window, names only fragments that exist, and its own time never stands still.
#include "transports/stream/engine/sender.hpp"

#include <algorithm>
#include <cstdlib>

using namespace fwupdate;
using namespace std::chrono_literals;

namespace
{

void require(bool holds)
{
    if (!holds)
    {
        std::abort();
    }
}

void drain(stream::StreamSender& sender, TimePoint now, std::uint32_t window)
{
    for (int count = 0; count < 2000; ++count)
    {
        const auto fragment = sender.next(now);
        if (!fragment)
        {
            const TimePoint deadline = sender.deadline();
            require(deadline > now || sender.state(now) != stream::SenderState::running);
            return;
        }
        const auto& geometry = sender.geometry();
        require(fragment->place.block < geometry.blocks());
        require(fragment->place.index < geometry.block_fragments(fragment->place.block));
        require(sender.outstanding() <= window);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 8)
    {
        return 0;
    }
    stream::SenderOptions options;
    options.window = 1U + data[0] * 4U;
    options.window_blocks = 1U + data[1] % 64;
    options.is_fill = [fill = data[2]](std::uint32_t block) { return block % 8 < fill % 8; };
    const std::uint64_t image = 1 + data[3] * std::uint64_t{20'011} + data[4];
    const auto geometry = *stream::Geometry::make(image, 200U + data[5] * 64U);
    TimePoint now{1h};
    stream::StreamSender sender{geometry, {}, options, now};
    ConstBytes rest{data + 6, size - 6};
    while (rest.size() > 2)
    {
        drain(sender, now, options.window);
        const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 2);
        now += Duration{std::chrono::microseconds{rest[1] * 1000}};
        const auto response = codec::decode_response<protocol::WriteFragmentResponse>(rest.subspan(2, length));
        if (response)
        {
            sender.on_acknowledgement(stream::Acknowledgement::from(*response), now);
            require(sender.bytes_arrived() <= image);
        }
        else
        {
            now = std::max(now, std::min(sender.deadline(), now + 1s));
        }
        rest = rest.subspan(2 + length);
    }
    return 0;
}
