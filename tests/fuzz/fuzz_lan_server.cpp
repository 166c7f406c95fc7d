// A LAN server with one open session gets anything, from anybody, at any time. The input is a list of steps: an
// operation byte, a length byte, and so many bytes.
#include "bmc-agent/channels/lan/lan_server.hpp"
#include "common/rmcpplus/client.hpp"
#include "common/rmcpplus/keys.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::lan;
using namespace fwupdate::rmcpplus;

namespace
{

constexpr std::uint32_t console_id = 0xA0A2A3A4;
constexpr std::size_t pong_size = 28;

void require(bool condition)
{
    if (!condition)
    {
        std::abort();
    }
}

/// Numbers that are the same in every run, and never the same within one.
class RepeatableRandom final : public RandomSource
{
  public:
    void fill(MutableBytes out) override
    {
        std::ranges::generate(out, [this] { return next(); });
    }

  private:
    /// Knuth's linear congruential generator: the low bits have short periods, the high byte has not.
    std::uint8_t next()
    {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint8_t>(state_ >> 56U);
    }

    std::uint64_t state_{1};
};

class Harness
{
  public:
    Harness()
    {
        add_session_commands(table_, server_);
        table_.add({ipmi::NetFn::firmware, 0x2C, ipmi::Privilege::administrator,
                    [](ConstBytes data, const Caller& caller, TimePoint)
                    {
                        require(caller.session != 0 && caller.privilege == ipmi::Privilege::administrator);
                        return answer(Bytes(data.size() % 1000));
                    }});
        open_session();
    }

    void step(std::uint8_t operation, ConstBytes bytes)
    {
        switch (operation % 4)
        {
        case 0:
            datagram(Bytes(bytes.begin(), bytes.end()), operation);
            break;
        case 1: // any message, well protected
            seal(bytes, operation);
            break;
        case 2: // any command in a right message
            command(bytes, operation);
            break;
        default:
            now_ += std::chrono::milliseconds{bytes.size() * 100};
            server_.on_timer(now_);
            break;
        }
        require(server_.sessions().active() <= lan_.max_sessions);
    }

  private:
    /// Sessions are opened by the handshake alone; the harness does it as a client would.
    void open_session()
    {
        OpenSessionRequest request{};
        request.console_session_id = console_id;
        request.authentication.algorithm = 3;
        request.integrity = {1, {}, 8, 4, {}, {}};
        request.confidentiality = {2, {}, 8, 1, {}, {}};
        const Bytes opened = handshake(PayloadType::open_session_request, codec::encode(request));
        Exchange exchange{AuthenticationAlgorithm::rakp_hmac_sha256,
                          console_id,
                          load_u32(ConstBytes{opened}.subspan(8)),
                          {},
                          {},
                          {},
                          0x14,
                          "admin"};
        bmc_id_ = exchange.bmc_session_id;
        RakpMessage1 rakp1{};
        rakp1.bmc_session_id = bmc_id_;
        rakp1.role = exchange.role;
        rakp1.user_name.value = "admin";
        const Bytes answered = handshake(PayloadType::rakp_message_1, codec::encode(rakp1));
        const auto rakp2 = codec::decode_request<RakpMessage2>(answered);
        exchange.bmc_random = rakp2.value().bmc_random;
        const ConstBytes password = as_bytes(users_[0].password);
        const Secret code = rakp3_code(exchange, password);
        RakpMessage3 rakp3{};
        rakp3.bmc_session_id = bmc_id_;
        rakp3.authentication_code.view = code.view();
        handshake(PayloadType::rakp_message_3, codec::encode(rakp3));
        const Secret sik = session_integrity_key(exchange, password);
        auto cipher = SessionCipher::create(IntegrityAlgorithm::hmac_sha256_128, ConfidentialityAlgorithm::aes_cbc_128,
                                            derive_k1(exchange.algorithm, sik.view()).view(),
                                            derive_k2(exchange.algorithm, sik.view()).view(), random_);
        cipher_ = std::make_unique<SessionCipher>(std::move(cipher.value()));
        require(server_.session_alive(bmc_id_));
    }

    Bytes handshake(PayloadType type, ConstBytes payload)
    {
        outbox_.clear();
        Bytes packet = build_sessionless(type, payload);
        server_.receive(packet, endpoint(0), now_, outbox_);
        require(outbox_.packets().size() == 1);
        const Bytes& reply = outbox_.packets()[0].bytes;
        return {reply.begin() + payload_offset, reply.end()};
    }

    [[nodiscard]] static Endpoint endpoint(std::uint8_t operation)
    {
        Endpoint from;
        from.peer.address[0] = static_cast<std::uint8_t>(operation >> 2 & 7);
        from.peer.port = 1;
        from.peer.ipv6 = (operation & 0x80) != 0;
        return from;
    }

    /// What nobody protected is answered outside of a session only, with at most twice its bytes.
    void datagram(Bytes bytes, std::uint8_t operation)
    {
        const std::size_t size = bytes.size();
        outbox_.clear();
        server_.receive(bytes, endpoint(operation), now_, outbox_);
        require(outbox_.packets().size() <= 1);
        for (const Outgoing& reply : outbox_.packets())
        {
            require(reply.bytes.size() <= std::max(2 * size, pong_size));
            const auto packet = parse_rmcp_plus(reply.bytes);
            require(!packet || (packet->session_id == 0 && !packet->authenticated));
        }
    }

    void seal(ConstBytes message, std::uint8_t operation)
    {
        Bytes packet(cipher_->sealed_size(message.size()));
        require(cipher_->seal({bmc_id_, ++sequence_}, message, packet).has_value());
        outbox_.clear();
        server_.receive(packet, endpoint(operation), now_, outbox_);
        require(outbox_.packets().size() <= 1);
        for (const Outgoing& reply : outbox_.packets())
        {
            Bytes bytes = reply.bytes;
            require(reply.bytes.size() <= 1024); // ipmitool's receive buffer
            require(parse_response(*cipher_, console_id, bytes).has_value());
        }
    }

    void command(ConstBytes bytes, std::uint8_t operation)
    {
        if (bytes.size() < 3)
        {
            return;
        }
        LanRequest request{};
        request.net_fn = static_cast<ipmi::NetFn>(bytes[0] & 0x3EU);
        request.requester_sequence = bytes[1] & 0x3F;
        request.command = bytes[2];
        request.data = bytes.subspan(3);
        seal(build_lan_request(request), operation);
    }

    config::Lan lan_;
    std::vector<config::User> users_{{"admin", "password", ipmi::Privilege::administrator},
                                     {"viewer", "other", ipmi::Privilege::user}};
    CommandTable table_;
    RepeatableRandom random_;
    NullLog log_;
    LanServer server_{{lan_, users_, {}, table_, random_, log_}};
    Outbox outbox_;
    TimePoint now_{TimePoint{} + std::chrono::hours{1}};
    std::uint32_t bmc_id_{};
    std::uint32_t sequence_{};
    std::unique_ptr<SessionCipher> cipher_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    ConstBytes rest{data, size};
    Harness harness;
    while (rest.size() >= 2)
    {
        const std::uint8_t operation = rest[0];
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
        harness.step(operation, rest.subspan(2, length));
        rest = rest.subspan(2 + length);
    }
    return 0;
}
