// PICMG HPM.2: how large an IPMI message the LAN channel carries. A client that asks (ipmitool does, at the start of
// every session) needs no -z.
#include "bmc-agent/commands/standard_commands.hpp"

namespace fwupdate::agent
{
namespace
{

using ipmi::CompletionCode;
using ipmi::NetFn;
using ipmi::Privilege;

constexpr std::uint8_t picmg = 0x00; ///< defining body of NetFn 2Ch
constexpr std::uint8_t hpm2 = 0x02;  ///< "HPM.x identifier"
constexpr std::uint8_t hpm2_revision = 0x01;
constexpr std::uint8_t no_extensions = 0x00;   ///< no SOL extension, packet trace, ...
constexpr std::uint8_t first_parameter = 0xC0; ///< HPM.2's LAN parameters begin here, in the OEM range
constexpr std::uint8_t parameters_revision = 0x01;
constexpr std::uint8_t parameter_revision = 0x11;       ///< 23.2: present 1h, oldest compatible 1h
constexpr CompletionCode parameter_not_supported{0x80}; ///< 23.2

constexpr std::uint8_t present_channel = 0x0E;
constexpr std::uint8_t channel_mask = 0x0F;
constexpr std::uint8_t revision_only = 0x80;

constexpr std::uint16_t request_overhead = 7;  ///< header and checksums around a request's data (13.8)
constexpr std::uint16_t response_overhead = 8; ///< the same and the completion code

Outcome attach_capabilities(ConstBytes data, const Caller& caller, std::uint8_t lan_channel)
{
    if (data.empty() || data[0] != picmg)
    {
        return refuse(CompletionCode::invalid_command); // another body's command of this number
    }
    if (data.size() != 2)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    if (data[1] != hpm2)
    {
        return refuse(CompletionCode::invalid_command);
    }
    const unsigned bridged = caller.kind == ChannelKind::bridged && caller.session != 0 ? 1U << caller.channel : 0U;
    const auto channels = static_cast<std::uint16_t>(1U << lan_channel | bridged);
    return answer({picmg, hpm2, hpm2_revision, static_cast<std::uint8_t>(channels),
                   static_cast<std::uint8_t>(channels >> 8), no_extensions, first_parameter, parameters_revision,
                   /* no serial-over-LAN parameters: */ 0x00, 0x00});
}

Bytes channel_capabilities(const Caller& caller)
{
    const auto inbound = static_cast<std::uint16_t>(caller.max_message + request_overhead);
    const auto outbound = static_cast<std::uint16_t>(caller.max_response + response_overhead);
    return {parameter_revision,
            0x00, // capabilities: none of the optional ones
            0x00, // attach type: not stated
            0x00, // bandwidth class: not stated
            static_cast<std::uint8_t>(inbound),
            static_cast<std::uint8_t>(inbound >> 8),
            static_cast<std::uint8_t>(outbound),
            static_cast<std::uint8_t>(outbound >> 8)};
}

/// 23.2. Addresses are the operating system's business: no parameter but HPM.2's is here.
Outcome lan_parameter(ConstBytes data, const Caller& caller, std::uint8_t lan_channel)
{
    if (data.size() != 4)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const std::uint8_t channel = data[0] & channel_mask;
    const bool session = caller.kind == ChannelKind::lan || caller.session != 0;
    const bool own = session && (channel == present_channel || channel == caller.channel);
    if (!own && channel != lan_channel)
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    if ((data[0] & revision_only) != 0)
    {
        return answer({parameter_revision});
    }
    return data[1] == first_parameter ? answer(channel_capabilities(caller)) : refuse(parameter_not_supported);
}

} // namespace

void add_hpm2_commands(CommandTable& table, const StandardFacts& facts)
{
    const std::uint8_t channel = facts.lan_channel;
    constexpr bool idempotent = true;
    table.add({NetFn::group_extension, 0x3E, Privilege::user,
               [channel](ConstBytes data, const Caller& caller, TimePoint)
               { return attach_capabilities(data, caller, channel); },
               idempotent});
    table.add({NetFn::transport, 0x02, Privilege::user,
               [channel](ConstBytes data, const Caller& caller, TimePoint)
               { return lan_parameter(data, caller, channel); },
               idempotent});
}

} // namespace fwupdate::agent
