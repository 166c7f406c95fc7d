// The remote console's half of an open session: requests sealed in place, responses read strictly. The session itself
// may have been opened by someone else (ipmitool), whose keys and ids are taken over.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"
#include "common/rmcpplus/lan_message.hpp"
#include "common/rmcpplus/session_cipher.hpp"

#include <cstddef>
#include <cstdint>

namespace fwupdate::rmcpplus
{

/// Where a command's data lie in a packet that build_request makes.
inline constexpr std::size_t command_data_offset = plaintext_offset + request_data_offset;

/// Bytes of the packet for this much command data.
[[nodiscard]] std::size_t request_packet_size(const SessionCipher& cipher, std::size_t data);

/// Makes a request packet around `data_size` bytes of command data that already lie at command_data_offset of `packet`
/// (request.data is ignored). Gives the packet's size. Errors: length, no_space.
[[nodiscard]] Result<std::size_t> build_request_in_place(SessionCipher& cipher, const PacketNumber& number,
                                                         const LanRequest& request, std::size_t data_size,
                                                         MutableBytes packet);

/// The same; request.data are copied.
[[nodiscard]] Result<std::size_t> build_request(SessionCipher& cipher, const PacketNumber& number,
                                                const LanRequest& request, MutableBytes packet);

/// A response and the number it came under; the data view the datagram.
struct ReceivedResponse
{
    std::uint32_t session_sequence{}; ///< not yet checked: hand it to a SequenceWindow
    LanResponse message;
};

/// Reads a response of this session, decrypting in place. Anything that is not both authenticated and encrypted, for
/// another session id, or not whole is an error: drop it. Errors: length, invalid_field, unsupported, not_found
/// (another session), denied (not protected), integrity.
[[nodiscard]] Result<ReceivedResponse> parse_response(const SessionCipher& cipher, std::uint32_t console_session_id,
                                                      MutableBytes datagram);

} // namespace fwupdate::rmcpplus
