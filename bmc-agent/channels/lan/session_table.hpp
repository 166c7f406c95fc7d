// The open sessions of a LAN channel: who has one, until when, and who wants to know that one has ended.
#pragma once

#include "bmc-agent/channels/lan/session.hpp"
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/log/log.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace fwupdate::agent::lan
{

/// Why a session ended.
enum class CloseReason : std::uint8_t
{
    by_request,       ///< its own Close Session
    by_administrator, ///< another session's Close Session
    idle,             ///< nothing authentic came for the idle time-out
};

[[nodiscard]] std::string_view describe(CloseReason reason);

/// The rest of the agent, which follows the sessions (update mode has an owner).
class SessionObserver
{
  public:
    virtual ~SessionObserver() = default;

    /// The session is over; called once. The response to Close Session is then in the outbox, not yet on the wire.
    virtual void session_closed(std::uint8_t channel, std::uint32_t session, CloseReason why, TimePoint now) = 0;
};

class SessionTable
{
  public:
    SessionTable(const config::Lan& lan, Log& log);

    void observe(SessionObserver* observer)
    {
        observer_ = observer;
    }

    /// Takes a session and gives it a handle; nullptr: all places are taken. Open sessions never make room; the last
    /// two places (of a few: the last one) are for administrators, whom the others must not keep out.
    [[nodiscard]] Session* add(Session session);

    /// Open or lately closed; nullptr: no such id.
    [[nodiscard]] Session* find(std::uint32_t id);
    [[nodiscard]] const Session* find(std::uint32_t id) const;

    /// Open; nullptr: none.
    [[nodiscard]] const Session* find_handle(std::uint8_t handle) const;
    [[nodiscard]] bool alive(std::uint32_t id) const;
    [[nodiscard]] bool full() const;

    /// Number of open sessions, and the session at a 1-based place among them (nullptr: fewer).
    [[nodiscard]] std::size_t active() const;
    [[nodiscard]] const Session* nth_active(std::size_t place) const;
    [[nodiscard]] std::size_t capacity() const
    {
        return capacity_;
    }

    /// Ends an open session. It stays for a while to answer a repeated Close Session.
    void close(Session& session, CloseReason why, TimePoint now);

    /// Tells the observer what was closed since the last call; the engine calls it when the answer is in the outbox.
    void announce(TimePoint now);

    /// Closes what is idle and forgets what was closed long ago.
    void on_timer(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  private:
    struct Ended
    {
        std::uint32_t id{};
        CloseReason why{};
    };

    [[nodiscard]] std::size_t places_for(ipmi::Privilege limit) const;
    [[nodiscard]] std::uint8_t free_handle() const;
    void forget_closed(TimePoint now);

    std::uint8_t channel_;
    std::size_t capacity_;
    Duration idle_timeout_;
    Log& log_;
    SessionObserver* observer_{};
    std::vector<std::unique_ptr<Session>> sessions_; ///< in the order of opening
    std::vector<Ended> ended_;
};

} // namespace fwupdate::agent::lan
