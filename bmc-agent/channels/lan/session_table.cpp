#include "bmc-agent/channels/lan/session_table.hpp"

#include <algorithm>

namespace fwupdate::agent::lan
{
namespace
{

constexpr std::size_t most_handles = 255; // the handle is one byte; 0 stands for none

bool open(const std::unique_ptr<Session>& session)
{
    return !session->closed;
}

} // namespace

std::string_view describe(CloseReason reason)
{
    switch (reason)
    {
    case CloseReason::by_request:
        return "closed by its user";
    case CloseReason::by_administrator:
        return "closed by an administrator";
    case CloseReason::idle:
        break;
    }
    return "idle for too long";
}

SessionTable::SessionTable(const config::Lan& lan, Log& log)
    : channel_{lan.channel},
      capacity_{std::min<std::size_t>(lan.max_sessions, most_handles)},
      idle_timeout_{lan.idle_timeout},
      log_{log}
{
}

Session* SessionTable::add(Session session)
{
    if (active() >= places_for(session.limit))
    {
        return nullptr;
    }
    session.handle = free_handle();
    sessions_.push_back(std::make_unique<Session>(std::move(session)));
    return sessions_.back().get();
}

std::size_t SessionTable::places_for(ipmi::Privilege limit) const
{
    const std::size_t reserved = std::min<std::size_t>(2, capacity_ / 2);
    return limit >= ipmi::Privilege::administrator ? capacity_ : capacity_ - reserved;
}

std::uint8_t SessionTable::free_handle() const
{
    std::uint8_t handle = 1;
    while (find_handle(handle) != nullptr)
    {
        ++handle;
    }
    return handle;
}

Session* SessionTable::find(std::uint32_t id)
{
    const auto place = std::ranges::find(sessions_, id, [](const auto& session) { return session->id; });
    return place != sessions_.end() ? place->get() : nullptr;
}

const Session* SessionTable::find(std::uint32_t id) const
{
    const auto place = std::ranges::find(sessions_, id, [](const auto& session) { return session->id; });
    return place != sessions_.end() ? place->get() : nullptr;
}

const Session* SessionTable::find_handle(std::uint8_t handle) const
{
    const auto place = std::ranges::find_if(sessions_, [&](const auto& session)
                                            { return open(session) && session->handle == handle; });
    return place != sessions_.end() ? place->get() : nullptr;
}

bool SessionTable::alive(std::uint32_t id) const
{
    const Session* const session = find(id);
    return session != nullptr && !session->closed;
}

bool SessionTable::full() const
{
    return active() >= capacity_;
}

std::size_t SessionTable::active() const
{
    return static_cast<std::size_t>(std::ranges::count_if(sessions_, open));
}

const Session* SessionTable::nth_active(std::size_t place) const
{
    for (const auto& session : sessions_)
    {
        if (open(session) && --place == 0)
        {
            return session.get();
        }
    }
    return nullptr;
}

void SessionTable::close(Session& session, CloseReason why, TimePoint now)
{
    session.closed = now;
    session.duplicates.clear(); // the answer to its own Close Session comes in after this
    ended_.push_back({session.id, why});
    log_.event(Level::info, "Session closed",
               {{"user", session.caller.user}, {"peer", to_text(session.peer)}, {"why", std::string{describe(why)}}});
}

void SessionTable::announce(TimePoint now)
{
    while (!ended_.empty())
    {
        const Ended ended = ended_.front();
        ended_.erase(ended_.begin());
        if (observer_ != nullptr)
        {
            observer_->session_closed(channel_, ended.id, ended.why, now);
        }
    }
}

void SessionTable::on_timer(TimePoint now)
{
    for (const auto& session : sessions_)
    {
        if (open(session) && now - session->last_activity >= idle_timeout_)
        {
            close(*session, CloseReason::idle, now);
        }
    }
    forget_closed(now);
    announce(now);
}

void SessionTable::forget_closed(TimePoint now)
{
    std::erase_if(sessions_, [&](const auto& session)
                  { return session->closed && now - *session->closed >= DuplicateCache::life; });
    // One-shot clients close a session every few milliseconds: no more of them wait than may be open.
    auto waiting = sessions_.size() - active();
    std::erase_if(sessions_, [&](const auto& session) { return session->closed && waiting-- > capacity_; });
}

std::optional<TimePoint> SessionTable::next_deadline() const
{
    std::optional<TimePoint> next;
    for (const auto& session : sessions_)
    {
        const TimePoint due =
            session->closed ? *session->closed + DuplicateCache::life : session->last_activity + idle_timeout_;
        next = std::min(next.value_or(due), due);
    }
    return next;
}

} // namespace fwupdate::agent::lan
