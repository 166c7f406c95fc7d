#include "tests/transports/stream/simulation.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::test
{
namespace
{

using namespace std::chrono_literals;

/// Bytes that an RMCP+ suite 17 message with `data` bytes of request or response data occupies on Ethernet.
std::size_t on_the_wire(std::size_t data)
{
    constexpr std::size_t ipmi = 7;
    const std::size_t encrypted = 16 + (data + ipmi + 1 + 15) / 16 * 16;
    return 16 + encrypted + 20 + 28 + 38;
}

class Simulation
{
  public:
    Simulation(const Bytes& image, ScriptedSink& sink, const SimulationOptions& options)
        : image_{image},
          sink_{sink},
          options_{options},
          random_{options.seed},
          geometry_{*stream::Geometry::make(image.size(), options.fragment_size)},
          receiver_{geometry_, options.window_blocks, sink, options.max_response},
          sender_{geometry_, present(), options.sender, now_},
          host_{options.host_stalls, start_, options.seed + 1},
          bmc_{options.bmc_stalls, start_, options.seed + 2},
          relay_{options.relay_stalls, start_, options.seed + 3},
          forward_{options.path, random_, relay_},
          back_{reverse(), random_, relay_}
    {
    }

    SimulationResult run()
    {
        send_all();
        while (sender_.state(now_) == stream::SenderState::running && now_ - start_ < options_.time_limit)
        {
            if (options_.at_every_step)
            {
                options_.at_every_step({now_, awake_, sink_, sender_, forward_.options(), back_.options()});
            }
            const TimePoint host = host_.runs(later(std::min(back_.next_due(), sender_.deadline()), host_delay_));
            const TimePoint bmc = bmc_.runs(later(forward_.next_due(), bmc_delay_));
            advance(std::max(now_, std::min(host, bmc)));
            if (bmc <= now_)
            {
                run_bmc();
                bmc_delay_ = draw(options_.bmc_latency);
            }
            if (host <= now_)
            {
                run_host();
                host_delay_ = draw(options_.host_latency);
            }
            ++result_.steps;
        }
        result_.state = sender_.state(now_);
        result_.hint = sender_.hint(now_);
        result_.elapsed = now_ - start_;
        result_.awake = awake_;
        result_.goodput = static_cast<double>(image_.size()) / std::chrono::duration<double>(result_.elapsed).count();
        result_.fragments_sent = sender_.sent();
        result_.queue_drops = forward_.queue_drops;
        return result_;
    }

  private:
    std::vector<bool> present() const
    {
        std::vector<bool> result;
        for (std::uint32_t block = 0; block < geometry_.blocks(); ++block)
        {
            result.push_back(sink_.has_block(block));
        }
        return result;
    }

    /// Counts what all processes run of the time that passes.
    void advance(TimePoint to)
    {
        while (now_ < to)
        {
            const TimePoint all_run = std::max({host_.runs(now_), bmc_.runs(now_), relay_.runs(now_)});
            if (all_run > now_)
            {
                now_ = std::min(all_run, to);
                continue;
            }
            const TimePoint stall =
                std::min({host_.next_stall(now_), bmc_.next_stall(now_), relay_.next_stall(now_), to});
            awake_ += stall - now_;
            now_ = stall;
        }
    }

    PathOptions reverse() const
    {
        PathOptions result = options_.path;
        result.mtu = 65535;
        result.corruption = 0;
        return result;
    }

    void send_all()
    {
        while (const auto fragment = sender_.next(now_))
        {
            const OwnedFragment message =
                fragment->fill ? make_fill(fragment->place.block, byte_of(fragment->place.block), fragment->acknowledge)
                               : make_fragment(image_, geometry_, fragment->place, fragment->acknowledge);
            Bytes packet = codec::encode(message.view());
            if (packet.size() <= options_.path.mtu)
            {
                forward_.send(packet, on_the_wire(packet.size()), now_);
            }
            result_.most_outstanding = std::max(result_.most_outstanding, sender_.outstanding());
        }
    }

    std::uint8_t byte_of(std::uint32_t block) const
    {
        return image_[std::size_t{block} * protocol::block_size];
    }

    static TimePoint later(TimePoint when, Duration delay)
    {
        return when == TimePoint::max() ? when : when + delay;
    }
    Duration draw(Duration latency)
    {
        return Duration{latency > Duration::zero()
                            ? static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(latency.count())))
                            : 0};
    }

    void run_bmc()
    {
        while (forward_.next_due() <= now_)
        {
            const Bytes packet = forward_.pop();
            const auto request = codec::decode_request<protocol::WriteFragmentRequest>(packet);
            const auto outcome = receiver_.on_fragment(*request, false);
            result_.most_buffers = std::max(result_.most_buffers, receiver_.buffers());
            if (outcome && outcome->acknowledgement)
            {
                Bytes answer = codec::encode(outcome->acknowledgement->response(1));
                const std::size_t size = on_the_wire(answer.size() + 1);
                back_.send(std::move(answer), size, now_);
            }
        }
    }

    void run_host()
    {
        while (back_.next_due() <= now_)
        {
            const Bytes packet = back_.pop();
            const auto response = codec::decode_response<protocol::WriteFragmentResponse>(packet);
            sender_.on_acknowledgement(stream::Acknowledgement::from(*response), now_);
        }
        send_all();
    }

    const Bytes& image_;
    ScriptedSink& sink_;
    SimulationOptions options_;
    Random random_;
    TimePoint start_{TimePoint{} + 1h};
    TimePoint now_{start_};
    Duration awake_{};
    stream::Geometry geometry_;
    stream::StreamReceiver receiver_;
    stream::StreamSender sender_;
    SimulatedProcess host_;
    SimulatedProcess bmc_;
    SimulatedProcess relay_;
    SimulatedDirection forward_;
    SimulatedDirection back_;
    SimulationResult result_;
    Duration host_delay_{};
    Duration bmc_delay_{};
};

} // namespace

TimePoint SimulatedProcess::runs(TimePoint when)
{
    if (options_.most == Duration::zero() || when == TimePoint::max())
    {
        return when;
    }
    draw_stalls(when);
    const auto next = std::ranges::upper_bound(stalls_, when, {}, &Stall::begin);
    return next == stalls_.begin() ? when : std::max(when, std::prev(next)->end);
}

TimePoint SimulatedProcess::next_stall(TimePoint when)
{
    if (options_.most == Duration::zero())
    {
        return TimePoint::max();
    }
    draw_stalls(when);
    return std::ranges::upper_bound(stalls_, when, {}, &Stall::begin)->begin;
}

/// One more than those that have begun until then.
void SimulatedProcess::draw_stalls(TimePoint until)
{
    const auto up_to = [this](Duration most)
    { return Duration{static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(most.count()) + 1))}; };
    while (stalls_.empty() || stalls_.back().begin <= until)
    {
        const TimePoint begin = (stalls_.empty() ? start_ : stalls_.back().end) + up_to(options_.between);
        stalls_.push_back({begin, begin + options_.least + up_to(options_.most - options_.least)});
    }
}

void SimulatedDirection::send(Bytes packet, std::size_t bytes, TimePoint now)
{
    now = relay_.runs(now);
    const TimePoint start = std::max(line_free_, now);
    if (options_.rate > 0)
    {
        const double queued = std::chrono::duration<double>(start - now).count() * options_.rate;
        if (queued > static_cast<double>(options_.queue))
        {
            ++queue_drops;
            return;
        }
        line_free_ = start + std::chrono::duration_cast<Duration>(
                                 std::chrono::duration<double>(static_cast<double>(bytes) / options_.rate));
    }
    else
    {
        line_free_ = now;
    }
    if (random_.fraction() < options_.loss)
    {
        ++losses;
        return;
    }
    const int copies = random_.fraction() < options_.duplication ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy)
    {
        const auto extra = Duration{
            options_.jitter > Duration::zero()
                ? static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(options_.jitter.count())))
                : 0};
        Bytes carried = packet;
        if (options_.corruption > 0 && random_.fraction() < options_.corruption)
        {
            carried[protocol::fragment_header_size] ^= 0x01; // past the header: what a CRC-32 is for
        }
        due_.push({relay_.runs(line_free_ + options_.one_way + extra), order_++, std::move(carried)});
    }
}

Bytes SimulatedDirection::pop()
{
    Bytes packet = due_.top().bytes;
    due_.pop();
    return packet;
}

SimulationResult simulate(const Bytes& image, ScriptedSink& sink, const SimulationOptions& options)
{
    return Simulation{image, sink, options}.run();
}

} // namespace fwupdate::test
