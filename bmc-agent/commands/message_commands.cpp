#include "bmc-agent/commands/query_row.hpp"
#include "bmc-agent/commands/standard_commands.hpp"

#include <array>
#include <memory>

namespace fwupdate::agent
{
namespace
{

using ipmi::CompletionCode;
using ipmi::NetFn;
using ipmi::Privilege;

constexpr CompletionCode queue_empty{0x80}; ///< 22.6, 22.8: data not available

/// Receive message queue interrupt, event message buffer interrupt, event message buffer, system event logging (22.1).
/// Drivers set them at start and complain if they can't; the queues stay empty, so nothing follows from them.
constexpr std::uint8_t known_enables = 0x0F;

/// Message flags, queues and enables belong to the system interface alone (Appendix G: "s"), and to its driver even
/// where the host may only ask: without interrupts each message would wait for a poll.
bool is_host(const Caller& caller)
{
    return caller.kind == ChannelKind::system_interface;
}

/// Each host has enables of its own; everybody else sees those of the first.
std::size_t place_of(const Caller& caller)
{
    constexpr std::uint8_t first_host = 0x0F;
    return is_host(caller) ? caller.channel & 0x0FU : first_host;
}

Outcome set_enables(ConstBytes data, const Caller& caller, std::uint8_t& enables)
{
    if (data.size() != 1)
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    if (!is_host(caller))
    {
        return refuse(CompletionCode::insufficient_privilege);
    }
    if ((data[0] & ~known_enables) != 0)
    {
        return refuse(CompletionCode::invalid_data_field);
    }
    enables = data[0];
    return answer({});
}

auto host_only(Outcome outcome)
{
    return [outcome = std::move(outcome)](ConstBytes, const Caller& caller)
    { return is_host(caller) ? outcome : refuse(CompletionCode::insufficient_privilege); };
}

} // namespace

void add_message_commands(CommandTable& table)
{
    const auto enables =
        std::make_shared<std::array<std::uint8_t, 16>>(); // one for each channel: hosts don't share them
    constexpr std::uint8_t no_flags = 0;

    table.add({NetFn::app, 0x2E, Privilege::user, [enables](ConstBytes data, const Caller& caller, TimePoint) {
                   return set_enables(data, caller, (*enables)[place_of(caller)]);
               }});
    table.add(make_query(NetFn::app, 0x2F, Privilege::user, 0,
                         [enables](ConstBytes, const Caller& caller)
                         { return answer({(*enables)[place_of(caller)]}); }));
    table.add(make_query(NetFn::app, 0x30, Privilege::user, 1, host_only(answer({}))));
    table.add(make_query(NetFn::app, 0x31, Privilege::user, 0, host_only(answer({no_flags}))));
    table.add(make_query(NetFn::app, 0x33, Privilege::user, 0, host_only(refuse(queue_empty))));
    table.add(make_query(NetFn::app, 0x35, Privilege::user, 0, host_only(refuse(queue_empty))));
}

} // namespace fwupdate::agent
