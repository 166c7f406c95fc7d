// The messages that open an RMCP+ session (IPMI 2.0 sections 13.17 to 13.24): Open Session and RAKP 1 to 4.
#pragma once

#include "common/codec.hpp"
#include "common/rmcpplus/algorithms.hpp"

#include <array>
#include <cstdint>
#include <tuple>

namespace fwupdate::rmcpplus
{

using codec::Field;
using codec::Flags;
using codec::Text;
using codec::TrailingBytes;
using Reserved8 = Flags<std::uint8_t, 0>;
using Reserved16 = Flags<std::uint16_t, 0>;

using Random16 = std::array<std::uint8_t, 16>;
using Guid = std::array<std::uint8_t, 16>;

inline constexpr std::size_t largest_user_name = 16; ///< bytes
inline constexpr std::uint8_t role_name_only = 0x10; ///< of the role byte: look the user up by name alone
inline constexpr std::uint8_t role_privilege = 0x0F; ///< of the role byte: the privilege level asked for
inline constexpr std::uint8_t role_reserved = 0xE0;  ///< of the role byte

/// RMCP+ and RAKP status codes (IPMI 2.0 table 13-15).
enum class RakpStatus : std::uint8_t
{
    no_errors = 0x00,
    insufficient_resources = 0x01,
    invalid_session_id = 0x02,
    invalid_payload_type = 0x03,
    invalid_authentication_algorithm = 0x04,
    invalid_integrity_algorithm = 0x05,
    no_matching_authentication_payload = 0x06,
    no_matching_integrity_payload = 0x07,
    inactive_session_id = 0x08,
    invalid_role = 0x09,
    unauthorized_role = 0x0A,
    insufficient_resources_for_role = 0x0B,
    invalid_name_length = 0x0C,
    unauthorized_name = 0x0D,
    unauthorized_guid = 0x0E,
    invalid_integrity_check_value = 0x0F,
    invalid_confidentiality_algorithm = 0x10,
    no_cipher_suite_match = 0x11,
    illegal_parameter = 0x12,
};
constexpr bool is_defined(RakpStatus value)
{
    return value <= RakpStatus::illegal_parameter;
}

/// One algorithm proposed or chosen (IPMI 2.0 table 13-9, bytes 9 to 32).
struct AlgorithmPayload
{
    std::uint8_t type{}; ///< 0 authentication, 1 integrity, 2 confidentiality
    Reserved16 reserved_1;
    std::uint8_t length{8};   ///< bytes of this payload; 0: whatever the BMC picks
    std::uint8_t algorithm{}; ///< bits 5:0
    Reserved8 reserved_2;
    Reserved16 reserved_3;

    using Self = AlgorithmPayload;
    static constexpr auto layout = std::tuple{Field{"type", &Self::type},
                                              Field{"reserved_1", &Self::reserved_1},
                                              Field{"length", &Self::length},
                                              Field{"algorithm", &Self::algorithm},
                                              Field{"reserved_2", &Self::reserved_2},
                                              Field{"reserved_3", &Self::reserved_3}};
    bool operator==(const Self&) const = default;
};

/// RMCP+ Open Session Request (IPMI 2.0 table 13-9).
struct OpenSessionRequest
{
    std::uint8_t message_tag{};
    std::uint8_t privilege{}; ///< bits 3:0; 0: the highest there is
    Reserved16 reserved;
    std::uint32_t console_session_id{};
    AlgorithmPayload authentication;
    AlgorithmPayload integrity;
    AlgorithmPayload confidentiality;

    using Self = OpenSessionRequest;
    static constexpr auto layout = std::tuple{Field{"message_tag", &Self::message_tag},
                                              Field{"privilege", &Self::privilege},
                                              Field{"reserved", &Self::reserved},
                                              Field{"console_session_id", &Self::console_session_id},
                                              Field{"authentication", &Self::authentication},
                                              Field{"integrity", &Self::integrity},
                                              Field{"confidentiality", &Self::confidentiality}};
    bool operator==(const Self&) const = default;
};

/// RMCP+ Open Session Response (IPMI 2.0 table 13-10) with status 00h.
struct OpenSessionResponse
{
    std::uint8_t message_tag{};
    RakpStatus status{};
    std::uint8_t privilege{}; ///< the highest that the BMC can grant
    Reserved8 reserved;
    std::uint32_t console_session_id{};
    std::uint32_t bmc_session_id{};
    AlgorithmPayload authentication;
    AlgorithmPayload integrity;
    AlgorithmPayload confidentiality;

    using Self = OpenSessionResponse;
    static constexpr auto layout = std::tuple{Field{"message_tag", &Self::message_tag},
                                              Field{"status", &Self::status},
                                              Field{"privilege", &Self::privilege},
                                              Field{"reserved", &Self::reserved},
                                              Field{"console_session_id", &Self::console_session_id},
                                              Field{"bmc_session_id", &Self::bmc_session_id},
                                              Field{"authentication", &Self::authentication},
                                              Field{"integrity", &Self::integrity},
                                              Field{"confidentiality", &Self::confidentiality}};
    bool operator==(const Self&) const = default;
};

/// An Open Session Response, RAKP 2 or RAKP 4 with another status than 00h ends after the session id.
struct HandshakeRefusal
{
    std::uint8_t message_tag{};
    RakpStatus status{};
    Reserved16 reserved;
    std::uint32_t console_session_id{};

    using Self = HandshakeRefusal;
    static constexpr auto layout =
        std::tuple{Field{"message_tag", &Self::message_tag}, Field{"status", &Self::status},
                   Field{"reserved", &Self::reserved}, Field{"console_session_id", &Self::console_session_id}};
    bool operator==(const Self&) const = default;
};

/// RAKP Message 1 (IPMI 2.0 table 13-11).
struct RakpMessage1
{
    std::uint8_t message_tag{};
    Reserved8 reserved_1;
    Reserved16 reserved_2;
    std::uint32_t bmc_session_id{};
    Random16 console_random{};
    std::uint8_t role{}; ///< hashed as sent
    Reserved16 reserved_3;
    Text<largest_user_name> user_name;

    using Self = RakpMessage1;
    static constexpr auto layout =
        std::tuple{Field{"message_tag", &Self::message_tag},       Field{"reserved_1", &Self::reserved_1},
                   Field{"reserved_2", &Self::reserved_2},         Field{"bmc_session_id", &Self::bmc_session_id},
                   Field{"console_random", &Self::console_random}, Field{"role", &Self::role},
                   Field{"reserved_3", &Self::reserved_3},         Field{"user_name", &Self::user_name}};
    bool operator==(const Self&) const = default;
};

/// RAKP Message 2 (IPMI 2.0 table 13-12) with status 00h.
struct RakpMessage2
{
    std::uint8_t message_tag{};
    RakpStatus status{};
    Reserved16 reserved;
    std::uint32_t console_session_id{};
    Random16 bmc_random{};
    Guid bmc_guid{};
    TrailingBytes authentication_code;

    using Self = RakpMessage2;
    static constexpr auto layout = std::tuple{Field{"message_tag", &Self::message_tag},
                                              Field{"status", &Self::status},
                                              Field{"reserved", &Self::reserved},
                                              Field{"console_session_id", &Self::console_session_id},
                                              Field{"bmc_random", &Self::bmc_random},
                                              Field{"bmc_guid", &Self::bmc_guid},
                                              Field{"authentication_code", &Self::authentication_code}};
    bool operator==(const Self&) const = default;
};

/// RAKP Message 3 (IPMI 2.0 table 13-13); no code when the remote console gives up (status other than 00h).
struct RakpMessage3
{
    std::uint8_t message_tag{};
    RakpStatus status{};
    Reserved16 reserved;
    std::uint32_t bmc_session_id{};
    TrailingBytes authentication_code;

    using Self = RakpMessage3;
    static constexpr auto layout = std::tuple{
        Field{"message_tag", &Self::message_tag}, Field{"status", &Self::status}, Field{"reserved", &Self::reserved},
        Field{"bmc_session_id", &Self::bmc_session_id}, Field{"authentication_code", &Self::authentication_code}};
    bool operator==(const Self&) const = default;
};

/// RAKP Message 4 (IPMI 2.0 table 13-14) with status 00h.
struct RakpMessage4
{
    std::uint8_t message_tag{};
    RakpStatus status{};
    Reserved16 reserved;
    std::uint32_t console_session_id{};
    TrailingBytes integrity_check_value;

    using Self = RakpMessage4;
    static constexpr auto layout =
        std::tuple{Field{"message_tag", &Self::message_tag}, Field{"status", &Self::status},
                   Field{"reserved", &Self::reserved}, Field{"console_session_id", &Self::console_session_id},
                   Field{"integrity_check_value", &Self::integrity_check_value}};
    bool operator==(const Self&) const = default;
};

} // namespace fwupdate::rmcpplus
