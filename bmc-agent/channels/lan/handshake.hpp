// The BMC's half of opening an RMCP+ session: Open Session and RAKP 1 to 4 (IPMI 2.0 sections 13.17 to 13.24).
// Until RAKP 3 has proved the password, nothing is answered with more than twice the bytes of its request.
#pragma once

#include "bmc-agent/channels/lan/half_open.hpp"
#include "bmc-agent/channels/lan/lockout.hpp"
#include "bmc-agent/channels/lan/rate_limit.hpp"
#include "bmc-agent/channels/lan/session_table.hpp"
#include "bmc-agent/channels/lan/user_directory.hpp"
#include "common/random.hpp"
#include "common/rmcpplus/handshake.hpp"
#include "common/rmcpplus/packet.hpp"

#include <optional>
#include <vector>

namespace fwupdate::agent::lan
{

/// What goes back, outside of a session.
struct HandshakeReply
{
    rmcpplus::PayloadType type{};
    Bytes payload;
};

class Handshake
{
  public:
    struct Parts
    {
        const config::Lan& lan;
        const std::vector<config::User>& users;
        const UserDirectory& directory;
        rmcpplus::Guid guid{}; ///< as on the wire (Get System GUID)
        SessionTable& sessions;
        PreSessionRates& rates;
        RandomSource& random;
        Log& log;
    };
    explicit Handshake(const Parts& parts);

    /// One payload of types 10h, 12h, 14h; nothing: dropped in silence.
    [[nodiscard]] std::optional<HandshakeReply> receive(rmcpplus::PayloadType type, ConstBytes payload,
                                                        const Peer& peer, TimePoint now);

    void on_timer(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const
    {
        return half_open_.next_deadline();
    }

  private:
    using Reply = std::optional<HandshakeReply>;

    Reply open_session(ConstBytes payload, const Peer& peer, TimePoint now);
    Reply rakp1(ConstBytes payload, const Peer& peer, TimePoint now);
    Reply rakp3(ConstBytes payload, const Peer& peer, TimePoint now);

    Reply accept(const rmcpplus::OpenSessionRequest& request, const rmcpplus::CipherSuite& suite, ConstBytes payload,
                 const Peer& peer, TimePoint now);
    [[nodiscard]] rmcpplus::RakpStatus judge(const rmcpplus::RakpMessage1& message, const HalfOpen& half,
                                             TimePoint now) const;
    [[nodiscard]] rmcpplus::Exchange exchange_of(const HalfOpen& half) const;
    Reply rakp2(const rmcpplus::RakpMessage1& message, const HalfOpen& half) const;
    Reply verify(const rmcpplus::RakpMessage3& message, ConstBytes payload, const HalfOpen& half, TimePoint now);
    Reply activate(const rmcpplus::RakpMessage3& message, ConstBytes payload, const HalfOpen& half, TimePoint now);
    Reply repeat_rakp4(const rmcpplus::RakpMessage3& message, ConstBytes payload) const;
    void note_failure(const HalfOpen& half, TimePoint now);
    [[nodiscard]] std::uint32_t fresh_id();
    [[nodiscard]] std::optional<rmcpplus::CipherSuite> choose_suite(const rmcpplus::OpenSessionRequest& request) const;

    const config::Lan& lan_;
    const UserDirectory& directory_;
    rmcpplus::Guid guid_;
    SessionTable& sessions_;
    PreSessionRates& rates_;
    RandomSource& random_;
    Log& log_;
    HalfOpenTable half_open_;
    LockOut lockout_;
    RateGate failure_lines_; ///< of the log
    std::size_t unreported_failures_{};
};

} // namespace fwupdate::agent::lan
