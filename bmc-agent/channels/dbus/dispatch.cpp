#include "bmc-agent/channels/dbus/dispatch.hpp"

#include <utility>

namespace fwupdate::agent::dbus_ipmi
{
namespace
{

using ipmi::CompletionCode;
using ipmi::NetFn;

/// Bytes of the number that says whose command it is.
std::size_t prefix_size(NetFn net_fn)
{
    constexpr std::size_t group = 1;
    constexpr std::size_t enterprise = 3;
    return net_fn == NetFn::group_extension ? group : net_fn == NetFn::oem_group ? enterprise : 0;
}

ipmi::Response run(const CommandTable& commands, const ExecuteRequest& request, const Caller& caller, TimePoint now)
{
    Outcome outcome = commands.dispatch(
        {static_cast<NetFn>(request.net_fn), request.lun, request.command, request.data}, caller, now);
    if (outcome.response.data.size() > caller.max_response)
    {
        return {CompletionCode::cannot_return_number_of_bytes, {}};
    }
    return std::move(outcome.response);
}

} // namespace

ExecuteReply reply_with(const ExecuteRequest& request, CompletionCode code)
{
    return {static_cast<std::uint8_t>(request.net_fn | 1U),
            request.lun,
            request.command,
            static_cast<std::uint8_t>(code),
            {}};
}

ExecuteReply dispatch(const CommandTable& commands, const ExecuteRequest& request, const Caller& caller, TimePoint now)
{
    const std::size_t prefix = prefix_size(static_cast<NetFn>(request.net_fn));
    if (request.data.size() < prefix)
    {
        return reply_with(request, CompletionCode::data_length_invalid);
    }
    ipmi::Response response = run(commands, request, caller, now);
    ExecuteReply reply = reply_with(request, response.completion_code);
    reply.data = std::move(response.data);
    if (reply.data.empty()) // our handlers answer with the prefix, or with a code alone
    {
        const ConstBytes named = ConstBytes{request.data}.first(prefix);
        reply.data.assign(named.begin(), named.end());
    }
    return reply;
}

} // namespace fwupdate::agent::dbus_ipmi
