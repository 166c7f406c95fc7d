// How much of what arrives before a session is looked at: per address and in all.
#pragma once

#include "bmc-agent/channels/lan/endpoint.hpp"
#include "common/time.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

namespace fwupdate::agent::lan
{

/// One packet every `interval` in the long run, `burst` of them at once.
struct Rate
{
    Duration interval{};
    unsigned burst{};
};

/// A rate kept with one point in time (the generic cell rate algorithm).
class RateGate
{
  public:
    /// Whether one more packet fits; if so it is counted.
    [[nodiscard]] bool take(const Rate& rate, TimePoint now);

  private:
    TimePoint due_{}; ///< when the packets counted so far would have arrived at the steady rate
};

/// Both kinds of packets, both ways of counting. RAKP 1 has its own, lower rate: each answer gives the other side a
/// hash of the password to guess at (IPMI 2.0 cannot avoid it).
class PreSessionRates
{
  public:
    /// Any packet outside of a session.
    [[nodiscard]] bool admit(const Peer& peer, TimePoint now);

    /// A RAKP 1 for a session id that was given out. Spoofed addresses don't get here: they never see the id.
    [[nodiscard]] bool admit_rakp1(const Peer& peer, TimePoint now);

  private:
    struct Entry
    {
        AddressGroup group;
        RateGate any;
        RateGate rakp1;
        TimePoint used{};
    };
    static constexpr std::size_t capacity = 256;

    Entry& entry(const Peer& peer, TimePoint now);

    std::vector<Entry> entries_; ///< the least recently used makes room
    RateGate any_;
    RateGate rakp1_;
};

} // namespace fwupdate::agent::lan
