// One direction of the lossy relay: what becomes of each datagram and when. Pure: datagrams and the time go in,
// datagrams come out when they are due.
#pragma once

#include "common/bytes.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <optional>
#include <queue>
#include <random>
#include <vector>

namespace fwupdate::interop
{

/// What the relay does to the datagrams of a direction. Shares are 0..1.
struct Faults
{
    double loss{};
    double duplication{};
    double reordering{};        ///< share of the datagrams that are held back
    Duration delay{};           ///< of every datagram, one way
    Duration jitter{};          ///< up to this much more, evenly distributed
    Duration held_back{};       ///< longest extra delay of a reordered datagram
    double rate{};              ///< bytes per second; 0: unlimited
    double queue{512.0 * 1024}; ///< bytes waiting for the rate, beyond which datagrams are dropped
};

struct Counters
{
    std::uint64_t datagrams{}; ///< that came in
    std::uint64_t bytes{};     ///< of them
    std::uint64_t lost{};      ///< by chance
    std::uint64_t duplicated{};
    std::uint64_t reordered{};
    std::uint64_t dropped{}; ///< by the full queue
};

/// A datagram on its way, and whom it belongs to (the shell's number).
struct Travelling
{
    TimePoint due;
    std::uint64_t number{}; ///< of the datagram, for a stable order
    std::size_t session{};
    Bytes datagram;

    bool operator>(const Travelling& other) const
    {
        return due != other.due ? due > other.due : number > other.number;
    }
};

class Direction
{
  public:
    Direction(const Faults& faults, std::uint64_t seed) : faults_{faults}, random_{seed} {}

    void enter(std::size_t session, ConstBytes datagram, TimePoint now);

    /// The next datagram that is due by `now`.
    [[nodiscard]] std::optional<Travelling> leave(TimePoint now);

    /// When the next one is due.
    [[nodiscard]] std::optional<TimePoint> next() const;

    [[nodiscard]] const Counters& counters() const
    {
        return counters_;
    }

  private:
    [[nodiscard]] bool happens(double share);
    [[nodiscard]] Duration up_to(Duration longest);
    /// When its last byte has passed the rate; none: the queue is full.
    [[nodiscard]] std::optional<TimePoint> pass_rate(std::size_t bytes, TimePoint now);
    void send(std::size_t session, ConstBytes datagram, TimePoint sent);

    Faults faults_;
    std::mt19937_64 random_;
    std::priority_queue<Travelling, std::vector<Travelling>, std::greater<>> travelling_;
    TimePoint busy_until_{};
    std::uint64_t next_number_{};
    Counters counters_;
};

} // namespace fwupdate::interop
