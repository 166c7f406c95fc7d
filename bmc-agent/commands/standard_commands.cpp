#include "bmc-agent/commands/standard_commands.hpp"

#include "bmc-agent/commands/query_row.hpp"

namespace fwupdate::agent
{

void add_chassis_commands(CommandTable& table)
{
    // 28.2. The agent has no power switch and no sensor of one: power on, restore policy unknown, nothing else known.
    constexpr std::uint8_t power_on = 0x01;
    constexpr std::uint8_t policy_unknown = 0x60;
    const Bytes status{power_on | policy_unknown, 0x00, 0x00};
    table.add(make_query(ipmi::NetFn::chassis, 0x01, ipmi::Privilege::user, 0,
                         [status](ConstBytes, const Caller&) { return answer(status); }));
}

void add_standard_commands(CommandTable& table, const StandardFacts& facts, Restarter& restarter, Log& log)
{
    add_device_commands(table, facts, restarter, log);
    add_message_commands(table);
    add_interface_commands(table);
    add_chassis_commands(table);
    add_hpm2_commands(table, facts);
    add_discovery_commands(table);
}

} // namespace fwupdate::agent
