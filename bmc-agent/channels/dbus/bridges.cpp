#include "bmc-agent/channels/dbus/bridges.hpp"

#include <algorithm>
#include <charconv>

namespace fwupdate::agent::dbus_ipmi
{
namespace
{

constexpr std::string_view session_root = "/xyz/openbmc_project/ipmi/session/";

bool is_bridge(std::string_view name)
{
    return name.starts_with(bridge_prefix) && name.size() > bridge_prefix.size();
}

std::string_view channel_in(std::string_view name)
{
    return name.substr(bridge_prefix.size());
}

template <class Number> bool read_hex(std::string_view text, Number& out)
{
    constexpr int hexadecimal = 16;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, out, hexadecimal);
    return error == std::errc{} && rest == end;
}

} // namespace

bool Bridges::concerns_us(std::string_view name) const
{
    return is_bridge(name) || (forwarded_ && name == host_name);
}

std::optional<std::string> Bridges::owner_changed(std::string_view name, std::string_view owner)
{
    if (!concerns_us(name))
    {
        return std::nullopt;
    }
    const auto entry = std::ranges::find(owners_, name, &std::pair<std::string, std::string>::first);
    const bool known = entry != owners_.end();
    if (known && entry->second == owner)
    {
        return std::nullopt;
    }
    if (known)
    {
        owners_.erase(entry);
    }
    if (!owner.empty())
    {
        owners_.emplace_back(name, owner);
    }
    return known && is_bridge(name) ? std::optional<std::string>{channel_in(name)} : std::nullopt;
}

Origin Bridges::origin_of(std::string_view sender) const
{
    const auto entry =
        std::find_if(owners_.rbegin(), owners_.rend(), [sender](const auto& owned) { return owned.second == sender; });
    if (entry == owners_.rend())
    {
        return {};
    }
    if (!is_bridge(entry->first))
    {
        return {Origin::Kind::provider, {}};
    }
    return {Origin::Kind::bridge, channel_in(entry->first)};
}

std::vector<std::string> Bridges::forget()
{
    std::vector<std::string> gone;
    for (const auto& owned : std::exchange(owners_, {}))
    {
        if (is_bridge(owned.first))
        {
            gone.emplace_back(channel_in(owned.first));
        }
    }
    return gone;
}

void SessionsSeen::note(std::uint8_t channel, std::uint32_t session)
{
    auto& sessions = sessions_[channel];
    std::erase(sessions, session);
    sessions.push_back(session);
    if (sessions.size() > most)
    {
        sessions.pop_front();
    }
}

std::vector<std::uint32_t> SessionsSeen::take(std::uint8_t channel)
{
    const auto node = sessions_.extract(channel);
    return node.empty() ? std::vector<std::uint32_t>{}
                        : std::vector<std::uint32_t>{node.mapped().begin(), node.mapped().end()};
}

std::optional<SessionPath> parse_session_path(std::string_view path)
{
    if (!path.starts_with(session_root))
    {
        return std::nullopt;
    }
    path.remove_prefix(session_root.size());
    const std::size_t slash = path.find('/');
    const std::size_t underscore = path.rfind('_');
    if (slash == std::string_view::npos || slash == 0 || underscore == std::string_view::npos || underscore < slash)
    {
        return std::nullopt;
    }
    SessionPath out{path.substr(0, slash), 0};
    std::uint8_t handle = 0;
    const bool whole = read_hex(path.substr(slash + 1, underscore - slash - 1), out.session) &&
                       read_hex(path.substr(underscore + 1), handle);
    return whole && out.session != 0 ? std::optional{out} : std::nullopt;
}

} // namespace fwupdate::agent::dbus_ipmi
