// Texts of the configuration that stand for something else: sizes, addresses, identifiers.
#pragma once

#include "bmc-agent/config/config.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace fwupdate::config
{

/// "4096", "64KiB", "64MiB", "2GiB" in bytes; nothing: not a size, or more than 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// "192.0.2.1:623", "[2001:db8::1]:623", "[fe80::1%eth0]:623", or an address alone (port 623).
/// Errors: invalid_field, the text says what is wrong with it.
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view text);

/// A UUID as RFC 4122 writes it, hyphens optional; the bytes in that order.
[[nodiscard]] std::optional<protocol::Identifier> parse_guid(std::string_view text);

} // namespace fwupdate::config
