#include "header_text.hpp"

#include <regex>
#include <sstream>
#include <stdexcept>

namespace fwupdate::test
{
namespace
{

std::string without_comments(std::string_view text)
{
    std::string bare;
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);)
    {
        bare += line.substr(0, line.find("//")) + "\n";
    }
    return bare;
}

std::uint64_t number(std::string text)
{
    const std::size_t brace = text.find("_t{"); // std::uint64_t{1}
    if (brace != std::string::npos)
    {
        text = text.substr(brace + 3, text.find('}') - brace - 3);
    }
    std::erase_if(text, [](char c) { return c == '\'' || c == ' ' || c == 'U' || c == 'L'; });
    std::size_t used = 0;
    const bool hexadecimal = text.ends_with('h');
    if (hexadecimal)
    {
        text.pop_back();
    }
    const std::uint64_t value = std::stoull(text, &used, hexadecimal ? 16 : 0);
    if (used != text.size())
    {
        throw std::runtime_error("not a number: " + text);
    }
    return value;
}

NamedValues parse_enumerators(const std::string& body)
{
    const std::regex enumerator{R"((\w+)\s*(?:=\s*([^,]+?))?\s*(?:,|$))"};
    NamedValues values;
    std::uint64_t next = 0;
    for (std::sregex_iterator at{body.begin(), body.end(), enumerator}, end; at != end; ++at)
    {
        const std::string value = (*at)[2];
        next = value.empty() ? next : evaluate(value);
        values.emplace_back((*at)[1], next++);
    }
    return values;
}

} // namespace

std::uint64_t evaluate(std::string_view expression)
{
    const std::string text{expression};
    if (const auto shift = text.find("<<"); shift != std::string::npos)
    {
        return number(text.substr(0, shift)) << number(text.substr(shift + 2));
    }
    if (const auto times = text.find('*'); times != std::string::npos)
    {
        return number(text.substr(0, times)) * number(text.substr(times + 1));
    }
    return number(text);
}

bool evaluates(std::string_view expression)
{
    try
    {
        evaluate(expression);
        return true;
    }
    catch (const std::exception&)
    {
        return false;
    }
}

HeaderText parse_header(std::string_view text)
{
    const std::regex enumeration{R"(enum class (\w+)\s*:\s*[\w:]+\s*\{([^}]*)\};)"};
    const std::regex constant{
        R"(inline constexpr (?:std::uint\d+_t|std::size_t|ipmi::CompletionCode) (\w+)(?: = ([^;]+)|\{([^;]+)\});)"};
    const std::string bare = without_comments(text);
    HeaderText header;
    for (std::sregex_iterator at{bare.begin(), bare.end(), enumeration}, end; at != end; ++at)
    {
        header.enums[(*at)[1]] = parse_enumerators((*at)[2]);
    }
    for (std::sregex_iterator at{bare.begin(), bare.end(), constant}, end; at != end; ++at)
    {
        const std::string value = (*at)[2].matched ? (*at)[2] : (*at)[3];
        header.constants.emplace_back((*at)[1], evaluate(value));
    }
    return header;
}

} // namespace fwupdate::test
