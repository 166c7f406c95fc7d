#include "bmc-agent/commands/query_row.hpp"
#include "bmc-agent/commands/standard_commands.hpp"

#include <algorithm>

namespace fwupdate::agent
{
namespace
{

using ipmi::NetFn;
using ipmi::Privilege;

constexpr std::uint8_t ipmi_2_0 = 0x02;           ///< BCD, least significant digit in the upper nibble (20.1)
constexpr std::uint8_t no_optional_device = 0x00; ///< neither sensors, SDRs, SEL, FRU, IPMB, bridge nor chassis
constexpr std::uint8_t self_test_passed = 0x55;   ///< 20.4; the agent doesn't start with a broken part

std::uint8_t to_bcd(std::uint8_t value)
{
    return static_cast<std::uint8_t>((value / 10) << 4 | value % 10);
}

/// 20.1. "Device available" stays 0, normal operation: some clients refuse to talk on otherwise.
Bytes device_id(const StandardFacts& facts)
{
    const config::Device& device = facts.device;
    Bytes data{device.id,
               static_cast<std::uint8_t>(device.revision & 0x0F),
               static_cast<std::uint8_t>(device.firmware_major & 0x7F),
               to_bcd(device.firmware_minor),
               ipmi_2_0,
               no_optional_device,
               static_cast<std::uint8_t>(device.manufacturer),
               static_cast<std::uint8_t>(device.manufacturer >> 8),
               static_cast<std::uint8_t>(device.manufacturer >> 16),
               static_cast<std::uint8_t>(device.product),
               static_cast<std::uint8_t>(device.product >> 8)};
    data.insert(data.end(), facts.agent_version.begin(), facts.agent_version.end());
    return data;
}

/// 20.2. The specification allows silence; we answer, the restart follows.
Outcome cold_reset(ConstBytes data, const Caller& caller, Restarter& restarter, Log& log)
{
    if (!data.empty())
    {
        return refuse(ipmi::CompletionCode::data_length_invalid);
    }
    if (!restarter.ready())
    {
        log.event(Level::warning, "Cold Reset refused: no restart is configured, or programming is under way",
                  {{"user", caller.user}, {"channel", std::to_string(caller.channel)}});
        return refuse(ipmi::CompletionCode::not_supported_in_present_state);
    }
    log.event(Level::info, "Cold Reset: the BMC restarts",
              {{"user", caller.user}, {"channel", std::to_string(caller.channel)}});
    restarter.restart();
    return answer({});
}

} // namespace

protocol::Identifier guid_on_wire(const protocol::Identifier& guid)
{
    protocol::Identifier wire{};
    std::ranges::reverse_copy(guid, wire.begin());
    return wire;
}

void add_device_commands(CommandTable& table, const StandardFacts& facts, Restarter& restarter, Log& log)
{
    const auto say = [](const Bytes& data) { return [data](ConstBytes, const Caller&) { return answer(data); }; };
    const protocol::Identifier wire = guid_on_wire(facts.guid);
    const Bytes guid{wire.begin(), wire.end()};

    table.add(make_query(NetFn::app, 0x01, Privilege::user, 0, say(device_id(facts))));
    table.add({NetFn::app, 0x02, Privilege::administrator,
               [&restarter, &log](ConstBytes data, const Caller& caller, TimePoint)
               { return cold_reset(data, caller, restarter, log); }});
    table.add(make_query(NetFn::app, 0x04, Privilege::user, 0, say({self_test_passed, 0x00})));
    // Unprotected in Appendix G: answered before a session too.
    table.add(make_query(NetFn::app, 0x08, Privilege::none, 0, say(guid)));
    table.add(make_query(NetFn::app, 0x37, Privilege::none, 0, say(guid)));
}

} // namespace fwupdate::agent
