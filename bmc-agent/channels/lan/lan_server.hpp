// The LAN channel's engine: RMCP presence ping, IPMI 2.0 RMCP+ sessions, commands in and out of them. Datagrams go in,
// datagrams come out; sockets and the clock belong to the shell.
#pragma once

#include "bmc-agent/channels/lan/handshake.hpp"
#include "bmc-agent/channels/lan/outbox.hpp"
#include "bmc-agent/channels/lan/session_table.hpp"
#include "bmc-agent/commands/command_table.hpp"
#include "common/rmcpplus/lan_message.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace fwupdate::agent::lan
{

/// What was dropped in silence, for tests and for the log.
struct DropCounters
{
    std::uint64_t malformed{};       ///< not RMCP, wrong lengths, wrong checksums, unknown payloads
    std::uint64_t rate_limited{};    ///< before a session
    std::uint64_t unknown_session{}; ///< an id that does not exist, or does no more
    std::uint64_t unauthentic{};     ///< in a session: not protected, or the wrong code
    std::uint64_t replayed{};        ///< in a session: an authentic number for the second time, or a late repetition
    std::uint64_t amplifying{};      ///< an answer of more than twice its unauthenticated request

    bool operator==(const DropCounters&) const = default;
};

/// What came in between.
[[nodiscard]] DropCounters operator-(const DropCounters& left, const DropCounters& right);

class LanServer
{
  public:
    /// Everything must outlive the server.
    struct Parts
    {
        const config::Lan& lan;
        const std::vector<config::User>& users;
        rmcpplus::Guid guid{}; ///< as on the wire (Get System GUID)
        const CommandTable& commands;
        RandomSource& random;
        Log& log;
    };
    explicit LanServer(const Parts& parts);

    /// One datagram, decrypted in place. What is to be sent is added to `out`; mostly one datagram or none.
    void receive(MutableBytes datagram, const Endpoint& from, TimePoint now, Outbox& out);

    /// When on_timer wants to be called; nothing: not before the next datagram.
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;
    void on_timer(TimePoint now);

    /// One listener for the ends of sessions; nullptr: none.
    void observe(SessionObserver* observer)
    {
        sessions_.observe(observer);
    }
    [[nodiscard]] bool session_alive(std::uint32_t id) const
    {
        return sessions_.alive(id);
    }
    [[nodiscard]] SessionTable& sessions()
    {
        return sessions_;
    }
    [[nodiscard]] const UserDirectory& users() const
    {
        return directory_;
    }
    [[nodiscard]] const config::Lan& lan() const
    {
        return lan_;
    }
    [[nodiscard]] const DropCounters& dropped() const
    {
        return dropped_;
    }

  private:
    void serve(MutableBytes datagram, const Endpoint& from, TimePoint now, Outbox& out);
    void report_drops();
    void ping(ConstBytes datagram, const Endpoint& from, Outbox& out);
    void sessionless_1_5(ConstBytes datagram, const Endpoint& from, TimePoint now, Outbox& out);
    void rmcp_plus(MutableBytes datagram, const Endpoint& from, TimePoint now, Outbox& out);
    void sessionless(ConstBytes datagram, const rmcpplus::RmcpPlusPacket& packet, const Endpoint& from, TimePoint now,
                     Outbox& out);
    void in_session(MutableBytes datagram, const rmcpplus::RmcpPlusPacket& packet, const Endpoint& from, TimePoint now,
                    Outbox& out);

    /// The response to a command outside of a session; nothing: dropped.
    [[nodiscard]] std::optional<Bytes> sessionless_command(ConstBytes message, const Endpoint& from, TimePoint now);
    void command(Session& session, const rmcpplus::LanRequest& request, std::uint32_t sequence, const Endpoint& from,
                 TimePoint now, Outbox& out);
    void respond(Session& session, const rmcpplus::LanRequest& request, const ipmi::Response& response,
                 const Endpoint& to, Outbox& out);
    /// Sends what answers an unauthenticated request, unless it is too long for that.
    void send_unauthenticated(Bytes packet, std::size_t request_size, const Endpoint& to, Outbox& out);
    [[nodiscard]] Outcome dispatch(const rmcpplus::LanRequest& request, const Caller& caller, TimePoint now) const;

    const config::Lan& lan_;
    const CommandTable& commands_;
    Log& log_;
    UserDirectory directory_;
    SessionTable sessions_;
    PreSessionRates rates_;
    Handshake handshake_;
    DropCounters dropped_;
    DropCounters reported_;
    std::optional<TimePoint> report_due_; ///< something was dropped since the last report
};

/// Adds the commands of sessions and of the channel itself to the table: Get Channel Authentication Capabilities, Get
/// Channel Cipher Suites, Set Session Privilege Level, Close Session, Get Session Info, Get Channel Access, Get Channel
/// Info, Get User Access, Get User Name. `server` must outlive the table.
void add_session_commands(CommandTable& table, LanServer& server);

} // namespace fwupdate::agent::lan
