// A host with every kind of channel, on a table of commands that tells who asked.
#pragma once

#include "bmc-agent/channels/dbus/ipmi_host.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace fwupdate::agent::test
{

class CountingLog final : public Log
{
  public:
    int warnings{};

  private:
    void write(Level level, std::string_view /*sentence*/, std::span<const Pair> /*pairs*/) override
    {
        warnings += level == Level::warning ? 1 : 0;
    }
};

struct IpmiHostBench
{
    IpmiHostBench()
    {
        using config::BridgeType;
        section.channels = {{"Ipmb", 0, BridgeType::ipmb},     {"eth0", 1, BridgeType::lan},
                            {"eth1", 2, BridgeType::lan},      {"ipmi_ssif", 6, BridgeType::ssif},
                            {"ipmi_bt", 7, BridgeType::bt},    {"INTRABMC", 8, BridgeType::internal},
                            {"ipmi_kcs3", 15, BridgeType::kcs}};
        const auto keep = [this](ConstBytes data, const Caller& caller, TimePoint)
        {
            callers.push_back(caller);
            return answer({data.begin(), data.end()});
        };
        const auto large = [](ConstBytes data, const Caller&, TimePoint)
        { return answer(Bytes(data.empty() ? 0 : std::size_t{data.back()} * 10, 0x55)); };
        using ipmi::NetFn;
        using ipmi::Privilege;
        table.add({NetFn::app, 0x01, Privilege::user, keep});
        table.add({NetFn::app, 0x02, Privilege::administrator, keep});
        table.add({NetFn::app, 0x03, Privilege::user, large});
        table.add({NetFn::oem_group, 0x80, Privilege::administrator, keep});
        table.add({NetFn::oem_group, 0x81, Privilege::user, [](ConstBytes, const Caller&, TimePoint) {
                       return refuse(ipmi::CompletionCode::invalid_data_field);
                   }});
        table.add({NetFn::group_extension, 0x3E, Privilege::user, keep});
        table.add({NetFn::oem_group, 0x82, Privilege::user, large});
        host.owner_changed("xyz.openbmc_project.Ipmi.Channel.eth0", ":1.10", now);
        host.owner_changed("xyz.openbmc_project.Ipmi.Channel.ipmi_kcs3", ":1.15", now);
        host.owner_changed("xyz.openbmc_project.Ipmi.Channel.ipmi_bt", ":1.7", now);
        host.owner_changed("xyz.openbmc_project.Ipmi.Channel.ipmi_ssif", ":1.6", now);
        host.owner_changed("xyz.openbmc_project.Ipmi.Channel.Ipmb", ":1.5", now);
        host.owner_changed("xyz.openbmc_project.Ipmi.Channel.eth9", ":1.19", now);
    }

    static dbus_ipmi::Options session(std::int32_t privilege = 4, std::uint32_t id = 77, std::int32_t user = 3)
    {
        return {{"userId", user}, {"privilege", privilege}, {"currentSessionId", id}};
    }

    /// Sends "06 01 <data>" (NetFn, command, data); gives "07 00 01 00 <data>": odd NetFn, LUN, command, code, data.
    std::string ask(std::string_view hex, std::string_view sender, dbus_ipmi::Options options = {},
                    std::uint8_t lun = 0)
    {
        const Bytes bytes = *from_hex(hex);
        const dbus_ipmi::ExecuteReply reply =
            host.execute({bytes[0], lun, bytes[1], {bytes.begin() + 2, bytes.end()}, std::move(options)}, sender, now);
        Bytes text{reply.net_fn, reply.lun, reply.command, reply.completion_code};
        text.insert(text.end(), reply.data.begin(), reply.data.end());
        return to_hex(text);
    }

    std::string last_closed()
    {
        return closed.empty() ? "none"
                              : std::to_string(closed.back().first) + "/" + std::to_string(closed.back().second);
    }

    TimePoint now{};
    config::DbusIpmi section;
    CommandTable table;
    CountingLog log;
    std::vector<Caller> callers;
    std::vector<std::pair<int, std::uint32_t>> closed;
    dbus_ipmi::IpmiHost host{section, table, log, [this](std::uint8_t channel, std::uint32_t session, TimePoint) {
                                 closed.emplace_back(channel, session);
                             }};
};

} // namespace fwupdate::agent::test
