// How fast the engines are by themselves: fragments per second of the receiver, and of sender and receiver together
// with no network between them. Prints a table; no test. Argument: image size in MiB, default 256.
#include "tests/transports/stream/image.hpp"
#include "transports/stream/bmc/receiver.hpp"
#include "transports/stream/engine/sender.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>

using namespace fwupdate;
using namespace fwupdate::test;

namespace
{

/// Keeps nothing: only the engines are measured.
class BottomlessSink : public transports::ImageSink
{
  public:
    explicit BottomlessSink(std::uint64_t size) : size_{size}, staged_((size + 65'535) / 65'536) {}

    [[nodiscard]] std::uint64_t size() const override
    {
        return size_;
    }
    [[nodiscard]] bool has_block(std::uint32_t block) const override
    {
        return staged_[block];
    }
    [[nodiscard]] Result<void> write_block(std::uint32_t block, ConstBytes) override
    {
        staged_[block] = true;
        return {};
    }

  private:
    std::uint64_t size_;
    std::vector<bool> staged_;
};

/// Processor time, so that a busy machine does not matter.
void report(const char* what, std::uint64_t fragments, std::uint64_t bytes, std::clock_t start)
{
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::printf("%-38s %9.0f fragments/s %8.1f MB/s\n", what, static_cast<double>(fragments) / seconds,
                static_cast<double>(bytes) / seconds / 1e6);
}

/// One block's worth of image, repeated: the fragments stay in the cache, as datagrams just received do.
void receiver_alone(std::uint64_t size)
{
    const Bytes block = random_image(protocol::block_size, 1);
    const auto one = *stream::Geometry::make(protocol::block_size, 1388);
    auto fragments = all_fragments(block, one);
    const auto geometry = *stream::Geometry::make(size, 1388);
    BottomlessSink sink{size};
    stream::StreamReceiver receiver{geometry, 32, sink};
    const std::clock_t start = std::clock();
    for (std::uint32_t at = 0; at < geometry.blocks(); ++at)
    {
        int number = 0;
        for (OwnedFragment& fragment : fragments)
        {
            auto request = fragment.view();
            request.block = static_cast<std::uint16_t>(at);
            request.flags.bits = static_cast<std::uint8_t>(request.flags.bits | (++number % 8 == 0 ? 1 : 0));
            static_cast<void>(receiver.on_fragment(request, false));
        }
    }
    report("receiver, CRC-32 included", receiver.received(), size, start);
}

/// `lost`: one fragment of so many is dropped; 0: none. `pipe`: fragments under way.
void sender_and_receiver(const char* what, std::uint64_t size, unsigned lost, std::size_t pipe)
{
    const Bytes block = random_image(protocol::block_size, 1);
    const auto fragments = all_fragments(block, *stream::Geometry::make(protocol::block_size, 1388));
    const auto geometry = *stream::Geometry::make(size, 1388);
    BottomlessSink sink{size};
    stream::StreamReceiver receiver{geometry, 32, sink};
    stream::SenderOptions options;
    options.window = 1024;
    options.window_blocks = 32;
    TimePoint now{std::chrono::hours{1}};
    stream::StreamSender sender{geometry, {}, options, now};
    std::deque<stream::NextFragment> under_way;
    const std::clock_t start = std::clock();
    while (!sender.complete())
    {
        now += std::chrono::microseconds{2};
        const auto next = sender.next(now);
        if (next && (lost == 0 || sender.sent() % lost != 0))
        {
            under_way.push_back(*next);
        }
        if (under_way.empty() || (next && under_way.size() < pipe))
        {
            continue;
        }
        const stream::NextFragment& arrived = under_way.front();
        auto request = fragments[arrived.place.index].view();
        request.block = static_cast<std::uint16_t>(arrived.place.block);
        request.flags.bits = static_cast<std::uint8_t>((request.flags.bits & 2U) | (arrived.acknowledge ? 1U : 0U));
        const auto outcome = receiver.on_fragment(request, false);
        under_way.pop_front();
        if (outcome && outcome->acknowledgement)
        {
            sender.on_acknowledgement(*outcome->acknowledgement, now);
        }
    }
    report(what, sender.sent(), size, start);
}

} // namespace

int main(int count, char** arguments)
{
    const std::uint64_t mebibytes = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 256;
    const std::uint64_t size = std::max<std::uint64_t>(mebibytes, 1) << 20;
    receiver_alone(size);
    sender_and_receiver("sender + receiver, 32 under way", size, 0, 32);
    sender_and_receiver("sender + receiver, 500 under way", size, 0, 500);
    sender_and_receiver("the same, 5 % lost", size, 20, 500);
    return 0;
}
