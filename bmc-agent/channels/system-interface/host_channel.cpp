#include "bmc-agent/channels/system-interface/host_channel.hpp"

#include <algorithm>

namespace fwupdate::agent::system_interface
{
namespace
{

/// Response data bytes that pass, measured with Linux's drivers. BT: 255 less NetFn, sequence, command and completion
/// code; an emulator's device may be one.
constexpr std::uint16_t largest_kcs_response = 269;
constexpr std::uint16_t largest_bt_response = 251;

/// What carries only short requests carries long responses all the same: Linux's SSIF driver long wrote 63 bytes and
/// read 255. The protocol's longest response of fixed parts, Get Verdict, has up to 168.
constexpr std::uint16_t least_response = protocol::largest_system_interface_message;

HostInterface interface_of(config::HostType type)
{
    switch (type)
    {
    case config::HostType::kcs:
        return HostInterface::kcs;
    case config::HostType::bt:
        return HostInterface::bt;
    case config::HostType::vm:
        break;
    }
    return HostInterface::unknown;
}

} // namespace

Caller HostChannel::caller() const
{
    Caller caller;
    caller.channel = settings_.channel;
    caller.kind = ChannelKind::system_interface;
    caller.host_interface = interface_of(settings_.type);
    caller.privilege =
        settings_.policy == config::HostPolicy::full ? ipmi::Privilege::administrator : ipmi::Privilege::user;
    caller.max_message = settings_.max_message;
    caller.max_response =
        std::min(std::max(settings_.max_message, least_response),
                 caller.host_interface == HostInterface::kcs ? largest_kcs_response : largest_bt_response);
    return caller;
}

ipmi::Response HostChannel::answer(const ipmi::Request& request, TimePoint now) const
{
    const Caller caller = this->caller();
    Outcome outcome = commands_.dispatch(request, caller, now);
    if (outcome.response.data.size() > caller.max_response)
    {
        return {ipmi::CompletionCode::cannot_return_number_of_bytes, {}};
    }
    return std::move(outcome.response);
}

} // namespace fwupdate::agent::system_interface
