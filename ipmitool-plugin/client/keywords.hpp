// The keywords of `ipmitool fwupdate`: bare words behind the command, some with a value.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fwupdate::client
{

/// How the image goes to the BMC.
enum class Way : std::uint8_t
{
    stream, ///< in IPMI messages
    usb,    ///< over the BMC's virtual USB drive
    serve,  ///< this client serves it, the BMC fetches it
};

struct Keywords
{
    std::optional<std::string> target;
    std::optional<Sha256> sha256;             ///< what the image must have
    std::optional<std::uint64_t> size;        ///< bytes of what a URI names
    std::optional<Sha256> pin;                ///< SHA-256 of the server's certificate
    std::optional<std::string> user;          ///< at the server
    std::optional<std::string> password_file; ///< its first line is the password
    std::optional<std::string> image;         ///< a copy of what a URI names
    std::optional<std::string> signature;     ///< a file with a detached signature of the image
    std::optional<Way> transport;             ///< none: whichever is the better one
    std::optional<std::uint16_t> port;        ///< to serve at; none: any
    std::optional<std::string> address;       ///< under which the BMC reaches this client
    std::optional<std::string> from;          ///< the only address that is served, or "any"; none: the BMC's
    bool http{};                              ///< serve without TLS
    bool step{};                              ///< the single step, not the whole update
    bool no_downgrade{};
    bool defer_reboot{};
    bool debug{};
    bool force{};
    bool yes{};
    bool json{};
    bool no_wait{};
    bool wait_reboot{};
    bool no_confirm{};

    bool operator==(const Keywords&) const = default;
};

/// One bit per row of the keyword table; which keywords a command takes.
using KeywordBits = std::uint32_t;

inline constexpr KeywordBits target_bit = 1U << 0;
inline constexpr KeywordBits sha256_bit = 1U << 1;
inline constexpr KeywordBits no_downgrade_bit = 1U << 2;
inline constexpr KeywordBits defer_reboot_bit = 1U << 3;
inline constexpr KeywordBits debug_bit = 1U << 4;
inline constexpr KeywordBits force_bit = 1U << 5;
inline constexpr KeywordBits yes_bit = 1U << 6;
inline constexpr KeywordBits json_bit = 1U << 7;
inline constexpr KeywordBits no_wait_bit = 1U << 8;
inline constexpr KeywordBits wait_reboot_bit = 1U << 9;
inline constexpr KeywordBits transport_bit = 1U << 10;
inline constexpr KeywordBits size_bit = 1U << 11;
inline constexpr KeywordBits pin_bit = 1U << 12;
inline constexpr KeywordBits user_bit = 1U << 13;
inline constexpr KeywordBits password_file_bit = 1U << 14;
inline constexpr KeywordBits image_bit = 1U << 15;
inline constexpr KeywordBits step_bit = 1U << 16;
inline constexpr KeywordBits port_bit = 1U << 17;
inline constexpr KeywordBits address_bit = 1U << 18;
inline constexpr KeywordBits from_bit = 1U << 19;
inline constexpr KeywordBits http_bit = 1U << 20;
inline constexpr KeywordBits signature_bit = 1U << 21;
inline constexpr KeywordBits no_confirm_bit = 1U << 22;

struct KeywordRow
{
    KeywordBits bit{};
    std::string_view name;
    std::string_view value; ///< what follows; empty: nothing
    std::string_view meaning;
    bool Keywords::*flag{};                                                   ///< null: takes a value
    std::string_view (*take)(const std::string& value, Keywords& keywords){}; ///< empty: taken; else what it is not
};

/// All keywords, in the order of usage and help.
[[nodiscard]] std::span<const KeywordRow> keyword_table();

/// Null: there is no such keyword.
[[nodiscard]] const KeywordRow* keyword_named(std::string_view name);

/// The keywords that are given.
[[nodiscard]] KeywordBits given(const Keywords& keywords);

/// The way's name, and back.
[[nodiscard]] std::string_view name_of(Way way);
[[nodiscard]] std::optional<Way> way_named(std::string_view name);

/// 64 hexadecimal digits; errors: ErrorKind::invalid_field.
[[nodiscard]] Result<Sha256> read_sha256(std::string_view text);

/// The keywords as they would be typed, but for those of one run only (force, yes, json), and those that say what the
/// image is (sha256, size, image).
[[nodiscard]] std::string to_text(const Keywords& keywords);

/// A word for the shell, quoted if it needs to be.
[[nodiscard]] std::string shell_quoted(const std::string& word);

} // namespace fwupdate::client
