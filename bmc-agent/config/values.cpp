#include "bmc-agent/config/values.hpp"

#include "common/bytes.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace fwupdate::config
{
namespace
{

constexpr std::uint16_t rmcp_port = 623; ///< IPMI 2.0 section 13.1.2

template <class T> std::optional<T> parse_decimal(std::string_view text)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

/// Address text and port text (nothing: no port written).
std::optional<std::pair<std::string_view, std::optional<std::string_view>>> split(std::string_view text)
{
    if (text.starts_with('['))
    {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos)
        {
            return std::nullopt;
        }
        const std::string_view address = text.substr(1, bracket - 1);
        const std::string_view rest = text.substr(bracket + 1);
        if (rest.empty())
        {
            return std::pair{address, std::nullopt};
        }
        return rest.front() == ':' ? std::optional{std::pair{address, std::optional{rest.substr(1)}}} : std::nullopt;
    }
    const std::size_t colon = text.find(':');
    const bool bare = colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos;
    return bare ? std::pair{text, std::optional<std::string_view>{}}
                : std::pair{text.substr(0, colon), std::optional{text.substr(colon + 1)}};
}

} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    constexpr std::array<std::pair<std::string_view, unsigned>, 3> units{{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
    const auto* const unit =
        std::ranges::find_if(units, [&](const auto& candidate) { return text.ends_with(candidate.first); });
    const unsigned shift = unit == units.end() ? 0 : unit->second;
    text.remove_suffix(unit == units.end() ? 0 : unit->first.size());
    const auto count = parse_decimal<std::uint64_t>(text);
    if (!count || *count > (std::numeric_limits<std::uint64_t>::max() >> shift))
    {
        return std::nullopt;
    }
    return *count << shift;
}

Result<ListenAddress> parse_listen_address(std::string_view text)
{
    const auto parts = split(text);
    boost::system::error_code error;
    if (parts)
    {
        // The scope (%eth0) is resolved at start, so that a name unknown here is no mistake of the file.
        const std::string_view literal = parts->first.substr(0, parts->first.find('%'));
        boost::asio::ip::make_address(std::string{literal}, error);
    }
    if (!parts || error)
    {
        return fail(ErrorKind::invalid_field, "is not an IP address with a port");
    }
    ListenAddress listen{std::string{parts->first}, rmcp_port};
    if (parts->second)
    {
        const auto port = parse_decimal<std::uint16_t>(*parts->second);
        if (!port)
        {
            return fail(ErrorKind::out_of_range, "has a port that is not a number from 0 to 65535");
        }
        listen.port = *port;
    }
    return listen;
}

std::optional<protocol::Identifier> parse_guid(std::string_view text)
{
    constexpr std::array<std::size_t, 4> hyphens{8, 13, 18, 23}; // RFC 4122 section 3
    std::string digits{text};
    if (text.size() == 36)
    {
        const bool placed = std::ranges::all_of(hyphens, [&](std::size_t at) { return text[at] == '-'; });
        if (!placed)
        {
            return std::nullopt;
        }
        std::erase(digits, '-');
    }
    const auto bytes = from_hex(digits);
    protocol::Identifier guid{};
    if (!bytes || bytes->size() != guid.size())
    {
        return std::nullopt;
    }
    std::ranges::copy(*bytes, guid.begin());
    return guid;
}

} // namespace fwupdate::config
