// The block stream's receiver under hostile fragments. What must hold: it never crashes, memory stays inside the
// window, acknowledgements are true and fit the channel, a block reaches the sink once and with its own size.
#include "tests/transports/contract/scripted_sink.hpp"
#include "tests/transports/stream/image.hpp"
#include "transports/stream/bmc/receiver.hpp"

#include <algorithm>
#include <cstdlib>

using namespace fwupdate;

namespace
{

void require(bool holds)
{
    if (!holds)
    {
        std::abort();
    }
}

/// Takes the input from its front; zeros when it is used up.
class Input
{
  public:
    explicit Input(ConstBytes bytes) : rest_{bytes} {}

    std::uint32_t number(std::size_t bytes)
    {
        std::uint32_t value = 0;
        for (const std::uint8_t byte : take(bytes))
        {
            value = value << 8 | byte;
        }
        return value;
    }
    ConstBytes take(std::size_t bytes)
    {
        const ConstBytes taken = rest_.first(std::min(bytes, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    [[nodiscard]] bool empty() const
    {
        return rest_.empty();
    }

  private:
    ConstBytes rest_;
};

class Target
{
  public:
    explicit Target(Input& input)
        : image_{test::random_image(1 + input.number(3) % 150'000, 1)},
          geometry_{*stream::Geometry::make(image_.size(), 1 + input.number(2) % 65'535)},
          window_{input.number(1) % 8},
          max_response_{input.number(2) % 1000},
          sink_{image_.size()},
          receiver_{geometry_, window_, sink_, max_response_}
    {
    }

    void step(Input& input)
    {
        switch (input.number(1) % 8)
        {
        case 0: // any bytes
            offer(input.take(input.number(1)));
            break;
        case 1: // another transport
        {
            const std::uint32_t block = input.number(1) % geometry_.blocks();
            sink_.put(block, ConstBytes{image_}.subspan(std::size_t{block} * protocol::block_size,
                                                        geometry_.block_bytes(block)));
            break;
        }
        case 2:
            sink_.fail_once(input.number(1) % geometry_.blocks(), ErrorKind::input_output);
            break;
        case 3:
            receiver_.close();
            break;
        case 4: // a run of good fragments
            for (std::uint32_t at = input.number(2), count = input.number(1); count > 0; --count, ++at)
            {
                offer_good(at, false);
            }
            break;
        default:
            offer_good(input.number(3), input.number(1) % 2 == 0);
            break;
        }
        require(receiver_.buffers() <= std::max(window_, 1U));
    }

  private:
    void offer_good(std::uint32_t number, bool damage)
    {
        auto fragment =
            test::make_fragment(image_, geometry_, geometry_.place(number % geometry_.fragments()), number % 8 == 0);
        fragment.data[fragment.data.size() / 2] ^= damage ? 1 : 0;
        offer(codec::encode(fragment.view()));
    }

    void offer(ConstBytes message)
    {
        const auto request = codec::decode_request<protocol::WriteFragmentRequest>(message);
        if (!request)
        {
            return;
        }
        const std::size_t writes = sink_.writes().size();
        const bool known = sink_.has_block(request->block);
        const auto outcome = receiver_.on_fragment(*request, false);
        require(!known || sink_.writes().size() == writes);
        require(sink_.writes().size() <= writes + 1);
        if (outcome && outcome->acknowledgement)
        {
            check(*outcome->acknowledgement);
        }
    }

    void check(const stream::Acknowledgement& acknowledgement)
    {
        require(codec::encode(acknowledgement.response(1)).size() <=
                std::max(max_response_, stream::acknowledgement_header_size));
        require(acknowledgement.first_missing <= geometry_.fragments());
        require(acknowledgement.fragment < geometry_.fragments());
        require(acknowledgement.received >= received_);
        received_ = acknowledgement.received;
        for (std::uint32_t block = 0; block < geometry_.blocks(); ++block)
        {
            const bool passed =
                geometry_.first_fragment(block) + geometry_.block_fragments(block) <= acknowledgement.first_missing;
            require(!passed || sink_.has_block(block));
        }
    }

    Bytes image_;
    stream::Geometry geometry_;
    std::uint32_t window_;
    std::size_t max_response_;
    test::ScriptedSink sink_;
    stream::StreamReceiver receiver_;
    std::uint32_t received_{};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input{{data, size}};
    Target target{input};
    while (!input.empty())
    {
        target.step(input);
    }
    return 0;
}
