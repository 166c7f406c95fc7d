#include "bmc-agent/channels/system-interface/host_channel.hpp"

#include "protocol-spec/messages.hpp"

namespace fwupdate::agent::system_interface
{

ipmi::Response HostChannel::answer(const ipmi::Request& request, TimePoint now) const
{
    Caller caller;
    caller.channel = settings_.channel;
    caller.kind = ChannelKind::system_interface;
    caller.privilege =
        settings_.policy == config::HostPolicy::full ? ipmi::Privilege::administrator : ipmi::Privilege::user;
    caller.max_message = protocol::largest_system_interface_message;
    caller.max_response = protocol::largest_system_interface_message;
    Outcome outcome = commands_.dispatch(request, caller, now);
    if (outcome.response.data.size() > caller.max_response)
    {
        return {ipmi::CompletionCode::cannot_return_number_of_bytes, {}};
    }
    return std::move(outcome.response);
}

} // namespace fwupdate::agent::system_interface
