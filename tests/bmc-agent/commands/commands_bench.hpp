// The standard commands in a table, asked by bytes as a channel does.
#pragma once

#include "bmc-agent/commands/standard_commands.hpp"

#include <string>
#include <string_view>

namespace fwupdate::agent::test
{

class FakeRestarter final : public Restarter
{
  public:
    [[nodiscard]] bool ready() const override
    {
        return is_ready;
    }
    void restart() override
    {
        ++restarts;
    }

    bool is_ready{true};
    int restarts{};
};

inline Caller lan_caller(ipmi::Privilege privilege = ipmi::Privilege::administrator)
{
    return {.channel = 1,
            .kind = ChannelKind::lan,
            .session = 7,
            .user = "admin",
            .user_id = 1,
            .privilege = privilege,
            .max_message = 1400,
            .max_response = 900};
}

inline Caller host_caller()
{
    return {.channel = 0x0F,
            .kind = ChannelKind::system_interface,
            .session = 0,
            .user = {},
            .user_id = 0,
            .privilege = ipmi::Privilege::administrator,
            .max_message = 240,
            .max_response = 240};
}

/// Another server's session, or (without) a program of the BMC.
inline Caller bridged_caller(std::uint32_t session)
{
    return {.channel = 5,
            .kind = ChannelKind::bridged,
            .session = session,
            .user = "eth0 user 3",
            .user_id = 3,
            .privilege = ipmi::Privilege::administrator,
            .max_message = 1384,
            .max_response = 900};
}

class CommandsBench
{
  public:
    CommandsBench()
    {
        StandardFacts facts;
        facts.device.id = 0x21;
        facts.device.revision = 2;
        facts.device.firmware_major = 3;
        facts.device.firmware_minor = 45;
        facts.device.manufacturer = 0x0A1B2C & 0xFFFFF;
        facts.device.product = 0x1234;
        for (std::uint8_t at = 0; at < facts.guid.size(); ++at)
        {
            facts.guid[at] = static_cast<std::uint8_t>(at * 0x11);
        }
        facts.agent_version = {1, 2, 3, 0};
        add_standard_commands(table, facts, restarter, log);
    }

    /// Sends "06 01 <data>" (NetFn, command, data); gives "00 <data>" as hexadecimal, "C1" for a code alone.
    std::string ask(std::string_view hex, const Caller& caller = lan_caller())
    {
        const Bytes bytes = *from_hex(hex);
        const Outcome outcome = table.dispatch(
            {static_cast<ipmi::NetFn>(bytes[0]), 0, bytes[1], ConstBytes{bytes}.subspan(2)}, caller, TimePoint{});
        const auto code = static_cast<std::uint8_t>(outcome.response.completion_code);
        Bytes answer{code};
        answer.insert(answer.end(), outcome.response.data.begin(), outcome.response.data.end());
        return to_hex(answer);
    }

    FakeRestarter restarter;
    NullLog log;
    CommandTable table;
};

} // namespace fwupdate::agent::test
