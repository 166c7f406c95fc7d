#include "transports/stream/host/lan_link.hpp"

#include "protocol-spec/messages.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::stream
{
namespace
{

constexpr std::size_t messages_per_send = 64;
constexpr auto write_fragment = static_cast<std::uint8_t>(protocol::Command::write_fragment);

} // namespace

LanLink::LanLink(const LanSession& session, rmcpplus::SessionCipher cipher, DatagramSocket socket)
    : session_{session}, cipher_{std::move(cipher)}, socket_{std::move(socket)}
{
}

Result<LanLink> LanLink::open(const LanSession& session, rmcpplus::SessionCipher cipher)
{
    if (session.requester_sequences == 0 || session.first_requester_sequence + session.requester_sequences > 64)
    {
        return fail(ErrorKind::out_of_range, "A requester sequence number has 6 bits: 0 to 63 are possible.");
    }
    auto socket = DatagramSocket::borrow(session.descriptor);
    if (!socket)
    {
        return socket.error();
    }
    return LanLink{session, std::move(cipher), std::move(*socket)};
}

TimePoint LanLink::now() const
{
    return Clock::now();
}

std::size_t LanLink::batch() const
{
    return messages_per_send;
}

Result<void> LanLink::send(std::span<const ConstBytes> messages)
{
    packets_.clear();
    ends_.clear();
    for (const ConstBytes message : messages)
    {
        if (auto sealed = seal(message); !sealed)
        {
            return sealed;
        }
    }
    return socket_.send(packets_, ends_);
}

/// One more packet behind those that are there.
Result<void> LanLink::seal(ConstBytes message)
{
    const std::size_t start = packets_.size();
    packets_.resize(start + rmcpplus::request_packet_size(cipher_, message.size()));
    const MutableBytes packet = MutableBytes{packets_}.subspan(start);
    std::ranges::copy(message, packet.begin() + rmcpplus::command_data_offset);

    rmcpplus::LanRequest request;
    request.responder_address = session_.responder_address;
    request.requester_address = session_.requester_address;
    request.net_fn = ipmi::NetFn::firmware;
    request.command = write_fragment;
    request.requester_sequence = static_cast<std::uint8_t>(session_.first_requester_sequence + turn_);
    turn_ = static_cast<std::uint8_t>((turn_ + 1) % session_.requester_sequences);

    session_.next_sequence += session_.next_sequence == 0 ? 1 : 0; // 0 means: outside of a session
    const auto size = rmcpplus::build_request_in_place(cipher_, {session_.bmc_session_id, session_.next_sequence++},
                                                       request, message.size(), packet);
    if (!size)
    {
        return size.error();
    }
    packets_.resize(start + *size);
    ends_.push_back(packets_.size());
    return {};
}

Result<void> LanLink::wait(TimePoint deadline, std::vector<ipmi::Response>& responses)
{
    return socket_.receive(deadline, [&](MutableBytes datagram) { take(datagram, responses); });
}

void LanLink::take(MutableBytes datagram, std::vector<ipmi::Response>& responses)
{
    const auto received = rmcpplus::parse_response(cipher_, session_.console_session_id, datagram);
    if (!received || !window_.accept(received->session_sequence) || !is_ours(received->message))
    {
        ++ignored_;
        return;
    }
    const ConstBytes data = received->message.data;
    responses.push_back({received->message.completion_code, {data.begin(), data.end()}});
}

bool LanLink::is_ours(const rmcpplus::LanResponse& response) const
{
    const unsigned turn = unsigned{response.requester_sequence} - session_.first_requester_sequence;
    return response.net_fn == ipmi::NetFn::firmware && response.command == write_fragment &&
           response.responder_address == session_.responder_address &&
           response.requester_address == session_.requester_address && turn < session_.requester_sequences;
}

void LanLink::drain(Duration quiet, TimePoint deadline)
{
    std::vector<ipmi::Response> late;
    bool heard = true;
    while (heard && now() < deadline)
    {
        late.clear();
        const std::uint64_t before = ignored_;
        const bool failed = !wait(std::min(deadline, now() + quiet), late);
        heard = !failed && (!late.empty() || ignored_ != before);
    }
}

std::optional<std::size_t> LanLink::largest_message() const
{
    const auto room = socket_.largest_payload();
    if (!room)
    {
        return std::nullopt;
    }
    std::size_t data = std::min<std::size_t>(*room, protocol::largest_lan_message);
    while (data > 0 && rmcpplus::request_packet_size(cipher_, data) > *room)
    {
        --data;
    }
    return data;
}

} // namespace fwupdate::stream
