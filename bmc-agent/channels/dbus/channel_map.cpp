#include "bmc-agent/channels/dbus/channel_map.hpp"

#include <algorithm>

namespace fwupdate::agent::dbus_ipmi
{
namespace
{

using config::BridgedChannel;
using config::BridgeType;

/// Data bytes. D-Bus has no limit of its own; these are what lies behind the bridge.
struct Limits
{
    std::uint16_t message{};
    std::uint16_t response{};
};

/// As Linux's drivers have it; host_channel.cpp tells more.
constexpr std::uint16_t host_message = protocol::largest_system_interface_message;
constexpr std::uint16_t kcs_response = 269;
constexpr std::uint16_t bt_response = 251;
constexpr std::uint16_t ssif_message = 61;         ///< two parts, as every driver writes them
constexpr std::uint16_t ipmb_message = 25;         ///< 32 bytes less header and checksums (IPMB 1.0)
constexpr std::uint16_t ipmb_response = 24;        ///< and less the completion code
constexpr std::uint16_t internal_message = 51'200; ///< nothing between us: as large as one write may be

Limits usual_limits(BridgeType type)
{
    switch (type)
    {
    case BridgeType::lan: // whether it is IPv6 we are not told
        return {protocol::largest_lan_message_ipv6, protocol::largest_response};
    case BridgeType::kcs:
        return {host_message, kcs_response};
    case BridgeType::bt:
        return {host_message, bt_response};
    case BridgeType::ssif:
        return {ssif_message, bt_response};
    case BridgeType::ipmb:
        return {ipmb_message, ipmb_response};
    case BridgeType::internal:
        break;
    }
    return {internal_message, protocol::largest_response};
}

bool is_host(BridgeType type)
{
    return type == BridgeType::kcs || type == BridgeType::bt || type == BridgeType::ssif;
}

HostInterface interface_of(BridgeType type)
{
    return type == BridgeType::kcs  ? HostInterface::kcs
           : type == BridgeType::bt ? HostInterface::bt
                                    : HostInterface::unknown;
}

template <class Range, class Member, class Value>
const BridgedChannel* find(const Range& channels, Member member, const Value& value)
{
    const auto place = std::ranges::find(channels, value, member);
    return place == channels.end() ? nullptr : &*place;
}

} // namespace

const BridgedChannel* ChannelMap::named(std::string_view name) const
{
    return find(section_.channels, &BridgedChannel::name, name);
}

const BridgedChannel* ChannelMap::numbered(std::int64_t number) const
{
    return find(section_.channels, &BridgedChannel::number, number);
}

bool has_sessions(const BridgedChannel& channel)
{
    return channel.type == BridgeType::lan;
}

ipmi::Privilege allowed(ipmi::Privilege privilege, config::HostPolicy policy)
{
    return policy == config::HostPolicy::full ? privilege : std::min(privilege, ipmi::Privilege::user);
}

Caller caller_of(const BridgedChannel& channel)
{
    const Limits usual = usual_limits(channel.type);
    Caller caller;
    caller.channel = channel.number;
    caller.kind = is_host(channel.type) ? ChannelKind::system_interface : ChannelKind::bridged;
    caller.host_interface = interface_of(channel.type);
    caller.user = is_host(channel.type) ? std::string{} : channel.name;
    caller.privilege = allowed(ipmi::Privilege::administrator, channel.policy);
    caller.max_message = channel.max_message != 0 ? channel.max_message : usual.message;
    caller.max_response = usual.response;
    return caller;
}

} // namespace fwupdate::agent::dbus_ipmi
