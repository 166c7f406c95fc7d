#include "bmc-agent/channels/lan/lockout.hpp"

#include <algorithm>

namespace fwupdate::agent::lan
{

LockOut::LockOut(const config::Lan& lan, const std::vector<config::User>& users)
    : limit_{lan.lockout_failures}, time_{lan.lockout_time}
{
    for (const config::User& user : users)
    {
        entries_[user.name].known = true;
    }
}

bool LockOut::expired(const Entry& entry, TimePoint now) const
{
    return now - entry.last >= time_;
}

bool LockOut::locked(std::string_view name, TimePoint now) const
{
    const auto place = entries_.find(name);
    return place != entries_.end() && place->second.failures >= limit_ && !expired(place->second, now);
}

bool LockOut::failed(std::string_view name, TimePoint now)
{
    auto place = entries_.find(name);
    if (place == entries_.end())
    {
        make_room(now);
        place = entries_.emplace(std::string{name}, Entry{}).first;
    }
    Entry& entry = place->second;
    if (expired(entry, now))
    {
        entry.failures = 0;
    }
    entry.last = now;
    return ++entry.failures == limit_;
}

void LockOut::succeeded(std::string_view name)
{
    if (const auto place = entries_.find(name); place != entries_.end())
    {
        place->second.failures = 0;
    }
}

void LockOut::make_room(TimePoint now)
{
    if (entries_.size() < capacity)
    {
        return;
    }
    std::erase_if(entries_, [&](const auto& item) { return !item.second.known && expired(item.second, now); });
    if (entries_.size() < capacity)
    {
        return;
    }
    // The fewest failures go first: a locked name stays locked whatever else is tried.
    const auto weight = [](const auto& item) { return item.second.known ? ~0U : item.second.failures; };
    entries_.erase(std::ranges::min_element(entries_, {}, weight));
}

} // namespace fwupdate::agent::lan
