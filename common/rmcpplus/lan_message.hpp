// The IPMI message as it travels on LAN: addresses, NetFn and LUNs, requester sequence, two checksums
// (IPMI 2.0 section 13.8, figure 13-4).
#pragma once

#include "common/bytes.hpp"
#include "common/ipmi/message.hpp"
#include "common/result.hpp"

#include <cstddef>
#include <cstdint>

namespace fwupdate::rmcpplus
{

inline constexpr std::uint8_t bmc_address = 0x20;            ///< slave address of every BMC
inline constexpr std::uint8_t remote_console_address = 0x81; ///< software id of a remote console
inline constexpr std::size_t request_overhead = 7;           ///< bytes around a request's data
inline constexpr std::size_t response_overhead = 8;          ///< bytes around a response's data
inline constexpr std::size_t request_data_offset = 6;        ///< of the data in a request
inline constexpr std::size_t response_data_offset = 7;       ///< of the data in a response

struct LanRequest
{
    std::uint8_t responder_address{bmc_address};
    ipmi::NetFn net_fn{}; ///< even
    std::uint8_t responder_lun{};
    std::uint8_t requester_address{remote_console_address};
    std::uint8_t requester_sequence{}; ///< 6 bits
    std::uint8_t requester_lun{};
    std::uint8_t command{};
    ConstBytes data; ///< views the message's buffer
};

struct LanResponse
{
    std::uint8_t requester_address{remote_console_address};
    ipmi::NetFn net_fn{}; ///< the request's; travels + 1
    std::uint8_t requester_lun{};
    std::uint8_t responder_address{bmc_address};
    std::uint8_t requester_sequence{};
    std::uint8_t responder_lun{};
    std::uint8_t command{};
    ipmi::CompletionCode completion_code{};
    ConstBytes data; ///< views the message's buffer
};

/// Errors: length, integrity (a checksum), invalid_field (a response's NetFn).
[[nodiscard]] Result<LanRequest> parse_lan_request(ConstBytes message);

/// Errors: length, integrity (a checksum), invalid_field (a request's NetFn).
[[nodiscard]] Result<LanResponse> parse_lan_response(ConstBytes message);

/// Writes a request around data that already lie at request_data_offset of `out` (request.data is ignored);
/// `out` has exactly data + request_overhead bytes.
void frame_lan_request(const LanRequest& request, MutableBytes out);

/// The same for a response, whose data lie at response_data_offset.
void frame_lan_response(const LanResponse& response, MutableBytes out);

/// A whole request, data copied.
[[nodiscard]] Bytes build_lan_request(const LanRequest& request);

/// A whole response, data copied.
[[nodiscard]] Bytes build_lan_response(const LanResponse& response);

/// The answer's frame for a request: addresses and LUNs turned round, sequence and command kept.
[[nodiscard]] LanResponse response_to(const LanRequest& request);

} // namespace fwupdate::rmcpplus
