#include "bmc-agent/update/transport_table.hpp"

#include <cctype>

namespace fwupdate::agent
{
namespace
{

bool same_letters(std::string_view left, std::string_view right)
{
    return std::ranges::equal(
        left, right, [](unsigned char one, unsigned char other) { return std::tolower(one) == std::tolower(other); });
}

} // namespace

const FetcherRow* TransportTable::find(std::string_view uri) const
{
    const std::size_t end = uri.find("://");
    const std::string_view scheme = end == std::string_view::npos ? std::string_view{} : uri.substr(0, end);
    const auto row =
        std::ranges::find_if(fetchers, [&](const FetcherRow& other) { return same_letters(other.scheme, scheme); });
    return row == fetchers.end() ? nullptr : &*row;
}

std::uint16_t TransportTable::schemes() const
{
    std::uint16_t bits = 0;
    for (const FetcherRow& row : fetchers)
    {
        bits = static_cast<std::uint16_t>(bits | row.bit);
    }
    return bits;
}

std::string TransportTable::describe() const
{
    std::string text;
    for (const FetcherRow& row : fetchers)
    {
        text += (text.empty() ? "" : ", ") + std::string{row.scheme} + "://";
    }
    return text.empty() ? "it fetches nothing: stream the image over IPMI" : "it fetches " + text;
}

} // namespace fwupdate::agent
