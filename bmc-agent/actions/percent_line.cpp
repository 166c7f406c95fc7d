#include "bmc-agent/actions/percent_line.hpp"

#include <algorithm>

namespace fwupdate::agent
{
namespace
{

constexpr std::string_view blanks = " \t";
constexpr std::string_view keyword = "percent";
constexpr std::size_t most_digits = 3;

/// Takes what is at the text's beginning away from it.
void skip_blanks(std::string_view& text)
{
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
}

bool skip(std::string_view& text, std::string_view prefix)
{
    const bool there = text.starts_with(prefix);
    text.remove_prefix(there ? prefix.size() : 0);
    return there;
}

std::string_view take_digits(std::string_view& text)
{
    const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
    text.remove_prefix(digits.size());
    return digits;
}

std::optional<std::uint8_t> take_number(std::string_view& text)
{
    const std::string_view digits = take_digits(text);
    if (digits.empty() || digits.size() > most_digits || (skip(text, ".") && take_digits(text).empty()))
    {
        return std::nullopt;
    }
    unsigned value = 0;
    for (const char digit : digits)
    {
        value = value * 10 + static_cast<unsigned>(digit - '0');
    }
    return value <= 100 ? std::optional{static_cast<std::uint8_t>(value)} : std::nullopt;
}

} // namespace

std::optional<std::uint8_t> percent_of(std::string_view line)
{
    skip_blanks(line);
    const bool named = skip(line, keyword);
    const std::size_t before = line.size();
    skip_blanks(line);
    if (named && line.size() == before)
    {
        return std::nullopt;
    }
    const std::optional<std::uint8_t> number = take_number(line);
    const std::string_view behind = line;
    skip_blanks(line);
    const bool sign = skip(line, "%");
    const std::string_view rest = sign ? line : behind;
    const bool ends = rest.empty() || blanks.find(rest.front()) != std::string_view::npos;
    return (named || sign) && ends ? number : std::nullopt;
}

} // namespace fwupdate::agent
