#include "common/rmcpplus/asf.hpp"

namespace fwupdate::rmcpplus
{
namespace
{

constexpr std::size_t ping_size = 12;
constexpr std::uint8_t type_presence_ping = 0x80;

} // namespace

Result<std::uint8_t> parse_presence_ping(ConstBytes datagram)
{
    if (datagram.size() != ping_size)
    {
        return fail(ErrorKind::length, {});
    }
    const bool asf_iana = datagram[4] == 0 && datagram[5] == 0 && datagram[6] == 0x11 && datagram[7] == 0xBE;
    if (!asf_iana || datagram[11] != 0) // no data behind the header
    {
        return fail(ErrorKind::invalid_field, {});
    }
    if (datagram[8] != type_presence_ping)
    {
        return fail(ErrorKind::unsupported, {});
    }
    return datagram[9];
}

Bytes build_presence_pong(std::uint8_t message_tag)
{
    return {0x06, 0x00,        0xFF, 0x06,              // RMCP: version, reserved, no acknowledgement, class ASF
            0x00, 0x00,        0x11, 0xBE,              // IANA enterprise number of ASF, most significant byte first
            0x40, message_tag, 0x00, 0x10,              // presence pong, tag, reserved, 16 bytes follow
            0x00, 0x00,        0x11, 0xBE,              // no OEM-specific capabilities: ASF's own number again
            0x00, 0x00,        0x00, 0x00,              // OEM-defined
            0x81, 0x00,                                 // IPMI supported, ASF 1.0; no interactions
            0x00, 0x00,        0x00, 0x00, 0x00, 0x00}; // reserved
}

} // namespace fwupdate::rmcpplus
