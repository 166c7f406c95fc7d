#include "bmc-agent/channels/lan/lan_server.hpp"

#include "common/rmcpplus/asf.hpp"
#include "protocol-spec/messages.hpp"

#include <algorithm>

namespace fwupdate::agent::lan
{
namespace
{

using rmcpplus::PacketFormat;
using rmcpplus::PayloadType;

constexpr std::size_t largest_1_5_message = 255; // one length byte
constexpr std::size_t most_amplification = 2;
constexpr Duration report_interval = std::chrono::seconds{10};

std::uint16_t max_message(const Endpoint& from)
{
    return static_cast<std::uint16_t>(from.peer.ipv6 ? protocol::largest_lan_message_ipv6
                                                     : protocol::largest_lan_message);
}

} // namespace

DropCounters operator-(const DropCounters& left, const DropCounters& right)
{
    return {left.malformed - right.malformed,
            left.rate_limited - right.rate_limited,
            left.unknown_session - right.unknown_session,
            left.unauthentic - right.unauthentic,
            left.replayed - right.replayed,
            left.amplifying - right.amplifying};
}

LanServer::LanServer(const Parts& parts)
    : lan_{parts.lan},
      commands_{parts.commands},
      log_{parts.log},
      directory_{parts.users, parts.random},
      sessions_{parts.lan, parts.log},
      handshake_{{parts.lan, parts.users, directory_, parts.guid, sessions_, rates_, parts.random, parts.log}}
{
}

std::optional<TimePoint> LanServer::next_deadline() const
{
    const auto handshake = handshake_.next_deadline();
    const auto sessions = sessions_.next_deadline();
    std::optional<TimePoint> next;
    for (const auto& due : {handshake, sessions, report_due_})
    {
        next = due ? std::min(next.value_or(*due), *due) : next;
    }
    return next;
}

void LanServer::on_timer(TimePoint now)
{
    handshake_.on_timer(now);
    sessions_.on_timer(now);
    if (report_due_ && now >= *report_due_)
    {
        report_drops();
        report_due_.reset();
    }
}

/// One line for all that was dropped lately: a flood must not fill the log.
void LanServer::report_drops()
{
    const DropCounters since = dropped_ - reported_;
    reported_ = dropped_;
    log_.event(Level::info, "Packets dropped",
               {{"malformed", std::to_string(since.malformed)},
                {"rate_limited", std::to_string(since.rate_limited)},
                {"unknown_session", std::to_string(since.unknown_session)},
                {"unauthentic", std::to_string(since.unauthentic)},
                {"replayed", std::to_string(since.replayed)},
                {"amplifying", std::to_string(since.amplifying)}});
}

void LanServer::receive(MutableBytes datagram, const Endpoint& from, TimePoint now, Outbox& out)
{
    serve(datagram, from, now, out);
    if (!report_due_ && dropped_ != reported_)
    {
        report_due_ = now + report_interval;
    }
}

void LanServer::serve(MutableBytes datagram, const Endpoint& from, TimePoint now, Outbox& out)
{
    const auto format = rmcpplus::classify(datagram);
    if (format && *format == PacketFormat::rmcp_plus)
    {
        rmcp_plus(datagram, from, now, out);
    }
    else if (!format)
    {
        ++dropped_.malformed;
    }
    else if (!rates_.admit(from.peer, now))
    {
        ++dropped_.rate_limited;
    }
    else if (*format == PacketFormat::asf)
    {
        ping(datagram, from, out);
    }
    else
    {
        sessionless_1_5(datagram, from, now, out);
    }
}

// ------------------------------------------------------------------------------------------- outside of a session

void LanServer::ping(ConstBytes datagram, const Endpoint& from, Outbox& out)
{
    const auto tag = rmcpplus::parse_presence_ping(datagram);
    if (!tag)
    {
        ++dropped_.malformed;
        return;
    }
    // The pong has the 28 bytes that ASF gives it: with IP and UDP headers 56 for 40. Its rate is limited.
    out.add(from) = rmcpplus::build_presence_pong(*tag);
}

void LanServer::sessionless_1_5(ConstBytes datagram, const Endpoint& from, TimePoint now, Outbox& out)
{
    const auto message = rmcpplus::parse_sessionless_1_5(datagram);
    if (!message)
    {
        ++dropped_.malformed;
        return;
    }
    const auto response = sessionless_command(*message, from, now);
    if (response && response->size() <= largest_1_5_message)
    {
        send_unauthenticated(rmcpplus::build_sessionless_1_5(*response), datagram.size(), from, out);
    }
}

void LanServer::rmcp_plus(MutableBytes datagram, const Endpoint& from, TimePoint now, Outbox& out)
{
    const auto packet = rmcpplus::parse_rmcp_plus(datagram);
    if (packet && packet->session_id != 0)
    {
        in_session(datagram, *packet, from, now, out);
    }
    else if (!packet || packet->encrypted || packet->authenticated || packet->session_sequence != 0)
    {
        ++dropped_.malformed; // nothing of a session outside of one
    }
    else if (!rates_.admit(from.peer, now))
    {
        ++dropped_.rate_limited;
    }
    else
    {
        sessionless(datagram, *packet, from, now, out);
    }
}

void LanServer::sessionless(ConstBytes datagram, const rmcpplus::RmcpPlusPacket& packet, const Endpoint& from,
                            TimePoint now, Outbox& out)
{
    const ConstBytes payload = datagram.subspan(rmcpplus::payload_offset);
    if (packet.payload_type == PayloadType::ipmi_message)
    {
        if (const auto response = sessionless_command(payload, from, now))
        {
            send_unauthenticated(rmcpplus::build_sessionless(PayloadType::ipmi_message, *response), datagram.size(),
                                 from, out);
        }
        return;
    }
    if (const auto reply = handshake_.receive(packet.payload_type, payload, from.peer, now))
    {
        send_unauthenticated(rmcpplus::build_sessionless(reply->type, reply->payload), datagram.size(), from, out);
    }
}

std::optional<Bytes> LanServer::sessionless_command(ConstBytes message, const Endpoint& from, TimePoint now)
{
    const auto request = rmcpplus::parse_lan_request(message);
    if (!request || request->responder_address != rmcpplus::bmc_address)
    {
        ++dropped_.malformed;
        return std::nullopt;
    }
    Caller caller{};
    caller.channel = lan_.channel;
    caller.kind = ChannelKind::lan;
    caller.max_message = max_message(from);
    caller.max_response = protocol::largest_response;
    const Outcome outcome = dispatch(*request, caller, now);
    if (!outcome.answer)
    {
        return std::nullopt;
    }
    rmcpplus::LanResponse response = rmcpplus::response_to(*request);
    response.completion_code = outcome.response.completion_code;
    response.data = outcome.response.data;
    return rmcpplus::build_lan_response(response);
}

void LanServer::send_unauthenticated(Bytes packet, std::size_t request_size, const Endpoint& to, Outbox& out)
{
    if (packet.size() > most_amplification * request_size)
    {
        ++dropped_.amplifying;
        return;
    }
    out.add(to) = std::move(packet);
}

// --------------------------------------------------------------------------------------------------- in a session

void LanServer::in_session(MutableBytes datagram, const rmcpplus::RmcpPlusPacket& packet, const Endpoint& from,
                           TimePoint now, Outbox& out)
{
    Session* const session = sessions_.find(packet.session_id);
    if (session == nullptr)
    {
        ++dropped_.unknown_session;
        return;
    }
    if (!session->cipher.authentic(datagram, packet))
    {
        ++dropped_.unauthentic;
        return;
    }
    if (!session->inbound.accept(packet.session_sequence))
    {
        ++dropped_.replayed;
        return;
    }
    const auto message = session->cipher.decrypt(datagram, packet);
    const auto request = message ? rmcpplus::parse_lan_request(*message) : message.error();
    if (!request || packet.payload_type != PayloadType::ipmi_message)
    {
        ++dropped_.malformed;
        return;
    }
    session->opening.reset();
    if (session->peer != from.peer) // only an authentic, fresh packet moves a session
    {
        log_.event(Level::debug, "Session moved to another address",
                   {{"user", session->caller.user}, {"from", to_text(session->peer)}, {"to", to_text(from.peer)}});
        session->peer = from.peer;
    }
    command(*session, *request, packet.session_sequence, from, now, out);
    sessions_.announce(now);
}

void LanServer::command(Session& session, const rmcpplus::LanRequest& request, std::uint32_t sequence,
                        const Endpoint& from, TimePoint now, Outbox& out)
{
    const CommandRow* const row = commands_.find(request.net_fn, request.command);
    const bool kept = row != nullptr && !row->idempotent;
    const RequestKey key = kept ? key_of(request) : RequestKey{};
    const ipmi::Response* const known = kept ? session.duplicates.find(key, now) : nullptr;
    if (session.closed)
    {
        if (known == nullptr)
        {
            ++dropped_.unknown_session;
            return;
        }
    }
    else
    {
        session.last_activity = now;
    }
    if (known != nullptr)
    {
        respond(session, request, *known, from, out);
        return;
    }
    if (kept && session.is_overtaken(sequence))
    {
        ++dropped_.replayed;
        return;
    }
    session.newest_request = kept ? sequence : session.newest_request;
    session.caller.max_message = max_message(from);
    session.caller.max_response = protocol::largest_response;
    const Outcome outcome = dispatch(request, session.caller, now);
    if (kept && outcome.answer)
    {
        session.duplicates.remember(key, outcome.response, now);
    }
    else
    {
        session.duplicates.pass();
    }
    if (outcome.answer)
    {
        respond(session, request, outcome.response, from, out);
    }
}

Outcome LanServer::dispatch(const rmcpplus::LanRequest& request, const Caller& caller, TimePoint now) const
{
    if (request.responder_address != rmcpplus::bmc_address) // nobody else lives behind this channel
    {
        return refuse(ipmi::CompletionCode::destination_unavailable);
    }
    Outcome outcome =
        commands_.dispatch({request.net_fn, request.responder_lun, request.command, request.data}, caller, now);
    if (outcome.response.data.size() > protocol::largest_response)
    {
        log_.event(Level::error, "A response is longer than clients can take",
                   {{"net_fn", std::to_string(static_cast<unsigned>(request.net_fn))},
                    {"command", std::to_string(request.command)},
                    {"bytes", std::to_string(outcome.response.data.size())}});
        return refuse(ipmi::CompletionCode::cannot_return_number_of_bytes);
    }
    return outcome;
}

void LanServer::respond(Session& session, const rmcpplus::LanRequest& request, const ipmi::Response& response,
                        const Endpoint& to, Outbox& out)
{
    const std::size_t message = response.data.size() + rmcpplus::response_overhead;
    Bytes& packet = out.add(to);
    packet.resize(session.cipher.sealed_size(message));
    const MutableBytes plain = MutableBytes{packet}.subspan(rmcpplus::plaintext_offset, message);
    std::ranges::copy(response.data, plain.begin() + rmcpplus::response_data_offset);
    rmcpplus::LanResponse frame = rmcpplus::response_to(request);
    frame.completion_code = response.completion_code;
    rmcpplus::frame_lan_response(frame, plain);
    if (!session.cipher.seal_in_place({session.console_id, session.next_outbound()}, message, packet))
    {
        out.withdraw();
        log_.event(Level::error, "A response could not be encrypted: out of memory");
    }
}

} // namespace fwupdate::agent::lan
