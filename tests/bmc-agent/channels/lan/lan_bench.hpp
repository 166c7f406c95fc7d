// A LAN server without sockets, and a remote console that talks to it: the other end written from the specification's
// side, so that both halves of the handshake are tried.
#pragma once

#include "bmc-agent/channels/lan/lan_server.hpp"
#include "common/rmcpplus/client.hpp"
#include "common/rmcpplus/handshake.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace lan_bench
{

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::lan;
using namespace std::chrono_literals;

/// Repeatable and never twice the same.
class CountingRandom final : public RandomSource
{
  public:
    void fill(MutableBytes out) override;

  private:
    std::uint64_t state_{1};
};

struct LogLine
{
    Level level{};
    std::string text;
};

class RecordingLog final : public Log
{
  public:
    [[nodiscard]] bool has(std::string_view part) const;
    std::vector<LogLine> lines;

  private:
    void write(Level level, std::string_view sentence, std::span<const Pair> pairs) override;
};

class RecordingObserver final : public SessionObserver
{
  public:
    struct Event
    {
        std::uint8_t channel{};
        std::uint32_t session{};
        CloseReason why{};
        std::size_t packets_before{}; ///< in the outbox when it came
    };
    void session_closed(std::uint8_t channel, std::uint32_t session, CloseReason why, TimePoint now) override;

    std::vector<Event> events;
    const Outbox* outbox{};
};

[[nodiscard]] Endpoint endpoint(std::uint8_t last_byte = 1, std::uint16_t port = 50'000);
[[nodiscard]] Endpoint endpoint_ipv6();

/// Both of them.
inline constexpr std::array<std::uint8_t, 2> suites{3, 17};

inline constexpr rmcpplus::Guid guid{0xA0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xAF};

/// Commands on NetFn 08h that the bench serves: 2Ch counts its bytes, 45h is idempotent and silent unless its data ask,
/// 46h is too long, 47h may be asked without a session and answers much.
class Bench
{
  public:
    Bench() : Bench(config::Lan{}) {}
    explicit Bench(const config::Lan& settings);

    /// One datagram in, the datagrams out.
    std::vector<Outgoing> send(Bytes datagram, const Endpoint& from = endpoint());
    /// The same; there must be exactly one, or none.
    std::optional<Bytes> exchange(Bytes datagram, const Endpoint& from = endpoint());

    config::Lan lan;
    std::vector<config::User> users;
    CommandTable table;
    CountingRandom random;
    RecordingLog log;
    RecordingObserver observer;
    Outbox outbox;
    TimePoint now{TimePoint{} + 1h};
    std::vector<Caller> callers; ///< one for each command served
    unsigned writes{};           ///< 2Ch executed
    unsigned fragments{};        ///< 45h executed
    LanServer server;

  private:
    void add_commands();
};

/// A remote console with one session.
class Console
{
  public:
    explicit Console(Bench& bench, std::uint8_t suite_id = 17, Endpoint from = endpoint())
        : bench_{bench}, suite{*rmcpplus::find_cipher_suite(suite_id)}, from_{from}
    {
    }

    /// The whole handshake; false: refused or unanswered on the way.
    bool open(std::string_view user = "admin", std::string_view password = "a good long password");
    /// open, and the highest level the role allows.
    bool open_as_administrator();

    // The steps of it. Each gives the datagram and takes the answer in; requests are made from what is known so far.
    [[nodiscard]] Bytes open_request() const;
    [[nodiscard]] Bytes rakp1() const;
    [[nodiscard]] Bytes rakp3() const;
    bool take_open_response(const std::optional<Bytes>& datagram);
    bool take_rakp2(const std::optional<Bytes>& datagram);
    bool take_rakp4(const std::optional<Bytes>& datagram);

    /// A request in the session; the session sequence counts on, the requester sequence only if asked for.
    [[nodiscard]] Bytes request(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data = {});
    [[nodiscard]] Bytes request_again(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data = {});
    struct Answer
    {
        ipmi::CompletionCode code{};
        Bytes data;
        std::uint32_t session_sequence{};
        std::uint8_t requester_sequence{};
    };
    /// Sends a request and reads its answer; nothing: there was none, or it was not readable.
    std::optional<Answer> ask(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data = {});
    std::optional<Answer> ask_again(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data = {});
    [[nodiscard]] std::optional<Answer> read(std::optional<Bytes> datagram) const;

    [[nodiscard]] rmcpplus::RakpStatus last_status() const
    {
        return status_;
    }

  private:
    [[nodiscard]] rmcpplus::Exchange exchange() const;

    Bench& bench_;
    rmcpplus::RakpStatus status_{};
    std::optional<rmcpplus::SessionCipher> cipher_;

  public:
    rmcpplus::CipherSuite suite;
    std::string user_name{"admin"};
    std::string password{"a good long password"};
    std::optional<Bytes> bmc_key;
    std::uint8_t asked_privilege{0};
    std::uint8_t granted_privilege{};
    std::uint8_t role{0x14};
    std::uint8_t tag{7};
    std::uint32_t console_id{0xA0A2A3A4};
    std::uint32_t bmc_id{};
    rmcpplus::Random16 console_random{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    rmcpplus::Random16 bmc_random{};
    std::uint32_t sequence{2}; ///< ipmitool's first is 3
    std::uint8_t requester_sequence{0};
    Endpoint from_;
};

/// Get Channel Authentication Capabilities in the IPMI 1.5 wrapper, as ipmitool begins.
[[nodiscard]] Bytes capabilities_request();

/// A command outside of a session in the IPMI 2.0 wrapper.
[[nodiscard]] Bytes sessionless_request(ipmi::NetFn net_fn, std::uint8_t command, const Bytes& data);

} // namespace lan_bench
