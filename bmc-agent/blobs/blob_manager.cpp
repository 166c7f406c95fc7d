#include "bmc-agent/blobs/blob_manager.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent::blobs
{

BlobManager::BlobManager(std::vector<BlobHandler*> handlers, SessionId first_session)
    : handlers_{std::move(handlers)}, next_session_{first_session}
{
}

std::uint32_t BlobManager::count()
{
    refresh();
    listed_.clear();
    for (const BlobHandler* handler : handlers_)
    {
        std::ranges::move(handler->ids(), std::back_inserter(listed_));
    }
    return static_cast<std::uint32_t>(listed_.size());
}

Result<std::string> BlobManager::enumerate(std::uint32_t index) const
{
    if (index >= listed_.size())
    {
        return fail(ErrorKind::not_found, "no blob has the index " + std::to_string(index) + ": count the blobs first");
    }
    return listed_[index];
}

Result<SessionId> BlobManager::open(std::uint16_t flags, std::string_view id, const Caller& caller, TimePoint now)
{
    refresh();
    const auto handler = handler_of(id);
    if (!handler)
    {
        return handler.error();
    }
    if ((flags & (open_read | open_write)) == 0)
    {
        return fail(ErrorKind::invalid_field, "a blob is opened for reading, for writing, or for both");
    }
    expire_idle(**handler, now);
    if (!has_room(caller))
    {
        return fail(ErrorKind::no_space, "too many blob sessions are open: close some, or wait until they expire");
    }
    const SessionId session = unused_session();
    if (const auto opened = (*handler)->open({session, flags, id}, caller, now); !opened)
    {
        return opened.error();
    }
    sessions_.emplace(session, Session{*handler, std::string{id}, flags, caller.channel, caller.user, now});
    next_session_ = static_cast<SessionId>(session + 1);
    return session;
}

Result<Bytes> BlobManager::read(const ReadRequest& request, const Caller& caller, TimePoint now)
{
    refresh();
    const auto session = use(request.session, caller, now);
    if (!session || ((*session)->flags & open_read) == 0)
    {
        return Bytes{};
    }
    return (*session)->handler->read(request.session, request.offset, request.size);
}

Result<void> BlobManager::write(const WriteRequest& request, const Caller& caller, TimePoint now)
{
    refresh();
    const auto session = use(request.session, caller, now);
    if (!session)
    {
        return session.error();
    }
    if (((*session)->flags & open_write) == 0)
    {
        return fail(ErrorKind::denied, "the blob session is not open for writing");
    }
    return (*session)->handler->write(request.session, request.offset, request.data.view, caller, now);
}

Result<void> BlobManager::write_meta(const WriteRequest& request, const Caller& caller, TimePoint now)
{
    refresh();
    const auto session = use(request.session, caller, now);
    if (!session)
    {
        return session.error();
    }
    return (*session)->handler->write_meta(request.session, request.offset, request.data.view);
}

Result<void> BlobManager::commit(SessionId session, ConstBytes data, const Caller& caller, TimePoint now)
{
    refresh();
    const auto used = use(session, caller, now);
    if (!used)
    {
        return used.error();
    }
    return (*used)->handler->commit(session, data, caller, now);
}

Result<void> BlobManager::close(SessionId session, const Caller& caller, TimePoint now)
{
    refresh();
    const auto used = use(session, caller, now);
    if (!used)
    {
        return used.error();
    }
    return (*used)->handler->close(session, caller, now); // which session has ended is the handler's to say
}

Result<void> BlobManager::remove(std::string_view id, const Caller& caller, TimePoint now)
{
    refresh();
    const auto handler = handler_of(id);
    if (!handler)
    {
        return handler.error();
    }
    expire_idle(**handler, now);
    if (!(*handler)->serves(id)) // it ended with what has expired
    {
        return fail(ErrorKind::not_found, "no blob " + std::string{id});
    }
    if (std::ranges::any_of(sessions_, [&](const auto& entry) { return entry.second.id == id; }))
    {
        return fail(ErrorKind::denied, "the blob " + std::string{id} + " is open: close it first");
    }
    return (*handler)->remove(id, caller, now);
}

Result<StatResponse> BlobManager::stat(std::string_view id)
{
    refresh();
    const auto handler = handler_of(id);
    if (!handler)
    {
        return handler.error();
    }
    return (*handler)->stat(id);
}

Result<StatResponse> BlobManager::stat(SessionId session, const Caller& caller, TimePoint now)
{
    refresh();
    const auto used = use(session, caller, now);
    if (!used)
    {
        return used.error();
    }
    return (*used)->handler->stat(session);
}

void BlobManager::refresh()
{
    for (BlobHandler* handler : handlers_)
    {
        handler->refresh();
    }
    drop_closed();
}

void BlobManager::drop_closed()
{
    std::erase_if(sessions_, [](const auto& entry) { return !entry.second.handler->knows(entry.first); });
}

Result<BlobHandler*> BlobManager::handler_of(std::string_view id) const
{
    const auto place = std::ranges::find_if(handlers_, [&](const BlobHandler* handler) { return handler->serves(id); });
    if (place == handlers_.end())
    {
        return fail(ErrorKind::not_found, "no blob " + std::string{id});
    }
    return *place;
}

Result<BlobManager::Session*> BlobManager::use(SessionId session, const Caller& caller, TimePoint now)
{
    const auto place = sessions_.find(session);
    if (place == sessions_.end() || !place->second.belongs_to(caller))
    {
        return fail(ErrorKind::not_found, "no blob session " + std::to_string(session) +
                                              " of this client: it was closed, expired, or never opened");
    }
    place->second.last_used = now;
    return &place->second;
}

bool BlobManager::has_room(const Caller& caller) const
{
    const auto own =
        std::ranges::count_if(sessions_, [&](const auto& entry) { return entry.second.belongs_to(caller); });
    return sessions_.size() < most_sessions && static_cast<std::size_t>(own) < most_sessions_of_one;
}

/// There is one: there are far fewer sessions than numbers.
SessionId BlobManager::unused_session() const
{
    SessionId session = next_session_;
    while (sessions_.contains(session))
    {
        ++session;
    }
    return session;
}

void BlobManager::expire_idle(BlobHandler& handler, TimePoint now)
{
    for (const auto& [id, session] : sessions_)
    {
        if (session.handler == &handler && now - session.last_used >= idle_limit)
        {
            handler.expire(id, now);
        }
    }
    drop_closed();
}

} // namespace fwupdate::agent::blobs
