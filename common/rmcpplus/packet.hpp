// The packets of the RMCP port: the RMCP header and the two session headers behind it (IPMI 2.0 sections 13.1.3, 13.6).
// Everything here is bytes; nothing is authenticated yet. What carries both security flags goes to SessionCipher.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstddef>
#include <cstdint>

namespace fwupdate::rmcpplus
{

inline constexpr std::size_t rmcp_header_size = 4;
inline constexpr std::size_t session_header_size = 12;                                ///< of IPMI 2.0
inline constexpr std::size_t payload_offset = rmcp_header_size + session_header_size; ///< of IPMI 2.0
inline constexpr std::size_t session_1_5_header_size = 10;                            ///< without a code
inline constexpr std::size_t payload_1_5_offset = rmcp_header_size + session_1_5_header_size;
inline constexpr std::size_t largest_payload = 0xFFFF; ///< the length field has 16 bits

/// RMCP+ payload types (IPMI 2.0 table 13-16), 6 bits; other values may arrive.
enum class PayloadType : std::uint8_t
{
    ipmi_message = 0x00,
    serial_over_lan = 0x01,
    oem_explicit = 0x02,
    open_session_request = 0x10,
    open_session_response = 0x11,
    rakp_message_1 = 0x12,
    rakp_message_2 = 0x13,
    rakp_message_3 = 0x14,
    rakp_message_4 = 0x15,
};

/// What a datagram is by its first bytes.
enum class PacketFormat : std::uint8_t
{
    asf,       ///< RMCP class 06h: presence ping and pong
    ipmi_1_5,  ///< class 07h, authentication type other than 06h
    rmcp_plus, ///< class 07h, authentication type 06h
};

/// Which format a datagram claims. Errors: length, invalid_field (RMCP version, sequence number, class).
[[nodiscard]] Result<PacketFormat> classify(ConstBytes datagram);

/// The IPMI 1.5 wrapper outside of a session; a session id, a sequence number or an authentication type is refused.
/// The result views the IPMI LAN message inside the datagram.
[[nodiscard]] Result<ConstBytes> parse_sessionless_1_5(ConstBytes datagram);

/// Wraps an IPMI LAN message of at most 255 bytes the IPMI 1.5 way, session 0.
[[nodiscard]] Bytes build_sessionless_1_5(ConstBytes message);

/// The IPMI 2.0 session header and what it frames, viewed inside the datagram.
struct RmcpPlusPacket
{
    PayloadType payload_type{};
    bool encrypted{};
    bool authenticated{};
    std::uint32_t session_id{};
    std::uint32_t session_sequence{};
    std::size_t payload_size{}; ///< bytes at payload_offset; encrypted if the flag says so
};

/// Checks the framing: an unauthenticated packet ends with its payload, an authenticated one has at least a trailer's
/// pad length and next header behind it. Errors: length; unsupported for OEM explicit payloads (a longer header).
[[nodiscard]] Result<RmcpPlusPacket> parse_rmcp_plus(ConstBytes datagram);

/// A packet outside of a session: no encryption, no authentication, session id and sequence number 0.
[[nodiscard]] Bytes build_sessionless(PayloadType type, ConstBytes payload);

/// Writes the RMCP header and the session header into the first payload_offset bytes of `out`.
void write_headers(const RmcpPlusPacket& packet, MutableBytes out);

/// Least significant byte first, as every number of the session headers.
[[nodiscard]] std::uint32_t load_u32(ConstBytes bytes);
void store_u32(std::uint32_t value, MutableBytes out);

} // namespace fwupdate::rmcpplus
