// What a system interface's driver asks of the interface itself, at its start (IPMI 2.0 sections 22.9 and 22.10).
#include "bmc-agent/commands/query_row.hpp"
#include "bmc-agent/commands/standard_commands.hpp"

#include <algorithm>

namespace fwupdate::agent
{
namespace
{

using ipmi::CompletionCode;
using ipmi::NetFn;
using ipmi::Privilege;

constexpr std::size_t request_head = 2;  ///< NetFn and command before a request's data
constexpr std::size_t response_head = 3; ///< the same and the completion code
constexpr std::size_t bt_sequence = 1;   ///< BT's head has a sequence number more

std::uint8_t one_byte(std::size_t size)
{
    return static_cast<std::uint8_t>(std::min<std::size_t>(size, 0xFF));
}

bool is_host(const Caller& caller)
{
    return caller.kind == ChannelKind::system_interface;
}

/// 22.9. An emulator's device may be of any type, so every type is answered there.
Outcome system_interface_capabilities(ConstBytes data, const Caller& caller)
{
    constexpr std::uint8_t ssif = 0;
    constexpr std::uint8_t kcs = 1;
    constexpr std::uint8_t smic = 2;
    constexpr std::uint8_t multi_part = 0x80; ///< reads and writes with more than one middle part; no PEC, version 1
    constexpr std::uint8_t version_1 = 0x00;
    if (!is_host(caller))
    {
        return refuse(CompletionCode::insufficient_privilege);
    }
    const std::uint8_t type = data[0]; // bits 7:4 are reserved
    const std::uint8_t input = one_byte(caller.max_message + request_head);
    const bool any = caller.host_interface == HostInterface::unknown;
    if (type == ssif && any)
    {
        return answer({0x00, multi_part, input, one_byte(caller.max_response + response_head)});
    }
    if ((type == kcs && (any || caller.host_interface == HostInterface::kcs)) || (type == smic && any))
    {
        return answer({0x00, version_1, input});
    }
    return refuse(CompletionCode::invalid_data_field);
}

/// 22.10. The buffers' sizes are the largest values of the length byte.
Outcome bt_interface_capabilities(const Caller& caller)
{
    constexpr std::uint8_t outstanding_requests = 1;
    constexpr std::uint8_t response_seconds = 5;
    constexpr std::uint8_t retries = 2;
    if (!is_host(caller))
    {
        return refuse(CompletionCode::insufficient_privilege);
    }
    if (caller.host_interface == HostInterface::kcs)
    {
        return refuse(CompletionCode::invalid_command);
    }
    return answer({outstanding_requests, one_byte(caller.max_message + request_head + bt_sequence),
                   one_byte(caller.max_response + response_head + bt_sequence), response_seconds, retries});
}

} // namespace

void add_interface_commands(CommandTable& table)
{
    table.add(make_query(NetFn::app, 0x36, Privilege::user, 0,
                         [](ConstBytes, const Caller& caller) { return bt_interface_capabilities(caller); }));
    table.add(make_query(NetFn::app, 0x57, Privilege::user, 1, system_interface_capabilities));
}

} // namespace fwupdate::agent
