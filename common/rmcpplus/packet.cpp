#include "common/rmcpplus/packet.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::rmcpplus
{
namespace
{

constexpr std::uint8_t rmcp_version = 0x06;
constexpr std::uint8_t rmcp_no_acknowledge = 0xFF; // sequence number: no RMCP acknowledgement wanted
constexpr std::uint8_t class_asf = 0x06;
constexpr std::uint8_t class_ipmi = 0x07;
constexpr std::uint8_t authentication_none = 0x00;
constexpr std::uint8_t authentication_rmcp_plus = 0x06;
constexpr std::uint8_t flag_encrypted = 0x80;
constexpr std::uint8_t flag_authenticated = 0x40;
constexpr std::uint8_t payload_type_mask = 0x3F;
constexpr std::size_t least_trailer = 2; // pad length and next header; the code's size depends on the session

} // namespace

std::uint32_t load_u32(ConstBytes bytes)
{
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
           static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

void store_u32(std::uint32_t value, MutableBytes out)
{
    for (std::size_t at = 0; at < 4; ++at)
    {
        out[at] = static_cast<std::uint8_t>(value >> (8 * at));
    }
}

Result<PacketFormat> classify(ConstBytes datagram)
{
    if (datagram.size() <= rmcp_header_size)
    {
        return fail(ErrorKind::length, {});
    }
    if (datagram[0] != rmcp_version)
    {
        return fail(ErrorKind::invalid_field, {});
    }
    if (datagram[3] == class_asf)
    {
        return PacketFormat::asf;
    }
    if (datagram[3] != class_ipmi || datagram[2] != rmcp_no_acknowledge)
    {
        return fail(ErrorKind::invalid_field, {});
    }
    return datagram[4] == authentication_rmcp_plus ? PacketFormat::rmcp_plus : PacketFormat::ipmi_1_5;
}

Result<ConstBytes> parse_sessionless_1_5(ConstBytes datagram)
{
    if (datagram.size() < payload_1_5_offset)
    {
        return fail(ErrorKind::length, {});
    }
    const auto header = datagram.subspan(rmcp_header_size, session_1_5_header_size);
    const bool in_a_session = std::ranges::any_of(header.first(9), [](std::uint8_t byte) { return byte != 0; });
    if (in_a_session) // the first byte is the authentication type: none
    {
        return fail(ErrorKind::denied, {});
    }
    if (datagram.size() != payload_1_5_offset + header[9])
    {
        return fail(ErrorKind::length, {});
    }
    return datagram.subspan(payload_1_5_offset);
}

Bytes build_sessionless_1_5(ConstBytes message)
{
    Bytes packet{rmcp_version, 0, rmcp_no_acknowledge, class_ipmi, authentication_none, 0, 0, 0, 0, 0, 0, 0, 0};
    packet.push_back(static_cast<std::uint8_t>(message.size()));
    packet.insert(packet.end(), message.begin(), message.end());
    return packet;
}

Result<RmcpPlusPacket> parse_rmcp_plus(ConstBytes datagram)
{
    if (datagram.size() < payload_offset)
    {
        return fail(ErrorKind::length, {});
    }
    const auto header = datagram.subspan(rmcp_header_size, session_header_size);
    RmcpPlusPacket packet{};
    packet.encrypted = (header[1] & flag_encrypted) != 0;
    packet.authenticated = (header[1] & flag_authenticated) != 0;
    packet.payload_type = static_cast<PayloadType>(header[1] & payload_type_mask);
    packet.session_id = load_u32(header.subspan(2, 4));
    packet.session_sequence = load_u32(header.subspan(6, 4));
    packet.payload_size = header[10] | static_cast<std::size_t>(header[11]) << 8;
    if (packet.payload_type == PayloadType::oem_explicit)
    {
        return fail(ErrorKind::unsupported, {});
    }
    const std::size_t rest = datagram.size() - payload_offset;
    const bool fits = packet.authenticated ? rest >= packet.payload_size + least_trailer : rest == packet.payload_size;
    if (!fits)
    {
        return fail(ErrorKind::length, {});
    }
    return packet;
}

void write_headers(const RmcpPlusPacket& packet, MutableBytes out)
{
    constexpr std::array<std::uint8_t, 5> start{rmcp_version, 0, rmcp_no_acknowledge, class_ipmi,
                                                authentication_rmcp_plus};
    std::ranges::copy(start, out.begin());
    const unsigned flags = (packet.encrypted ? flag_encrypted : 0U) | (packet.authenticated ? flag_authenticated : 0U);
    out[5] = static_cast<std::uint8_t>(flags | static_cast<unsigned>(packet.payload_type));
    store_u32(packet.session_id, out.subspan(6, 4));
    store_u32(packet.session_sequence, out.subspan(10, 4));
    out[14] = static_cast<std::uint8_t>(packet.payload_size);
    out[15] = static_cast<std::uint8_t>(packet.payload_size >> 8);
}

Bytes build_sessionless(PayloadType type, ConstBytes payload)
{
    Bytes bytes(payload_offset);
    RmcpPlusPacket packet{};
    packet.payload_type = type;
    packet.payload_size = payload.size();
    write_headers(packet, bytes);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

} // namespace fwupdate::rmcpplus
