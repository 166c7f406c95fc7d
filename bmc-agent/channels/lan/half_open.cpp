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

std::size_t HalfOpenTable::count(const AddressGroup& group) const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(entries_, [&](const HalfOpen& entry) { return group_of(entry.peer) == group; }));
}

bool HalfOpenTable::make_room(const AddressGroup& group, std::uint32_t dice)
{
    const std::size_t own = count(group);
    if (own < capacity_per_group_ && entries_.size() < capacity_)
    {
        return true;
    }
    if (own >= capacity_per_group_)
    {
        return drop_one_of([&](const HalfOpen& entry) { return group_of(entry.peer) == group; }, 0, false);
    }
    std::size_t most = 0;
    for (const HalfOpen& entry : entries_)
    {
        most = std::max(most, count(group_of(entry.peer)));
    }
    return drop_one_of([&](const HalfOpen& entry) { return count(group_of(entry.peer)) == most; }, dice,
                       own + 1 < most);
}

/// Who has not sent RAKP 1 yet goes first: the dice choose. Else, if `claims_too`, the longest waiting.
bool HalfOpenTable::drop_one_of(const std::function<bool(const HalfOpen&)>& candidate, std::uint32_t dice,
                                bool claims_too)
{
    const auto unproven = [&](const HalfOpen& entry) { return !entry.claim && candidate(entry); };
    const auto choice = static_cast<std::uint32_t>(std::ranges::count_if(entries_, unproven));
    auto left = choice == 0 ? 0 : dice % choice;
    const auto victim = choice != 0 ? std::ranges::find_if(entries_, [&](const HalfOpen& entry)
                                                           { return unproven(entry) && left-- == 0; })
                                    : std::ranges::find_if(entries_, candidate);
    if (choice == 0 && !claims_too)
    {
        return false;
    }
    entries_.erase(victim);
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
