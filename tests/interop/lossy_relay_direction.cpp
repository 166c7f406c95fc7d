#include "tests/interop/lossy_relay_direction.hpp"

#include <algorithm>
#include <chrono>

namespace fwupdate::interop
{

bool Direction::happens(double share)
{
    return share > 0 && std::bernoulli_distribution{share}(random_);
}

Duration Direction::up_to(Duration longest)
{
    return Duration{std::uniform_int_distribution<Duration::rep>{0, longest.count()}(random_)};
}

std::optional<TimePoint> Direction::pass_rate(std::size_t bytes, TimePoint now)
{
    using Seconds = std::chrono::duration<double>;
    if (faults_.rate <= 0)
    {
        return now;
    }
    const TimePoint start = std::max(now, busy_until_);
    if (Seconds{start - now}.count() * faults_.rate > faults_.queue)
    {
        return std::nullopt;
    }
    busy_until_ = start + std::chrono::duration_cast<Duration>(Seconds{static_cast<double>(bytes) / faults_.rate});
    return busy_until_;
}

void Direction::send(std::size_t session, ConstBytes datagram, TimePoint sent)
{
    Duration wait = faults_.delay + up_to(faults_.jitter);
    if (happens(faults_.reordering))
    {
        ++counters_.reordered;
        wait += up_to(faults_.held_back);
    }
    travelling_.push({sent + wait, next_number_++, session, {datagram.begin(), datagram.end()}});
}

void Direction::enter(std::size_t session, ConstBytes datagram, TimePoint now)
{
    ++counters_.datagrams;
    counters_.bytes += datagram.size();
    const std::optional<TimePoint> sent = pass_rate(datagram.size(), now);
    if (!sent)
    {
        ++counters_.dropped;
        return;
    }
    if (happens(faults_.loss))
    {
        ++counters_.lost;
        return;
    }
    send(session, datagram, *sent);
    if (happens(faults_.duplication))
    {
        ++counters_.duplicated;
        send(session, datagram, *sent);
    }
}

std::optional<Travelling> Direction::leave(TimePoint now)
{
    if (travelling_.empty() || travelling_.top().due > now)
    {
        return std::nullopt;
    }
    Travelling first = travelling_.top();
    travelling_.pop();
    return first;
}

std::optional<TimePoint> Direction::next() const
{
    return travelling_.empty() ? std::nullopt : std::optional{travelling_.top().due};
}

} // namespace fwupdate::interop
