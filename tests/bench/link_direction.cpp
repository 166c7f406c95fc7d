#include "tests/bench/link_direction.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace fwupdate::bench
{

std::optional<TimePoint> LinkDirection::transmitted(std::size_t length, TimePoint now) const
{
    using Seconds = std::chrono::duration<double>;
    if (properties_.rate <= 0)
    {
        return now;
    }
    const TimePoint start = std::max(busy_until_, now);
    if (Seconds{start - now}.count() * properties_.rate > properties_.queue_limit)
    {
        return std::nullopt;
    }
    const auto bytes = static_cast<double>(length + properties_.overhead);
    return start + std::chrono::duration_cast<Duration>(Seconds{bytes / properties_.rate});
}

void LinkDirection::enter(ConstBytes packet, TimePoint now)
{
    ++counters_.packets;
    const std::optional<TimePoint> sent = transmitted(packet.size(), now);
    if (!sent)
    {
        ++counters_.dropped;
        return;
    }
    busy_until_ = *sent;
    if (std::bernoulli_distribution{properties_.loss}(random_))
    {
        ++counters_.lost;
        return;
    }
    travelling_.push_back({*sent + properties_.delay, {packet.begin(), packet.end()}});
}

std::optional<Bytes> LinkDirection::leave(TimePoint now)
{
    if (travelling_.empty() || travelling_.front().due > now)
    {
        return std::nullopt;
    }
    Bytes packet = std::move(travelling_.front().packet);
    travelling_.pop_front();
    return packet;
}

std::optional<TimePoint> LinkDirection::next() const
{
    return travelling_.empty() ? std::nullopt : std::optional{travelling_.front().due};
}

} // namespace fwupdate::bench
