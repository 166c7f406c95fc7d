// One direction of an emulated link: a rate with a tail-drop queue in front of it, a delay, random loss. Pure: packets
// and the time go in, packets come out when they are due.
#pragma once

#include "common/bytes.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <random>

namespace fwupdate::bench
{

struct LinkProperties
{
    Duration delay{};       ///< one way
    double loss{};          ///< share of the packets, 0..1; decided behind the queue, so a lost packet cost its time
    double rate{};          ///< bytes per second on the wire; 0: unlimited
    double queue_limit{};   ///< bytes waiting, beyond which packets are dropped; only with a rate
    std::uint64_t seed{};   ///< of the losses
    std::size_t overhead{}; ///< bytes a packet costs on the wire besides its own
};

/// Ethernet's share of a packet: preamble 8, header 14, frame check 4, gap 12 bytes.
inline constexpr std::size_t ethernet_overhead = 38;

struct LinkCounters
{
    std::uint64_t packets{}; ///< that entered
    std::uint64_t lost{};    ///< at random
    std::uint64_t dropped{}; ///< by the full queue
};

class LinkDirection
{
  public:
    explicit LinkDirection(const LinkProperties& properties) : properties_{properties}, random_{properties.seed} {}

    void enter(ConstBytes packet, TimePoint now);

    /// The next packet that has arrived by `now`, in the order they entered.
    [[nodiscard]] std::optional<Bytes> leave(TimePoint now);

    /// When the next one arrives.
    [[nodiscard]] std::optional<TimePoint> next() const;

    [[nodiscard]] const LinkCounters& counters() const
    {
        return counters_;
    }

  private:
    struct Travelling
    {
        TimePoint due;
        Bytes packet;
    };

    /// The moment the packet's last bit is on the wire; nothing where the queue has no room for it.
    [[nodiscard]] std::optional<TimePoint> transmitted(std::size_t length, TimePoint now) const;

    LinkProperties properties_;
    std::mt19937_64 random_;
    std::deque<Travelling> travelling_;
    TimePoint busy_until_{};
    LinkCounters counters_;
};

} // namespace fwupdate::bench
