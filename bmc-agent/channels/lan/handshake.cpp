#include "bmc-agent/channels/lan/handshake.hpp"

#include "common/rmcpplus/keys.hpp"
#include "common/sha256.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent::lan
{
namespace
{

using rmcpplus::PayloadType;
using rmcpplus::RakpStatus;

constexpr Rate failure_lines_rate{std::chrono::seconds{1}, 20}; // guessing must not fill the log
constexpr std::uint8_t algorithm_mask = 0x3F;
constexpr std::uint8_t highest_privilege = static_cast<std::uint8_t>(ipmi::Privilege::administrator);

/// A refusal, as long as the status message needs and no longer.
HandshakeReply refusal(PayloadType type, std::uint8_t tag, RakpStatus status, std::uint32_t console_id)
{
    return {type, codec::encode(rmcpplus::HandshakeRefusal{tag, status, {}, console_id})};
}

/// Whether a proposal is this algorithm; a length of 0 leaves the choice to the BMC.
bool proposes(const rmcpplus::AlgorithmPayload& proposal, std::uint8_t algorithm)
{
    return proposal.length == 0 || (proposal.algorithm & algorithm_mask) == algorithm;
}

bool well_formed(const rmcpplus::AlgorithmPayload& proposal, std::uint8_t type)
{
    return proposal.type == type && (proposal.length == 8 || proposal.length == 0);
}

rmcpplus::AlgorithmPayload chosen(std::uint8_t type, std::uint8_t algorithm)
{
    rmcpplus::AlgorithmPayload payload{};
    payload.type = type;
    payload.algorithm = algorithm;
    return payload;
}

std::uint8_t privilege_of(const Claim& claim)
{
    return claim.role & rmcpplus::role_privilege;
}

/// A retry differs in its message tag at most.
Sha256 digest_behind_tag(ConstBytes payload)
{
    return sha256(payload.subspan(1));
}

} // namespace

Handshake::Handshake(const Parts& parts)
    : lan_{parts.lan},
      directory_{parts.directory},
      guid_{parts.guid},
      sessions_{parts.sessions},
      rates_{parts.rates},
      random_{parts.random},
      log_{parts.log},
      half_open_{parts.lan.max_half_open},
      lockout_{parts.lan, parts.users}
{
}

std::optional<HandshakeReply> Handshake::receive(PayloadType type, ConstBytes payload, const Peer& peer, TimePoint now)
{
    on_timer(now);
    switch (type)
    {
    case PayloadType::open_session_request:
        return open_session(payload, peer, now);
    case PayloadType::rakp_message_1:
        return rakp1(payload, peer, now);
    case PayloadType::rakp_message_3:
        return rakp3(payload, peer, now);
    default:
        return std::nullopt;
    }
}

void Handshake::on_timer(TimePoint now)
{
    if (const std::size_t abandoned = half_open_.reap(now); abandoned != 0)
    {
        log_.event(Level::info, "Session openings given up half-way: packets lost, or the client has another password",
                   {{"count", std::to_string(abandoned)}});
    }
}

std::uint32_t Handshake::fresh_id()
{
    for (;;)
    {
        std::array<std::uint8_t, 4> bytes{};
        random_.fill(bytes);
        const std::uint32_t id = rmcpplus::load_u32(bytes);
        if (id != 0 && half_open_.find(id) == nullptr && sessions_.find(id) == nullptr)
        {
            return id;
        }
    }
}

// ------------------------------------------------------------------------------------------------- Open Session

/// The first of ours that the request names. Where it leaves a choice to the BMC, the oldest: who cannot choose may not
/// know the newer one (OpenIPMI has no suite 17).
std::optional<rmcpplus::CipherSuite> Handshake::choose_suite(const rmcpplus::OpenSessionRequest& request) const
{
    std::optional<rmcpplus::CipherSuite> best;
    for (const std::uint8_t id : lan_.cipher_suites)
    {
        const auto suite = rmcpplus::find_cipher_suite(id);
        if (suite && proposes(request.authentication, static_cast<std::uint8_t>(suite->algorithms.authentication)) &&
            proposes(request.integrity, static_cast<std::uint8_t>(suite->algorithms.integrity)) &&
            proposes(request.confidentiality, static_cast<std::uint8_t>(suite->algorithms.confidentiality)) &&
            (!best || suite->id < best->id))
        {
            best = suite;
        }
    }
    return best;
}

Handshake::Reply Handshake::open_session(ConstBytes payload, const Peer& peer, TimePoint now)
{
    const auto request = codec::decode_request<rmcpplus::OpenSessionRequest>(payload);
    if (!request)
    {
        return std::nullopt;
    }
    const auto refuse = [&](RakpStatus status)
    { return refusal(PayloadType::open_session_response, request->message_tag, status, request->console_session_id); };
    if (!well_formed(request->authentication, 0) || !well_formed(request->integrity, 1) ||
        !well_formed(request->confidentiality, 2))
    {
        return refuse(RakpStatus::illegal_parameter);
    }
    const auto suite = choose_suite(*request);
    if (!suite)
    {
        return refuse(RakpStatus::no_cipher_suite_match);
    }
    if (request->privilege > highest_privilege)
    {
        return refuse(RakpStatus::invalid_role);
    }
    if (request->privilege > static_cast<std::uint8_t>(directory_.highest_limit()))
    {
        return refuse(RakpStatus::unauthorized_role);
    }
    if (sessions_.full())
    {
        return refuse(RakpStatus::insufficient_resources);
    }
    return accept(*request, *suite, payload, peer, now);
}

Handshake::Reply Handshake::accept(const rmcpplus::OpenSessionRequest& request, const rmcpplus::CipherSuite& suite,
                                   ConstBytes payload, const Peer& peer, TimePoint now)
{
    HalfOpen* half = half_open_.find_retry(peer, payload);
    if (half == nullptr)
    {
        HalfOpen fresh{};
        fresh.id = fresh_id();
        fresh.console_id = request.console_session_id;
        fresh.peer = peer;
        fresh.opened = now;
        fresh.suite = suite;
        // 0 asks for the highest there is: the answer must say which (FreeIPMI gives up on a 0).
        fresh.asked_privilege =
            request.privilege != 0 ? request.privilege : static_cast<std::uint8_t>(directory_.highest_limit());
        random_.fill(fresh.bmc_random);
        fresh.request.assign(payload.begin(), payload.end());
        const std::uint32_t dice = rmcpplus::load_u32(fresh.bmc_random) ^ fresh.id;
        half = half_open_.add(std::move(fresh), dice);
    }
    if (half == nullptr)
    {
        return std::nullopt; // the client tries again; by then the flood's three seconds may be over
    }
    rmcpplus::OpenSessionResponse response{};
    response.message_tag = request.message_tag;
    response.privilege = half->asked_privilege;
    response.console_session_id = half->console_id;
    response.bmc_session_id = half->id;
    response.authentication = chosen(0, static_cast<std::uint8_t>(suite.algorithms.authentication));
    response.integrity = chosen(1, static_cast<std::uint8_t>(suite.algorithms.integrity));
    response.confidentiality = chosen(2, static_cast<std::uint8_t>(suite.algorithms.confidentiality));
    return HandshakeReply{PayloadType::open_session_response, codec::encode(response)};
}

// -------------------------------------------------------------------------------------------------- RAKP 1 and 2

Handshake::Reply Handshake::rakp1(ConstBytes payload, const Peer& peer, TimePoint now)
{
    const auto message = codec::decode_request<rmcpplus::RakpMessage1>(payload);
    if (!message)
    {
        return std::nullopt;
    }
    HalfOpen* const half = half_open_.find(message->bmc_session_id);
    if (half == nullptr || !rates_.admit_rakp1(peer, now))
    {
        return std::nullopt;
    }
    if (const RakpStatus status = judge(*message, *half, now); status != RakpStatus::no_errors)
    {
        return refusal(PayloadType::rakp_message_2, message->message_tag, status, half->console_id);
    }
    const std::string& name = message->user_name.value;
    half->claim = Claim{message->console_random, message->role, name, directory_.find(name)};
    half->peer = peer;
    return rakp2(*message, *half);
}

/// What can be said without telling whether the user exists. His own limit is looked at after he has proved who he is.
RakpStatus Handshake::judge(const rmcpplus::RakpMessage1& message, const HalfOpen& half, TimePoint now) const
{
    const std::uint8_t level = message.role & rmcpplus::role_privilege;
    if ((message.role & rmcpplus::role_reserved) != 0 || level == 0 || level > highest_privilege)
    {
        return RakpStatus::invalid_role;
    }
    if (level > half.asked_privilege)
    {
        return RakpStatus::unauthorized_role;
    }
    const std::string& name = message.user_name.value;
    if (name.empty() || lockout_.locked(name, now)) // the anonymous user does not exist here
    {
        return RakpStatus::unauthorized_name;
    }
    return RakpStatus::no_errors;
}

rmcpplus::Exchange Handshake::exchange_of(const HalfOpen& half) const
{
    return {half.suite.algorithms.authentication,
            half.console_id,
            half.id,
            half.claim->console_random,
            half.bmc_random,
            guid_,
            half.claim->role,
            half.claim->user_name};
}

Handshake::Reply Handshake::rakp2(const rmcpplus::RakpMessage1& message, const HalfOpen& half) const
{
    const rmcpplus::Secret code = rmcpplus::rakp2_code(exchange_of(half), half.claim->user.key.view());
    rmcpplus::RakpMessage2 response{};
    response.message_tag = message.message_tag;
    response.console_session_id = half.console_id;
    response.bmc_random = half.bmc_random;
    response.bmc_guid = guid_;
    response.authentication_code.view = code.view();
    return HandshakeReply{PayloadType::rakp_message_2, codec::encode(response)};
}

// -------------------------------------------------------------------------------------------------- RAKP 3 and 4

Handshake::Reply Handshake::rakp3(ConstBytes payload, const Peer& peer, TimePoint now)
{
    const auto message = codec::decode_request<rmcpplus::RakpMessage3>(payload);
    if (!message)
    {
        return std::nullopt;
    }
    HalfOpen* const half = half_open_.find(message->bmc_session_id);
    if (half == nullptr)
    {
        return repeat_rakp4(*message, payload);
    }
    if (!half->claim) // RAKP 3 before RAKP 1
    {
        return std::nullopt;
    }
    half->peer = peer;
    const std::uint32_t id = half->id;
    Reply reply = verify(*message, payload, *half, now);
    half_open_.remove(id); // one try per opening
    return reply;
}

Handshake::Reply Handshake::verify(const rmcpplus::RakpMessage3& message, ConstBytes payload, const HalfOpen& half,
                                   TimePoint now)
{
    if (message.status != RakpStatus::no_errors) // the remote console gives up; it expects no answer
    {
        if (message.status == RakpStatus::invalid_integrity_check_value)
        {
            note_failure(half, now);
        }
        return std::nullopt;
    }
    const auto refuse = [&](RakpStatus status)
    { return refusal(PayloadType::rakp_message_4, message.message_tag, status, half.console_id); };
    const rmcpplus::Secret expected = rmcpplus::rakp3_code(exchange_of(half), half.claim->user.key.view());
    const bool proved = rmcpplus::equal_in_constant_time(expected.view(), message.authentication_code.view);
    if (!proved || half.claim->user.id == 0)
    {
        note_failure(half, now);
        return refuse(RakpStatus::invalid_integrity_check_value);
    }
    if (lockout_.locked(half.claim->user_name, now))
    {
        return refuse(RakpStatus::unauthorized_name);
    }
    if (privilege_of(*half.claim) > static_cast<std::uint8_t>(half.claim->user.limit))
    {
        return refuse(RakpStatus::unauthorized_role);
    }
    return activate(message, payload, half, now);
}

Handshake::Reply Handshake::activate(const rmcpplus::RakpMessage3& message, ConstBytes payload, const HalfOpen& half,
                                     TimePoint now)
{
    const auto& algorithms = half.suite.algorithms;
    const auto exchange = exchange_of(half);
    const Claim& claim = *half.claim;
    const ConstBytes bmc_key = lan_.k_g ? ConstBytes{*lan_.k_g} : claim.user.key.view();
    const rmcpplus::Secret sik = rmcpplus::session_integrity_key(exchange, bmc_key);
    auto cipher =
        rmcpplus::SessionCipher::create(algorithms.integrity, algorithms.confidentiality,
                                        rmcpplus::derive_k1(algorithms.authentication, sik.view()).view(),
                                        rmcpplus::derive_k2(algorithms.authentication, sik.view()).view(), random_);
    const rmcpplus::Secret value = rmcpplus::rakp4_value(exchange, sik.view());
    const auto limit = static_cast<ipmi::Privilege>(privilege_of(claim));
    Session* session = nullptr;
    if (cipher)
    {
        Caller caller{lan_.channel,
                      ChannelKind::lan,
                      half.id,
                      claim.user_name,
                      claim.user.id,
                      std::min(limit, ipmi::Privilege::user), // raised by Set Session Privilege Level
                      0,
                      0,
                      {}};
        session = sessions_.add({.id = half.id,
                                 .console_id = half.console_id,
                                 .handle = 0,
                                 .peer = half.peer,
                                 .limit = limit,
                                 .caller = std::move(caller),
                                 .cipher = std::move(*cipher),
                                 .inbound = {},
                                 .newest_request = 0,
                                 .outbound = 0,
                                 .duplicates = {},
                                 .opening = {},
                                 .last_activity = now,
                                 .closed = {}});
    }
    if (session == nullptr)
    {
        return refusal(PayloadType::rakp_message_4, message.message_tag, RakpStatus::insufficient_resources,
                       half.console_id);
    }
    session->opening = Opening{digest_behind_tag(payload), Bytes(value.view().begin(), value.view().end())};
    lockout_.succeeded(claim.user_name);
    log_.event(Level::info, "Session opened",
               {{"user", claim.user_name}, {"peer", to_text(half.peer)}, {"suite", std::to_string(half.suite.id)}});
    return repeat_rakp4(message, payload);
}

/// RAKP 4 for the RAKP 3 that opened a session: the first time, and again when it got lost.
Handshake::Reply Handshake::repeat_rakp4(const rmcpplus::RakpMessage3& message, ConstBytes payload) const
{
    const Session* const session = std::as_const(sessions_).find(message.bmc_session_id);
    if (session == nullptr || !session->opening || session->opening->rakp3 != digest_behind_tag(payload))
    {
        return std::nullopt;
    }
    rmcpplus::RakpMessage4 response{};
    response.message_tag = message.message_tag;
    response.console_session_id = session->console_id;
    response.integrity_check_value.view = session->opening->rakp4_value;
    return HandshakeReply{PayloadType::rakp_message_4, codec::encode(response)};
}

void Handshake::note_failure(const HalfOpen& half, TimePoint now)
{
    const std::string& name = half.claim->user_name;
    const bool locked = lockout_.failed(name, now);
    if (!failure_lines_.take(failure_lines_rate, now))
    {
        ++unreported_failures_;
        return;
    }
    log_.event(Level::warning, locked ? "User name locked after wrong passwords" : "Session refused: wrong password",
               {{"user", name},
                {"peer", to_text(half.peer)},
                {"unreported_before", std::to_string(std::exchange(unreported_failures_, 0))}});
}

} // namespace fwupdate::agent::lan
