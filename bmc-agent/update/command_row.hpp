// Makes a row of the command table out of a command's definition: decoding, C7h and CCh, and encoding in one place.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/update/session.hpp"
#include "protocol-spec/messages.hpp"

#include <tuple>
#include <type_traits>
#include <utility>

namespace fwupdate::agent
{

/// Calls `visitor` with the definition of `command`; the definition must exist.
template <protocol::Command command, class Visitor> auto with_definition(Visitor visitor)
{
    constexpr std::size_t index = []
    {
        std::size_t at = 0;
        std::size_t found = std::tuple_size_v<std::remove_cvref_t<decltype(protocol::commands)>>;
        std::apply([&](const auto&... definition) { ((definition.command == command ? found = at : 0, ++at), ...); },
                   protocol::commands);
        return found;
    }();
    return visitor(std::get<index>(protocol::commands));
}

/// A row whose handler takes (decoded request, caller, now) and gives an Outcome. Whatever it did, the session's
/// listener hears of it: there may be work to do, or a nearer deadline.
template <protocol::Command command, class Function> CommandRow make_row(UpdateSession* session, Function function)
{
    return with_definition<command>(
        [&](const auto& definition)
        {
            using Request = typename std::remove_cvref_t<decltype(definition)>::Request;
            return CommandRow{
                ipmi::NetFn::firmware, static_cast<std::uint8_t>(command), definition.least_privilege,
                [session, function = std::move(function)](ConstBytes data, const Caller& caller, TimePoint now)
                {
                    session->touch(caller, now);
                    const auto request = codec::decode_request<Request>(data);
                    Outcome outcome =
                        request ? function(*request, caller, now) : refuse(ipmi::completion_code(request.error().kind));
                    session->notify();
                    return outcome;
                }};
        });
}

/// The response when the code is 00h, else the code alone.
template <codec::Message Response> Outcome answer_if_ok(ipmi::CompletionCode code, const Response& response)
{
    return code == ipmi::CompletionCode::ok ? answer(codec::encode(response)) : refuse(code);
}

} // namespace fwupdate::agent
