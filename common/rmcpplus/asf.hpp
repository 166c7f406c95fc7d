// ASF presence ping and pong on the RMCP port (IPMI 2.0 sections 13.2.2 to 13.2.4).
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>

namespace fwupdate::rmcpplus
{

/// The message tag of a presence ping; errors: length, invalid_field, unsupported (another ASF message).
[[nodiscard]] Result<std::uint8_t> parse_presence_ping(ConstBytes datagram);

/// The pong: IPMI supported, ASF version 1.0, no OEM capabilities. 28 bytes for a ping of 12.
[[nodiscard]] Bytes build_presence_pong(std::uint8_t message_tag);

} // namespace fwupdate::rmcpplus
