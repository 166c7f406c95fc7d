// The channels that reach the agent over D-Bus, and what each of them carries.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/config/config.hpp"

#include <string_view>

namespace fwupdate::agent::dbus_ipmi
{

class ChannelMap
{
  public:
    /// The section must outlive the map.
    explicit ChannelMap(const config::DbusIpmi& section) : section_{section} {}

    /// nullptr: there is none.
    [[nodiscard]] const config::BridgedChannel* named(std::string_view name) const;
    [[nodiscard]] const config::BridgedChannel* numbered(std::int64_t number) const;

    /// The one of programs whose name says nothing of a channel, as ipmid has it; nullptr: they are not served.
    [[nodiscard]] const config::BridgedChannel* internal() const
    {
        return named("INTRABMC");
    }

  private:
    const config::DbusIpmi& section_;
};

/// Whether its requests come in sessions, with a user and a privilege level.
[[nodiscard]] bool has_sessions(const config::BridgedChannel& channel);

/// Who asks over a channel without sessions: administrator, as far as the policy lets it.
[[nodiscard]] Caller caller_of(const config::BridgedChannel& channel);

/// The most that a policy allows.
[[nodiscard]] ipmi::Privilege allowed(ipmi::Privilege privilege, config::HostPolicy policy);

} // namespace fwupdate::agent::dbus_ipmi
