// The blobs of all handlers as one list, and the sessions on them.
#pragma once

#include "bmc-agent/blobs/blob_handler.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::agent::blobs
{

/// A session belongs to who opened it: on a channel with users the user, so that a client whose IPMI session broke can
/// go on; on a system interface the host. To everybody else it does not exist.
class BlobManager
{
  public:
    static constexpr Duration idle_limit = std::chrono::minutes{10};
    static constexpr std::size_t most_sessions = 64;        ///< a stock client needs one
    static constexpr std::size_t most_sessions_of_one = 16; ///< so that no owner takes them all

    /// The first handler that serves an id gets it; all outlive the manager. Sessions are numbered from
    /// `first_session` on: nobody should know it beforehand.
    BlobManager(std::vector<BlobHandler*> handlers, SessionId first_session);

    /// The number of ids; enumerate() gives these until the next count().
    [[nodiscard]] std::uint32_t count();

    /// Errors: not_found.
    [[nodiscard]] Result<std::string> enumerate(std::uint32_t index) const;

    /// Errors: not_found (nobody serves the id), invalid_field (neither read nor write), no_space (too many sessions),
    /// those of the handler.
    [[nodiscard]] Result<SessionId> open(std::uint16_t flags, std::string_view id, const Caller& caller, TimePoint now);

    /// No bytes where the session is unknown or not open for reading. Errors: the handler's.
    [[nodiscard]] Result<Bytes> read(const ReadRequest& request, const Caller& caller, TimePoint now);

    // Errors of what follows: not_found (unknown session or id), denied (not open for writing, or the id is open),
    // those of the handler.
    [[nodiscard]] Result<void> write(const WriteRequest& request, const Caller& caller, TimePoint now);
    [[nodiscard]] Result<void> write_meta(const WriteRequest& request, const Caller& caller, TimePoint now);
    [[nodiscard]] Result<void> commit(SessionId session, ConstBytes data, const Caller& caller, TimePoint now);
    [[nodiscard]] Result<void> close(SessionId session, const Caller& caller, TimePoint now);
    [[nodiscard]] Result<void> remove(std::string_view id, const Caller& caller, TimePoint now);
    [[nodiscard]] Result<StatResponse> stat(std::string_view id);
    [[nodiscard]] Result<StatResponse> stat(SessionId session, const Caller& caller, TimePoint now);

  private:
    struct Session
    {
        BlobHandler* handler{};
        std::string id;
        std::uint16_t flags{};
        std::uint8_t channel{}; ///< of its owner
        std::string user;       ///< of its owner; empty: the host
        TimePoint last_used;

        [[nodiscard]] bool belongs_to(const Caller& caller) const
        {
            return channel == caller.channel && user == caller.user;
        }
    };

    void refresh();
    void drop_closed();
    [[nodiscard]] Result<BlobHandler*> handler_of(std::string_view id) const;
    [[nodiscard]] Result<Session*> use(SessionId session, const Caller& caller, TimePoint now);
    [[nodiscard]] SessionId unused_session() const;
    [[nodiscard]] bool has_room(const Caller& caller) const;
    void expire_idle(BlobHandler& handler, TimePoint now);

    std::vector<BlobHandler*> handlers_;
    std::vector<std::string> listed_; ///< of the last count()
    std::map<SessionId, Session> sessions_;
    SessionId next_session_{};
};

} // namespace fwupdate::agent::blobs
