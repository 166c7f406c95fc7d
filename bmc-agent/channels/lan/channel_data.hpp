// The response data of the channel, session and user commands, byte by byte (IPMI 2.0 chapter 22).
#pragma once

#include "bmc-agent/channels/lan/session_table.hpp"
#include "bmc-agent/config/config.hpp"
#include "common/bytes.hpp"

#include <cstddef>
#include <cstdint>

namespace fwupdate::agent::lan
{

inline constexpr std::uint8_t system_interface_channel = 0x0F;

/// Get Channel Authentication Capabilities (22.13): IPMI 2.0 sessions only, named users only.
[[nodiscard]] Bytes authentication_capabilities_data(const config::Lan& lan, bool wants_2_0);

/// Get Channel Cipher Suites (22.15): one record per suite, or the algorithms they are made of.
[[nodiscard]] Bytes cipher_suite_records(const config::Lan& lan, bool by_suite);

/// Get Session Info (22.20); nullptr: handle 0 and the counts alone.
[[nodiscard]] Bytes session_info_data(const SessionTable& sessions, const Session* session);

/// Get Channel Access (22.23).
[[nodiscard]] Bytes channel_access_data();

/// Get Channel Info (22.24).
[[nodiscard]] Bytes lan_channel_info_data(std::uint8_t channel, std::size_t active_sessions);
[[nodiscard]] Bytes system_interface_info_data(std::uint8_t channel, HostInterface host_interface);

/// Get User Access (22.27).
[[nodiscard]] Bytes user_access_data(std::uint8_t users, const config::User& user);

} // namespace fwupdate::agent::lan
