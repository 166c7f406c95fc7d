#include "bmc-agent/channels/lan/half_open.hpp"

#include <algorithm>

namespace fwupdate::agent::lan
{
namespace
{

constexpr std::size_t least_per_group = 4;

} // namespace

HalfOpenTable::HalfOpenTable(std::size_t capacity)
    : capacity_{capacity}, capacity_per_group_{std::min(capacity, std::max(capacity / 2, least_per_group))}
{
}

HalfOpen* HalfOpenTable::add(HalfOpen entry, std::uint32_t dice)
{
    if (!make_room(group_of(entry.peer), dice))
    {
        return nullptr;
    }
    return &entries_.emplace_back(std::move(entry));
}

bool HalfOpenTable::make_room(const AddressGroup& group, std::uint32_t dice)
{
    const auto same_group = [&](const HalfOpen& entry) { return group_of(entry.peer) == group; };
    const auto unproven = [](const HalfOpen& entry) { return !entry.claim; };
    if (static_cast<std::size_t>(std::ranges::count_if(entries_, same_group)) >= capacity_per_group_)
    {
        const auto victim =
            std::ranges::find_if(entries_, [&](const HalfOpen& entry) { return same_group(entry) && unproven(entry); });
        if (victim == entries_.end())
        {
            return false;
        }
        entries_.erase(victim);
        return true;
    }
    if (entries_.size() < capacity_)
    {
        return true;
    }
    const auto candidates = static_cast<std::uint32_t>(std::ranges::count_if(entries_, unproven));
    if (candidates == 0)
    {
        return false;
    }
    auto left = dice % candidates;
    entries_.erase(
        std::ranges::find_if(entries_, [&](const HalfOpen& entry) { return unproven(entry) && left-- == 0; }));
    return true;
}

HalfOpen* HalfOpenTable::find(std::uint32_t id)
{
    const auto place = std::ranges::find(entries_, id, &HalfOpen::id);
    return place != entries_.end() ? &*place : nullptr;
}

HalfOpen* HalfOpenTable::find_retry(const Peer& peer, ConstBytes request)
{
    const auto same = [&](const HalfOpen& entry)
    { return !entry.claim && entry.peer == peer && std::ranges::equal(entry.request, request); };
    const auto place = std::ranges::find_if(entries_, same);
    return place != entries_.end() ? &*place : nullptr;
}

void HalfOpenTable::remove(std::uint32_t id)
{
    std::erase_if(entries_, [&](const HalfOpen& entry) { return entry.id == id; });
}

std::size_t HalfOpenTable::reap(TimePoint now)
{
    const auto over = [&](const HalfOpen& entry) { return now - entry.opened >= life; };
    const auto claimed = [&](const HalfOpen& entry) { return over(entry) && entry.claim.has_value(); };
    const auto abandoned = std::ranges::count_if(entries_, claimed);
    std::erase_if(entries_, over);
    return static_cast<std::size_t>(abandoned);
}

std::optional<TimePoint> HalfOpenTable::next_deadline() const
{
    return entries_.empty() ? std::nullopt : std::optional{entries_.front().opened + life};
}

} // namespace fwupdate::agent::lan
