// What every system interface shares: the host asks, the command table answers. No session, no duplicates: the
// interface loses nothing.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/config/config.hpp"

namespace fwupdate::agent::system_interface
{

class HostChannel
{
  public:
    /// Everything must outlive the channel.
    HostChannel(const config::SystemInterface& settings, const CommandTable& commands)
        : settings_{settings}, commands_{commands}
    {
    }

    /// The answer to a message: NetFn and LUN in one byte, command, data. Always one: a system interface waits for it.
    [[nodiscard]] ipmi::Response answer(const ipmi::Request& request, TimePoint now) const;

    [[nodiscard]] std::uint8_t number() const
    {
        return settings_.channel;
    }

  private:
    [[nodiscard]] Caller caller() const;

    const config::SystemInterface& settings_;
    const CommandTable& commands_;
};

} // namespace fwupdate::agent::system_interface
