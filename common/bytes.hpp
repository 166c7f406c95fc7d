// Byte strings: owning, viewing, and their hexadecimal form for people and vectors.
#pragma once

#include "common/result.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate
{

using Bytes = std::vector<std::uint8_t>;
using ConstBytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using Sha256 = std::array<std::uint8_t, 32>;

/// Lower-case hexadecimal digits without separators.
[[nodiscard]] std::string to_hex(ConstBytes bytes);

/// Reads hexadecimal digits, blanks between bytes allowed; errors: ErrorKind::invalid_field.
[[nodiscard]] Result<Bytes> from_hex(std::string_view text);

/// The bytes of a string, viewed; the string must outlive the view.
[[nodiscard]] inline ConstBytes as_bytes(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A copy of the bytes as text.
[[nodiscard]] inline std::string as_text(ConstBytes bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Text that came from the other side, made safe for a terminal or a log: control characters, characters that reorder
/// or hide others, and bytes that are not UTF-8 become '?'.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace fwupdate
