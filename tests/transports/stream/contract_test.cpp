#include "tests/transports/contract/receiver_contract.hpp"

#include "tests/transports/stream/image.hpp"
#include "transports/stream/bmc/receiver.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;

namespace
{

/// The peer sends a block's fragments in a shuffled order, some twice.
class StreamUnderTest : public ReceiverUnderTest
{
  public:
    StreamUnderTest(const Bytes& image, ScriptedSink& sink)
        : image_{image}, geometry_{*stream::Geometry::make(image.size(), 1388)}, receiver_{geometry_, 4, sink}
    {
    }

    Result<void> bring(std::uint32_t block) override
    {
        std::vector<std::uint32_t> order;
        for (std::uint32_t index = 0; index < geometry_.block_fragments(block); ++index)
        {
            order.insert(order.begin() + static_cast<std::ptrdiff_t>(random_.below(order.size() + 1)), index);
        }
        for (const std::uint32_t index : order)
        {
            const auto fragment = make_fragment(image_, geometry_, {block, index});
            for (std::uint64_t copies = 1 + random_.below(2); copies > 0; --copies)
            {
                if (const auto outcome = receiver_.on_fragment(fragment.view(), false); !outcome)
                {
                    return outcome.error();
                }
            }
        }
        return {};
    }
    void close() override
    {
        receiver_.close();
    }

  private:
    const Bytes& image_;
    stream::Geometry geometry_;
    stream::StreamReceiver receiver_;
    Random random_{1};
};

} // namespace

TEST_CASE("The block stream keeps the contract of every transport")
{
    check_receiver_contract([](const Bytes& image, ScriptedSink& sink)
                            { return std::make_unique<StreamUnderTest>(image, sink); });
}
