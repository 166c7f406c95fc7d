#include "bmc-agent/channels/dbus/ipmi_host.hpp"

#include "bmc-agent/channels/dbus/dispatch.hpp"
#include "common/bytes.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent::dbus_ipmi
{
namespace
{

using config::BridgedChannel;
using config::HostPolicy;
using ipmi::CompletionCode;
using ipmi::Privilege;

constexpr std::int32_t last_user = 63;    ///< six bits (IPMI 2.0 table 22-27)
constexpr std::int32_t oem_level = 5;     ///< above the administrator
constexpr std::uint16_t bt_message = 60;  ///< request data bytes: btbridge has 64 for length, NetFn, sequence, command
constexpr std::uint16_t bt_response = 59; ///< response data bytes: and the completion code; it would cut the rest off

/// Nothing: absent, or of another type.
template <class Number> std::optional<Number> find(const Options& options, std::string_view key)
{
    const auto entry = options.find(key);
    const Number* const value = entry == options.end() ? nullptr : std::get_if<Number>(&entry->second);
    return value == nullptr ? std::nullopt : std::optional{*value};
}

std::optional<Privilege> read_privilege(const Options& options)
{
    const auto level = find<std::int32_t>(options, "privilege");
    if (!level || *level < 0 || *level > oem_level)
    {
        return std::nullopt;
    }
    return std::min(static_cast<Privilege>(*level), Privilege::administrator);
}

/// What a session's bridge says of it. False: not all, not of the right types, or beyond what there is.
bool read_session(const Options& options, const BridgedChannel& channel, Caller& out)
{
    const auto privilege = read_privilege(options);
    const auto user = find<std::int32_t>(options, "userId");
    const auto session = find<std::uint32_t>(options, "currentSessionId");
    if (!privilege || !user || *user < 0 || *user > last_user || !session || *session == 0)
    {
        return false;
    }
    out.privilege = allowed(*privilege, channel.policy);
    out.user_id = static_cast<std::uint8_t>(*user);
    out.user = channel.name + " user " + std::to_string(*user);
    out.session = *session;
    return true;
}

} // namespace

ExecuteReply IpmiHost::execute(const ExecuteRequest& request, std::string_view sender, TimePoint now)
{
    const Admission admission = admit(request.options, bridges_.origin_of(sender));
    if (admission.code != CompletionCode::ok)
    {
        tell(admission.why);
        return reply_with(request, admission.code);
    }
    if (admission.caller.session != 0)
    {
        sessions_.note(admission.caller.channel, admission.caller.session);
    }
    return dispatch(commands_, request, admission.caller, now);
}

IpmiHost::Admission IpmiHost::admit(const Options& options, const Origin& origin) const
{
    const BridgedChannel* channel = nullptr;
    Admission admission = find_channel(options, origin, channel);
    if (channel == nullptr)
    {
        return admission;
    }
    if (channel->policy == HostPolicy::off)
    {
        return {CompletionCode::destination_unavailable, {}, "channel " + channel->name + " is switched off"};
    }
    admission.caller = caller_of(*channel);
    if (has_sessions(*channel) && !read_session(options, *channel, admission.caller))
    {
        return {CompletionCode::unspecified,
                {},
                "a request of channel " + channel->name +
                    " comes without userId (i), privilege (i) and currentSessionId (u), or with others than there are"};
    }
    return admission;
}

/// `out` stays nullptr: refused.
IpmiHost::Admission IpmiHost::find_channel(const Options& options, const Origin& origin,
                                           const BridgedChannel*& out) const
{
    switch (origin.kind)
    {
    case Origin::Kind::bridge:
        out = channels_.named(origin.channel);
        return {out == nullptr ? CompletionCode::destination_unavailable : CompletionCode::ok,
                {},
                "the configuration has no channel " + printable(origin.channel) + ", whose bridge asks"};
    case Origin::Kind::provider:
    {
        const auto number = find<std::int32_t>(options, "channel");
        out = number ? channels_.numbered(*number) : nullptr;
        return {!number          ? CompletionCode::unspecified
                : out == nullptr ? CompletionCode::destination_unavailable
                                 : CompletionCode::ok,
                {},
                number ? "the configuration has no channel " + std::to_string(*number) + ", which a provider forwards"
                       : std::string{"a provider forwards a request without its channel (i)"}};
    }
    case Origin::Kind::other:
        break;
    }
    out = channels_.internal();
    return {out == nullptr ? CompletionCode::destination_unavailable : CompletionCode::ok,
            {},
            "the configuration has no channel INTRABMC, as which a program that is no bridge asks"};
}

SendMessage IpmiHost::receive(const ReceivedMessage& message, TimePoint now) const
{
    Caller caller;
    caller.channel = config::legacy_channel;
    caller.kind = ChannelKind::system_interface;
    caller.host_interface = HostInterface::bt;
    caller.privilege = allowed(Privilege::administrator, section_.policy);
    caller.max_message = bt_message;
    caller.max_response = bt_response;
    const ExecuteRequest request{message.net_fn, message.lun, message.command, message.data, {}};
    const bool off = section_.policy == HostPolicy::off;
    return {message.sequence, off ? reply_with(request, CompletionCode::destination_unavailable)
                                  : dispatch(commands_, request, caller, now)};
}

void IpmiHost::owner_changed(std::string_view name, std::string_view owner, TimePoint now)
{
    if (const auto gone = bridges_.owner_changed(name, owner))
    {
        close_all(*gone, now);
    }
}

void IpmiHost::session_gone(std::string_view path, std::string_view sender, TimePoint now)
{
    const auto place = parse_session_path(path);
    const Origin origin = bridges_.origin_of(sender);
    if (!place || origin.kind != Origin::Kind::bridge || origin.channel != place->channel)
    {
        return; // only its own server knows
    }
    if (const BridgedChannel* const channel = channels_.named(place->channel))
    {
        closed_(channel->number, place->session, now);
    }
}

void IpmiHost::session_state(std::string_view path, std::string_view sender, std::uint8_t state, TimePoint now)
{
    constexpr std::uint8_t setup_in_progress = 1;
    constexpr std::uint8_t active = 2;
    if (state != setup_in_progress && state != active)
    {
        session_gone(path, sender, now);
    }
}

void IpmiHost::bus_lost(TimePoint now)
{
    for (const std::string& channel : bridges_.forget())
    {
        close_all(channel, now);
    }
}

void IpmiHost::close_all(std::string_view name, TimePoint now)
{
    const BridgedChannel* const channel = channels_.named(name);
    if (channel == nullptr)
    {
        return;
    }
    for (const std::uint32_t session : sessions_.take(channel->number))
    {
        closed_(channel->number, session, now);
    }
}

void IpmiHost::tell(const std::string& why)
{
    if (std::exchange(told_, why) != why)
    {
        log_.event(Level::warning, "IPMI over D-Bus: request refused", {{"reason", why}});
    }
}

} // namespace fwupdate::agent::dbus_ipmi
