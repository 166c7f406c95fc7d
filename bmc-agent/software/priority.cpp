#include "bmc-agent/software/priority.hpp"

#include <algorithm>
#include <limits>

namespace fwupdate::agent::software
{
namespace
{

constexpr std::uint8_t last_priority = std::numeric_limits<std::uint8_t>::max();
constexpr unsigned failed_rank = 999; ///< behind every active version

unsigned rank_of(const Kept& version)
{
    return version.activation == Activation::failed ? failed_rank : version.priority;
}

} // namespace

std::vector<Ranked> give_priority(std::vector<Ranked> versions, std::string_view id, std::uint8_t priority)
{
    std::ranges::stable_sort(versions, {}, &Ranked::priority);
    std::uint8_t taken = priority;
    for (Ranked& version : versions)
    {
        if (version.id == id)
        {
            version.priority = priority;
        }
        else if (version.priority == taken && taken != last_priority)
        {
            version.priority = ++taken;
        }
    }
    std::ranges::stable_sort(versions, {}, &Ranked::priority);
    return versions;
}

std::vector<std::string> to_be_freed(const std::vector<Kept>& versions, std::string_view caller, std::uint8_t most)
{
    std::vector<Kept> candidates;
    std::size_t count = 0;
    for (const Kept& version : versions)
    {
        if (version.activation != Activation::active && version.activation != Activation::failed)
        {
            continue;
        }
        ++count;
        if (version.id != caller && (!version.functional || most <= 1))
        {
            candidates.push_back(version);
        }
    }
    std::ranges::stable_sort(candidates, std::greater{}, rank_of);
    std::vector<std::string> freed;
    for (const Kept& candidate : candidates)
    {
        if (count < most)
        {
            break;
        }
        freed.push_back(candidate.id);
        --count;
    }
    return freed;
}

} // namespace fwupdate::agent::software
