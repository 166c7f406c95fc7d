// Strings of a package: bytes and what they are (DSP0267, string types).
#pragma once

#include "common/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::pldm
{

enum class StringType : std::uint8_t
{
    unknown = 0,
    ascii = 1,
    utf8 = 2,
    utf16 = 3, ///< a byte order mark tells the order; without one, most significant byte first (RFC 2781)
    utf16le = 4,
    utf16be = 5,
};

/// The types that say what a string's bytes are.
inline constexpr std::array<StringType, 5> string_types{StringType::ascii, StringType::utf8, StringType::utf16,
                                                        StringType::utf16le, StringType::utf16be};

/// "ASCII", "UTF-8", ...; "unknown" for type 0, "reserved" for what the specification doesn't define.
[[nodiscard]] std::string_view name(StringType type);

inline constexpr std::size_t longest_string = 255; ///< bytes

/// A string as it stands in a package.
struct VersionString
{
    StringType type{StringType::ascii};
    std::string bytes; ///< encoded as `type` says, at most longest_string

    bool operator==(const VersionString&) const = default;
};

/// Why the bytes are no string of their type; nothing if they are one. Type 0 and reserved types have no strings.
[[nodiscard]] std::optional<std::string> fault_of(const VersionString& string);

/// The text as UTF-8; what can't be read becomes U+FFFD. Not yet safe for a terminal: see printable().
[[nodiscard]] std::string to_utf8(const VersionString& string);

/// The text in the encoding asked for; UTF-16 without an order gets a byte order mark and the most significant byte
/// first. Errors: ErrorKind::invalid_field (not UTF-8, not ASCII, no such type), ErrorKind::length (over 255 bytes).
[[nodiscard]] Result<VersionString> from_utf8(StringType type, std::string_view text);

} // namespace fwupdate::pldm
