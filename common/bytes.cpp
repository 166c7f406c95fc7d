#include "common/bytes.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate
{
namespace
{

int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
    {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f')
    {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/// Length of the well-formed UTF-8 sequence at the start of `text` (0: ill-formed).
std::size_t utf8_length(std::string_view text)
{
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::uint8_t lead = byte(0);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || length > text.size())
    {
        return 0;
    }
    for (std::size_t at = 1; at < length; ++at)
    {
        if ((byte(at) & 0xC0) != 0x80)
        {
            return 0;
        }
    }
    const bool overlong_or_surrogate = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                                       (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
    const bool c1_control = lead == 0xC2 && byte(1) < 0xA0;
    return overlong_or_surrogate || c1_control ? 0 : length;
}

/// Characters that show nothing and reorder or hide what stands beside them (Unicode's bidirectional controls and zero
/// width marks, all of three bytes but U+061C).
bool is_invisible(std::string_view character)
{
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> ranges{{
        {"\xE2\x80\x8B", "\xE2\x80\x8F"}, // U+200B-U+200F
        {"\xE2\x80\xA8", "\xE2\x80\xAE"}, // U+2028-U+202E
        {"\xE2\x81\xA0", "\xE2\x81\xAF"}, // U+2060-U+206F
        {"\xEF\xBB\xBF", "\xEF\xBB\xBF"}, // U+FEFF
    }};
    return character == "\xD8\x9C" ||
           std::ranges::any_of(ranges, [&](const auto& range)
                               { return range.first <= character && character <= range.second; });
}

} // namespace

std::string to_hex(ConstBytes bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes)
    {
        text += digits[byte >> 4];
        text += digits[byte & 0x0F];
    }
    return text;
}

Result<Bytes> from_hex(std::string_view text)
{
    Bytes bytes;
    int high = -1;
    for (const char character : text)
    {
        if (character == ' ' && high < 0)
        {
            continue;
        }
        const int value = digit_value(character);
        if (value < 0)
        {
            return fail(ErrorKind::invalid_field, std::string{"'"} + character + "' is not a hexadecimal digit");
        }
        if (high < 0)
        {
            high = value;
            continue;
        }
        bytes.push_back(static_cast<std::uint8_t>(high << 4 | value));
        high = -1;
    }
    if (high >= 0)
    {
        return fail(ErrorKind::invalid_field, "an odd number of hexadecimal digits");
    }
    return bytes;
}

std::string printable(std::string_view text)
{
    std::string safe;
    safe.reserve(text.size());
    while (!text.empty())
    {
        const std::size_t length = utf8_length(text);
        const bool control = length == 1 && (static_cast<std::uint8_t>(text[0]) < 0x20 || text[0] == 0x7F);
        safe += length == 0 || control || is_invisible(text.substr(0, length)) ? std::string_view{"?"}
                                                                               : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return safe;
}

} // namespace fwupdate
