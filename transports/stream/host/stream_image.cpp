#include "transports/stream/host/stream_image.hpp"

#include "transports/stream/engine/block_check.hpp"

#include <algorithm>
#include <optional>

namespace fwupdate::stream
{
namespace
{

using std::chrono::milliseconds;

constexpr Duration between_progress = milliseconds{100};
constexpr Duration between_questions = milliseconds{200};

/// Requests of one send(), one behind the other in one buffer.
class MessageBatch
{
  public:
    [[nodiscard]] std::size_t count() const
    {
        return ends_.size();
    }
    void clear()
    {
        bytes_.clear();
        ends_.clear();
    }
    void add(std::uint16_t transfer, const NextFragment& fragment, const Geometry& geometry, const ImageBlock& block)
    {
        const Place place = fragment.place;
        const ConstBytes whole = block.bytes;
        const ConstBytes carried =
            fragment.fill ? whole.first(1) : whole.subspan(geometry.offset(place), geometry.fragment_bytes(place));
        protocol::WriteFragmentRequest request;
        request.transfer = transfer;
        request.flags.bits = static_cast<std::uint8_t>((fragment.acknowledge ? protocol::fragment_acknowledge : 0) |
                                                       (fragment.block_end ? protocol::fragment_block_end : 0));
        request.encoding = fragment.fill ? protocol::BlockEncoding::fill : protocol::BlockEncoding::raw;
        request.block = static_cast<std::uint16_t>(place.block);
        request.offset = static_cast<std::uint16_t>(geometry.offset(place));
        request.data.view = carried;
        codec::append(request, bytes_);
        if (fragment.block_end)
        {
            codec::append(fragment.fill ? block_check(carried) : block.check, bytes_);
        }
        ends_.push_back(bytes_.size());
    }
    /// Views of the messages, valid until the batch changes.
    [[nodiscard]] std::span<const ConstBytes> messages()
    {
        views_.clear();
        std::size_t start = 0;
        for (const std::size_t end : ends_)
        {
            views_.push_back(ConstBytes{bytes_}.subspan(start, end - start));
            start = end;
        }
        return views_;
    }

  private:
    Bytes bytes_;
    std::vector<std::size_t> ends_;
    std::vector<ConstBytes> views_;
};

class Stream
{
  public:
    Stream(ImageReader& image, std::uint16_t transfer, StreamSender& sender, FragmentLink& link,
           const StreamCallbacks& callbacks)
        : image_{image},
          transfer_{transfer},
          sender_{sender},
          link_{link},
          callbacks_{callbacks},
          started_{link.now()},
          arrived_before_{sender.bytes_arrived()}
    {
    }

    StreamOutcome run()
    {
        std::optional<StreamOutcome> outcome;
        while (!outcome)
        {
            outcome = step();
        }
        outcome->hint = sender_.hint(link_.now());
        report(link_.now(), true);
        return *outcome;
    }

  private:
    using Ended = std::optional<StreamOutcome>;

    static StreamOutcome ended(StreamEnd end, std::string text)
    {
        return {end, {}, {}, std::move(text)};
    }

    Ended step()
    {
        const TimePoint now = link_.now();
        if (Ended end = look(now))
        {
            return end;
        }
        batch_.clear();
        bool exhausted = false;
        if (Ended end = gather(now, exhausted))
        {
            return end;
        }
        if (Ended end = send())
        {
            return end;
        }
        const TimePoint deadline = exhausted ? std::min(sender_.deadline(), now + between_questions) : now;
        return receive(deadline);
    }

    /// Whether it is over.
    Ended look(TimePoint now)
    {
        report(now, false);
        switch (sender_.state(now))
        {
        case SenderState::complete:
            return ended(StreamEnd::complete, {});
        case SenderState::no_progress:
            return ended(StreamEnd::no_progress,
                         "The BMC took nothing of the image for some time: check the network, then resume.");
        case SenderState::check_failed:
            return ended(StreamEnd::check_failed, "The BMC found the same block damaged again and again: check the "
                                                  "memory of this machine and of the BMC.");
        case SenderState::running:
            break;
        }
        if (callbacks_.large_messages_lost && sender_.hint(now) == PathHint::large_messages_lost &&
            callbacks_.large_messages_lost())
        {
            return ended(StreamEnd::no_progress, "Large messages do not reach the BMC, small ones do.");
        }
        if (callbacks_.cancelled && callbacks_.cancelled())
        {
            return ended(StreamEnd::interrupted, "The transfer was interrupted; what arrived stays for a resume.");
        }
        return std::nullopt;
    }

    /// Fills the batch; `exhausted`: the sender has nothing more for now.
    Ended gather(TimePoint now, bool& exhausted)
    {
        while (batch_.count() < link_.batch())
        {
            const auto fragment = sender_.next(now);
            if (!fragment)
            {
                exhausted = true;
                return std::nullopt;
            }
            const auto block = image_.block(fragment->place.block);
            if (!block)
            {
                return ended(StreamEnd::image_error, block.error().text);
            }
            batch_.add(transfer_, *fragment, sender_.geometry(), **block);
        }
        return std::nullopt;
    }

    Ended send()
    {
        if (batch_.count() == 0)
        {
            return std::nullopt;
        }
        const auto sent = link_.send(batch_.messages());
        if (!sent)
        {
            const bool length = sent.error().kind == ErrorKind::length;
            return ended(length ? StreamEnd::message_too_large : StreamEnd::link_error, sent.error().text);
        }
        return std::nullopt;
    }

    Ended receive(TimePoint deadline)
    {
        responses_.clear();
        if (const auto waited = link_.wait(deadline, responses_); !waited)
        {
            return ended(StreamEnd::link_error, waited.error().text);
        }
        const TimePoint now = link_.now();
        for (const ipmi::Response& response : responses_)
        {
            if (Ended end = take(response, now))
            {
                return end;
            }
        }
        return std::nullopt;
    }

    Ended take(const ipmi::Response& response, TimePoint now)
    {
        const ipmi::CompletionCode code = response.completion_code;
        if (code == ipmi::CompletionCode::node_busy || code == ipmi::CompletionCode::timeout)
        {
            return std::nullopt; // it counts as lost
        }
        if (code != ipmi::CompletionCode::ok)
        {
            return StreamOutcome{StreamEnd::refused,
                                 code,
                                 {},
                                 "The BMC refused the image's data: " + std::string{ipmi::describe(code)} + "."};
        }
        const auto decoded = codec::decode_response<protocol::WriteFragmentResponse>(response.data);
        if (decoded && decoded->transfer == transfer_)
        {
            sender_.on_acknowledgement(Acknowledgement::from(*decoded), now);
        }
        return std::nullopt;
    }

    void report(TimePoint now, bool last)
    {
        if (!callbacks_.progress || (!last && now - reported_ < between_progress))
        {
            return;
        }
        reported_ = now;
        const double elapsed = std::chrono::duration<double>(now - started_).count();
        const std::uint64_t arrived = sender_.bytes_arrived();
        const double gained = arrived > arrived_before_ ? static_cast<double>(arrived - arrived_before_) : 0;
        callbacks_.progress({arrived, image_.size(), elapsed > 0 ? gained / elapsed : 0, sender_.sent()});
    }

    ImageReader& image_;
    std::uint16_t transfer_;
    StreamSender& sender_;
    FragmentLink& link_;
    const StreamCallbacks& callbacks_;
    TimePoint started_;
    TimePoint reported_;
    std::uint64_t arrived_before_;
    MessageBatch batch_;
    std::vector<ipmi::Response> responses_;
};

} // namespace

StreamOutcome stream_image(ImageReader& image, std::uint16_t transfer, StreamSender& sender, FragmentLink& link,
                           const StreamCallbacks& callbacks)
{
    return Stream{image, transfer, sender, link, callbacks}.run();
}

FillTest fill_test(ImageReader& image)
{
    return [&image](std::uint32_t number)
    {
        const auto block = image.block(number);
        return block && (*block)->uniform;
    };
}

void enter_map(const protocol::GetTransferMapResponse& map, std::vector<bool>& present)
{
    for (std::size_t bit = 0; bit < 8 * map.bitmap.view.size() && map.first_block + bit < present.size(); ++bit)
    {
        present[map.first_block + bit] = (map.bitmap.view[bit / 8] >> bit % 8 & 1) != 0;
    }
}

} // namespace fwupdate::stream
