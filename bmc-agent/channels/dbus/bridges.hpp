// Who is who on the bus: bridges by the names they own, and the sessions that came through them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::agent::dbus_ipmi
{

inline constexpr std::string_view bridge_prefix = "xyz.openbmc_project.Ipmi.Channel.";
inline constexpr std::string_view host_name = "xyz.openbmc_project.Ipmi.Host";

/// Who sent a request.
struct Origin
{
    enum class Kind : std::uint8_t
    {
        other,    ///< any program
        bridge,   ///< the owner of a bridge's name
        provider, ///< the owner of `host_name`, when that is not us
    };
    Kind kind{};
    std::string_view channel{}; ///< of a bridge: the last part of its name
};

/// Names with their owners, as the bus tells them.
class Bridges
{
  public:
    /// `own_name`: what we serve under.
    explicit Bridges(std::string_view own_name) : forwarded_{own_name != host_name} {}

    /// Whether a name says something of its owner.
    [[nodiscard]] bool concerns_us(std::string_view name) const;

    /// `owner`: a unique name; empty: nobody any more. Gives the bridge's name for its channel when it has gone, or
    /// is another one now.
    [[nodiscard]] std::optional<std::string> owner_changed(std::string_view name, std::string_view owner);

    /// Of one that owns two bridges' names, the one that was told last.
    [[nodiscard]] Origin origin_of(std::string_view sender) const;

    /// All names, when the bus is lost: the bridges' names for their channels.
    [[nodiscard]] std::vector<std::string> forget();

  private:
    bool forwarded_;
    std::vector<std::pair<std::string, std::string>> owners_; ///< name and owner, in the order of their coming
};

/// Sessions that requests have come from, by channel: what ends with its bridge.
class SessionsSeen
{
  public:
    static constexpr std::size_t most = 64; ///< of a channel; netipmid has 15

    void note(std::uint8_t channel, std::uint32_t session);

    /// The sessions of a channel; it has none afterwards.
    [[nodiscard]] std::vector<std::uint32_t> take(std::uint8_t channel);

  private:
    std::map<std::uint8_t, std::deque<std::uint32_t>> sessions_;
};

/// An object of netipmid, as its path says: /xyz/openbmc_project/ipmi/session/eth0/12a4567d_8a
struct SessionPath
{
    std::string_view channel;
    std::uint32_t session{};
};

/// Nothing: another object, or the one of session 0.
[[nodiscard]] std::optional<SessionPath> parse_session_path(std::string_view path);

} // namespace fwupdate::agent::dbus_ipmi
