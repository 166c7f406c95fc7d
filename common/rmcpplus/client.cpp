#include "common/rmcpplus/client.hpp"

#include <algorithm>

namespace fwupdate::rmcpplus
{

std::size_t request_packet_size(const SessionCipher& cipher, std::size_t data)
{
    return cipher.sealed_size(data + request_overhead);
}

Result<std::size_t> build_request_in_place(SessionCipher& cipher, const PacketNumber& number, const LanRequest& request,
                                           std::size_t data_size, MutableBytes packet)
{
    const std::size_t message = data_size + request_overhead;
    if (packet.size() < cipher.sealed_size(message))
    {
        return fail(ErrorKind::length, "the request does not fit its buffer");
    }
    frame_lan_request(request, packet.subspan(plaintext_offset, message));
    return cipher.seal_in_place(number, message, packet);
}

Result<std::size_t> build_request(SessionCipher& cipher, const PacketNumber& number, const LanRequest& request,
                                  MutableBytes packet)
{
    if (packet.size() < command_data_offset + request.data.size())
    {
        return fail(ErrorKind::length, "the request does not fit its buffer");
    }
    std::ranges::copy(request.data, packet.begin() + command_data_offset);
    return build_request_in_place(cipher, number, request, request.data.size(), packet);
}

Result<ReceivedResponse> parse_response(const SessionCipher& cipher, std::uint32_t console_session_id,
                                        MutableBytes datagram)
{
    const auto format = classify(datagram);
    if (!format)
    {
        return format.error();
    }
    if (*format != PacketFormat::rmcp_plus)
    {
        return fail(ErrorKind::unsupported, {});
    }
    const auto packet = parse_rmcp_plus(datagram);
    if (!packet)
    {
        return packet.error();
    }
    if (packet->session_id != console_session_id || packet->payload_type != PayloadType::ipmi_message)
    {
        return fail(ErrorKind::not_found, {});
    }
    if (!packet->encrypted || !packet->authenticated)
    {
        return fail(ErrorKind::denied, {});
    }
    if (!cipher.authentic(datagram, *packet))
    {
        return fail(ErrorKind::integrity, {});
    }
    const auto plain = cipher.decrypt(datagram, *packet);
    if (!plain)
    {
        return plain.error();
    }
    const auto message = parse_lan_response(*plain);
    if (!message)
    {
        return message.error();
    }
    return ReceivedResponse{packet->session_sequence, *message};
}

} // namespace fwupdate::rmcpplus
