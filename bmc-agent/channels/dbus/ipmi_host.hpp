// What ipmid does with a request that comes over D-Bus, on our table of commands. Pure: no bus, no clock.
#pragma once

#include "bmc-agent/channels/dbus/bridges.hpp"
#include "bmc-agent/channels/dbus/channel_map.hpp"
#include "bmc-agent/channels/dbus/messages.hpp"
#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/log/log.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace fwupdate::agent::dbus_ipmi
{

class IpmiHost
{
  public:
    using SessionClosed = std::function<void(std::uint8_t channel, std::uint32_t session, TimePoint now)>;

    /// Everything must outlive the host. `closed` hears of each session that ended, as far as we are told.
    IpmiHost(const config::DbusIpmi& section, const CommandTable& commands, Log& log, SessionClosed closed)
        : section_{section},
          commands_{commands},
          log_{log},
          closed_{std::move(closed)},
          channels_{section},
          bridges_{section.name}
    {
    }

    /// Always an answer: what is wrong is told by its completion code. `sender`: the unique name of who called.
    [[nodiscard]] ExecuteReply execute(const ExecuteRequest& request, std::string_view sender, TimePoint now);

    /// The older scheme: anybody's signal, channel 0, administrator.
    [[nodiscard]] SendMessage receive(const ReceivedMessage& message, TimePoint now) const;

    /// Whether it matters who owns a name.
    [[nodiscard]] bool concerns_us(std::string_view name) const
    {
        return bridges_.concerns_us(name);
    }

    /// A name has another owner; empty: none.
    void owner_changed(std::string_view name, std::string_view owner, TimePoint now);

    /// An object of a bridge's session has gone, or `state` (of xyz.openbmc_project.Ipmi.SessionInfo) says what the
    /// session is now.
    void session_gone(std::string_view path, std::string_view sender, TimePoint now);
    void session_state(std::string_view path, std::string_view sender, std::uint8_t state, TimePoint now);

    /// The bus is lost, and everybody on it.
    void bus_lost(TimePoint now);

  private:
    /// Whose request it is, or why it is refused.
    struct Admission
    {
        ipmi::CompletionCode code{};
        Caller caller{};
        std::string why{}; ///< for people
    };

    [[nodiscard]] Admission admit(const Options& options, const Origin& origin) const;
    [[nodiscard]] Admission find_channel(const Options& options, const Origin& origin,
                                         const config::BridgedChannel*& out) const;
    void tell(const std::string& why);
    void close_all(std::string_view channel, TimePoint now);

    const config::DbusIpmi& section_;
    const CommandTable& commands_;
    Log& log_;
    SessionClosed closed_;
    ChannelMap channels_;
    Bridges bridges_;
    SessionsSeen sessions_;
    std::string told_; ///< last: a bridge repeats itself with every message
};

} // namespace fwupdate::agent::dbus_ipmi
