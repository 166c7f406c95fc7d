// Sender and receiver over a simulated path with a simulated clock: delay, rate, a queue that drops at its tail, loss,
// duplication, reordering. The rules of rate and queue are those of the emulator the design was measured with.
#pragma once

#include "common/time.hpp"
#include "tests/transports/contract/scripted_sink.hpp"
#include "tests/transports/stream/image.hpp"
#include "transports/stream/bmc/receiver.hpp"
#include "transports/stream/engine/sender.hpp"

#include <functional>
#include <queue>
#include <vector>

namespace fwupdate::test
{

struct PathOptions
{
    Duration one_way{std::chrono::milliseconds{1}};
    double loss{};               ///< of each packet, either direction, 0..1
    double duplication{};        ///< 0..1
    Duration jitter{};           ///< added at random: reorders
    double rate{};               ///< bytes per second; 0: unlimited
    std::size_t queue{1U << 19}; ///< bytes
    std::size_t mtu{65535};      ///< bytes of request data that pass
    double corruption{};         ///< a byte of a packet is changed, 0..1
};

/// How often and how long a process is not scheduled: a busy machine. Without `most`: never.
struct StallOptions
{
    Duration between{}; ///< at most, from the end of a stall to the next one
    Duration least{};   ///< of a stall
    Duration most{};
};

/// When a process runs.
class SimulatedProcess
{
  public:
    SimulatedProcess(const StallOptions& options, TimePoint start, std::uint64_t seed)
        : options_{options}, start_{start}, random_{seed}
    {
    }

    /// When it gets to what happens at `when`.
    [[nodiscard]] TimePoint runs(TimePoint when);
    /// When the first stall behind `when` begins.
    [[nodiscard]] TimePoint next_stall(TimePoint when);

  private:
    struct Stall
    {
        TimePoint begin;
        TimePoint end;
    };

    void draw_stalls(TimePoint until);

    StallOptions options_;
    TimePoint start_;
    Random random_;
    std::vector<Stall> stalls_; ///< ascending; grows as time goes on
};

/// One direction. `relay` is the process that passes the packets on.
class SimulatedDirection
{
  public:
    SimulatedDirection(const PathOptions& options, Random& random, SimulatedProcess& relay)
        : options_{options}, random_{random}, relay_{relay}
    {
    }

    /// `bytes` on the wire, Ethernet framing included.
    void send(Bytes packet, std::size_t bytes, TimePoint now);
    [[nodiscard]] TimePoint next_due() const
    {
        return due_.empty() ? TimePoint::max() : due_.top().when;
    }
    [[nodiscard]] Bytes pop();

    PathOptions& options()
    {
        return options_;
    }

    std::uint64_t queue_drops{};
    std::uint64_t losses{};

  private:
    struct Packet
    {
        TimePoint when;
        std::uint64_t order{};
        Bytes bytes;

        bool operator<(const Packet& other) const
        {
            return when > other.when || (when == other.when && order > other.order);
        }
    };

    PathOptions options_;
    Random& random_;
    SimulatedProcess& relay_;
    TimePoint line_free_;
    std::uint64_t order_{};
    std::priority_queue<Packet> due_;
};

/// What a test may look at and change while it runs.
struct SimulationStep
{
    TimePoint now;
    Duration awake; ///< since the start, without what one of the processes stood still
    ScriptedSink& sink;
    const stream::StreamSender& sender;
    PathOptions& forward;
    PathOptions& back;
};

struct SimulationOptions
{
    PathOptions path;
    stream::SenderOptions sender;
    std::uint32_t window_blocks{32}; ///< of the receiver
    std::uint16_t fragment_size{1388};
    std::size_t max_response{protocol::largest_response};
    std::uint64_t seed{1};
    Duration host_latency{}; ///< up to this long until a woken process runs: a busy machine
    Duration bmc_latency{};
    StallOptions host_stalls;
    StallOptions bmc_stalls;
    StallOptions relay_stalls;
    Duration time_limit{std::chrono::minutes{30}};
    std::function<void(const SimulationStep&)> at_every_step;
};

struct SimulationResult
{
    stream::SenderState state{};
    stream::PathHint hint{};
    Duration elapsed{};
    Duration awake{}; ///< of it, without what one of the processes stood still
    double goodput{}; ///< image bytes per second
    std::uint64_t fragments_sent{};
    std::uint64_t queue_drops{};
    std::size_t most_buffers{};
    std::uint32_t most_outstanding{};
    std::uint64_t steps{};
};

/// Streams the image into the sink; blocks that the sink has already are taken for present.
[[nodiscard]] SimulationResult simulate(const Bytes& image, ScriptedSink& sink, const SimulationOptions& options);

} // namespace fwupdate::test
