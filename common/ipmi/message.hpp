// The IPMI message independent of its channel (IPMI 2.0 sections 5.1, 5.2, 13.8).
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <string_view>

namespace fwupdate::ipmi
{

/// Network Function codes, request values (IPMI 2.0 table 5-1); the response is the value + 1.
enum class NetFn : std::uint8_t
{
    chassis = 0x00,
    bridge = 0x02,
    sensor_event = 0x04,
    app = 0x06,
    firmware = 0x08,
    storage = 0x0A,
    transport = 0x0C,
    group_extension = 0x2C,
    oem_group = 0x2E,
};

/// Completion codes (IPMI 2.0 table 5-2) that this project sends or understands; 80h-BEh are the command's own.
enum class CompletionCode : std::uint8_t
{
    ok = 0x00,
    node_busy = 0xC0,
    invalid_command = 0xC1,
    invalid_for_lun = 0xC2,
    timeout = 0xC3,
    out_of_space = 0xC4,
    reservation_cancelled = 0xC5,
    data_truncated = 0xC6,
    data_length_invalid = 0xC7,
    data_length_exceeded = 0xC8,
    parameter_out_of_range = 0xC9,
    cannot_return_number_of_bytes = 0xCA,
    not_present = 0xCB,
    invalid_data_field = 0xCC,
    cannot_be_provided = 0xCE,
    initialization_in_progress = 0xD2,
    destination_unavailable = 0xD3,
    insufficient_privilege = 0xD4,
    not_supported_in_present_state = 0xD5,
    unspecified = 0xFF,
};

/// Privilege levels (IPMI 2.0 table 22-28 [Set Session Privilege Level]).
enum class Privilege : std::uint8_t
{
    none = 0, ///< before a session
    callback = 1,
    user = 2,
    operator_ = 3,
    administrator = 4,
};

/// The one mapping from an error of the core to what goes on the wire.
[[nodiscard]] CompletionCode completion_code(ErrorKind kind);

/// The meaning of a completion code in a few words, for a person.
[[nodiscard]] std::string_view describe(CompletionCode code);

/// A request on its way in: what is asked, whatever the channel was.
struct Request
{
    NetFn net_fn{};
    std::uint8_t lun{};
    std::uint8_t command{};
    ConstBytes data;
};

/// The answer: completion code and data.
struct Response
{
    CompletionCode completion_code{};
    Bytes data;

    bool operator==(const Response&) const = default;
};

/// Two's complement checksum of IPMI messages on LAN and IPMB (IPMI 2.0 section 13.8): sums with the bytes to 0.
[[nodiscard]] constexpr std::uint8_t checksum(ConstBytes bytes)
{
    std::uint8_t sum = 0;
    for (const std::uint8_t byte : bytes)
    {
        sum = static_cast<std::uint8_t>(sum + byte);
    }
    return static_cast<std::uint8_t>(-sum);
}

} // namespace fwupdate::ipmi
