#include "common/package/version_string.hpp"

#include <algorithm>

namespace fwupdate::pldm
{
namespace
{

constexpr char32_t ill_formed = 0xFFFFFFFF;
constexpr char32_t replacement = 0xFFFD;
constexpr char32_t byte_order_mark = 0xFEFF;

std::uint8_t byte_of(std::string_view text, std::size_t at)
{
    return static_cast<std::uint8_t>(text[at]);
}

bool is_scalar(char32_t value)
{
    return value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
}

/// Takes one character off the front of UTF-8 text; of ill-formed text one byte.
char32_t take_utf8(std::string_view& text)
{
    const std::uint8_t lead = byte_of(text, 0);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC0 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF8 ? 4
                                             : 0;
    if (length < 2 || length > text.size())
    {
        text.remove_prefix(1);
        return length == 1 ? lead : ill_formed;
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    char32_t value = lead & (0x7FU >> length);
    bool good = true;
    for (std::size_t at = 1; at < length; ++at)
    {
        const std::uint8_t next = byte_of(text, at);
        good = good && (next & 0xC0) == 0x80;
        value = value << 6 | (next & 0x3FU);
    }
    good = good && value >= least[length] && is_scalar(value);
    text.remove_prefix(good ? length : 1);
    return good ? value : ill_formed;
}

/// Takes one character off the front of UTF-16 text; of ill-formed text one unit, or the half of one.
char32_t take_utf16(std::string_view& text, bool little_endian)
{
    const auto unit = [&](std::size_t at) -> char32_t
    {
        const std::uint8_t first = byte_of(text, at);
        const std::uint8_t second = byte_of(text, at + 1);
        return static_cast<char32_t>(little_endian ? second << 8 | first : first << 8 | second);
    };
    if (text.size() < 2)
    {
        text.remove_prefix(text.size());
        return ill_formed;
    }
    const char32_t high = unit(0);
    const bool pair = high >= 0xD800 && high <= 0xDBFF && text.size() >= 4;
    const char32_t low = pair ? unit(2) : 0;
    if (pair && low >= 0xDC00 && low <= 0xDFFF)
    {
        text.remove_prefix(4);
        return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    text.remove_prefix(2);
    return is_scalar(high) ? high : ill_formed;
}

void append_utf8(char32_t value, std::string& out)
{
    const auto push = [&](char32_t byte) { out += static_cast<char>(byte); };
    const auto follow = [&](unsigned shift) { push(0x80 | ((value >> shift) & 0x3F)); };
    if (value < 0x80)
    {
        push(value);
    }
    else if (value < 0x800)
    {
        push(0xC0 | value >> 6);
        follow(0);
    }
    else if (value < 0x10000)
    {
        push(0xE0 | value >> 12);
        follow(6);
        follow(0);
    }
    else
    {
        push(0xF0 | value >> 18);
        follow(12);
        follow(6);
        follow(0);
    }
}

void append_utf16(char32_t value, bool little_endian, std::string& out)
{
    const auto push = [&](char32_t unit)
    {
        const auto high = static_cast<char>(unit >> 8);
        const auto low = static_cast<char>(unit & 0xFF);
        out += little_endian ? low : high;
        out += little_endian ? high : low;
    };
    if (value < 0x10000)
    {
        push(value);
        return;
    }
    push(0xD800 + ((value - 0x10000) >> 10));
    push(0xDC00 + ((value - 0x10000) & 0x3FF));
}

/// Calls `each` with every character of a string, ill_formed for what is none.
template <class Each> void for_each_character(const VersionString& string, Each each)
{
    std::string_view text{string.bytes};
    bool little_endian = string.type == StringType::utf16le;
    if (string.type == StringType::utf16 && text.size() >= 2 &&
        (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")))
    {
        little_endian = text.starts_with("\xFF\xFE");
        text.remove_prefix(2);
    }
    while (!text.empty())
    {
        if (string.type >= StringType::utf16 && string.type <= StringType::utf16be)
        {
            each(take_utf16(text, little_endian));
        }
        else if (string.type == StringType::utf8)
        {
            each(take_utf8(text));
        }
        else
        {
            const std::uint8_t byte = byte_of(text, 0);
            text.remove_prefix(1);
            each(byte < 0x80 ? byte : ill_formed);
        }
    }
}

} // namespace

std::string_view name(StringType type)
{
    constexpr std::array<std::string_view, 6> names{"unknown", "ASCII", "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE"};
    const auto at = static_cast<std::size_t>(type);
    return at < names.size() ? names[at] : "reserved";
}

std::optional<std::string> fault_of(const VersionString& string)
{
    if (std::ranges::find(string_types, string.type) == string_types.end())
    {
        return "string type " + std::to_string(static_cast<unsigned>(string.type)) + " is " +
               std::string{name(string.type)};
    }
    bool good = string.bytes.size() <= longest_string;
    for_each_character(string, [&](char32_t value) { good = good && value != ill_formed; });
    return good ? std::nullopt : std::optional{"the bytes are not " + std::string{name(string.type)}};
}

std::string to_utf8(const VersionString& string)
{
    std::string out;
    for_each_character(string, [&](char32_t value) { append_utf8(value == ill_formed ? replacement : value, out); });
    return out;
}

Result<VersionString> from_utf8(StringType type, std::string_view text)
{
    VersionString string{type, {}};
    const bool wide = type >= StringType::utf16 && type <= StringType::utf16be;
    if (type == StringType::utf16 && !text.empty())
    {
        append_utf16(byte_order_mark, false, string.bytes);
    }
    while (!text.empty())
    {
        const char32_t value = take_utf8(text);
        if (value == ill_formed)
        {
            return fail(ErrorKind::invalid_field, "the text is not UTF-8");
        }
        wide ? append_utf16(value, type == StringType::utf16le, string.bytes) : append_utf8(value, string.bytes);
    }
    if (string.bytes.size() > longest_string)
    {
        return fail(ErrorKind::length,
                    std::to_string(string.bytes.size()) + " bytes; the most is " + std::to_string(longest_string));
    }
    if (const auto fault = fault_of(string))
    {
        return fail(ErrorKind::invalid_field, *fault);
    }
    return string;
}

} // namespace fwupdate::pldm
