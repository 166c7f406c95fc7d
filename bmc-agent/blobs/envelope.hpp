// What is around every body: enterprise number, sub-command and CRC.
#pragma once

#include "bmc-agent/blobs/messages.hpp"
#include "common/ipmi/message.hpp"

#include <optional>
#include <string>

namespace fwupdate::agent::blobs
{

/// CRC-16/SPI-FUJITSU: polynomial 1021h, not reflected, begins with 1D0Fh. Over a body alone.
[[nodiscard]] constexpr std::uint16_t crc16(ConstBytes bytes)
{
    constexpr std::uint16_t polynomial = 0x1021;
    std::uint16_t crc = 0x1D0F;
    for (const std::uint8_t byte : bytes)
    {
        crc = static_cast<std::uint16_t>(crc ^ byte << 8);
        for (int bit = 0; bit < 8; ++bit)
        {
            const bool top = (crc & 0x8000) != 0;
            crc = static_cast<std::uint16_t>(static_cast<std::uint16_t>(crc << 1) ^ (top ? polynomial : 0));
        }
    }
    return crc;
}

/// The body of a request whose data behind the sub-command is `data`. Looked at in the original's order: at least
/// `least` bytes, CRC included (error length); no CRC behind less than two bytes, no body behind just two (length);
/// the CRC matches (integrity).
[[nodiscard]] Result<ConstBytes> check_data(ConstBytes data, std::size_t least);

/// The id of an Open, Delete or Stat: one NUL, at the very end, behind at least one character. Errors: length.
[[nodiscard]] Result<std::string> read_id(ConstBytes bytes);

/// What a sub-command answers.
struct Reply
{
    ipmi::CompletionCode code{ipmi::CompletionCode::ok};
    std::optional<Bytes> body; ///< none: no CRC either
    std::string why;           ///< of a refusal, for the log: what failed, on what, what to do
};

/// The response data: enterprise number, CRC, body; a refusal is the enterprise number alone. What is longer than the
/// `room` of the channel, in bytes, is refused with CEh.
[[nodiscard]] ipmi::Response make_response(const Reply& reply, std::size_t room);

} // namespace fwupdate::agent::blobs
