#include "bmc-agent/channels/lan/rate_limit.hpp"

#include <algorithm>

namespace fwupdate::agent::lan
{
namespace
{

using namespace std::chrono_literals;

// A client run needs about seven packets before its session and takes 60 ms: these rates are out of the way of any
// script, and a flood costs little: what passes is answered from memory, without cryptography up to RAKP 1.
constexpr Rate any_per_address{5ms, 400};
constexpr Rate any_in_all{250us, 4'000};
constexpr Rate rakp1_per_address{20ms, 100};
constexpr Rate rakp1_in_all{5ms, 400};

} // namespace

bool RateGate::take(const Rate& rate, TimePoint now)
{
    const TimePoint due = std::max(due_, now) + rate.interval;
    if (due - now > rate.interval * rate.burst)
    {
        return false;
    }
    due_ = due;
    return true;
}

PreSessionRates::Entry& PreSessionRates::entry(const Peer& peer, TimePoint now)
{
    const AddressGroup group = group_of(peer);
    auto place = std::ranges::find(entries_, group, &Entry::group);
    if (place == entries_.end())
    {
        if (entries_.size() < capacity)
        {
            entries_.emplace_back();
            place = entries_.end() - 1;
        }
        else
        {
            place = std::ranges::min_element(entries_, {}, &Entry::used);
        }
        *place = Entry{group, {}, {}, now};
    }
    place->used = now;
    return *place;
}

bool PreSessionRates::admit(const Peer& peer, TimePoint now)
{
    return entry(peer, now).any.take(any_per_address, now) && any_.take(any_in_all, now);
}

bool PreSessionRates::admit_rakp1(const Peer& peer, TimePoint now)
{
    return entry(peer, now).rakp1.take(rakp1_per_address, now) && rakp1_.take(rakp1_in_all, now);
}

} // namespace fwupdate::agent::lan
