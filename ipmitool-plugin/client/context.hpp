// What every command works with, and the two ways to ask the BMC something in the midst of one.
#pragma once

#include "ipmitool-plugin/client/bmc.hpp"
#include "ipmitool-plugin/client/invocation.hpp"
#include "ipmitool-plugin/client/reporter.hpp"
#include "transports/usb-mass-storage/host/host_drives.hpp"

#include <chrono>
#include <string>

namespace fwupdate::client
{

struct Context
{
    const Bmc& bmc;
    Environment& environment;
    Reporter& reporter;
    const Keywords& keywords;
    usb::HostDrives& drives;
};

/// The end after an interrupt (^C).
[[nodiscard]] Outcome interrupted_outcome();

/// The end when no answer came; Remedy::reconnect.
[[nodiscard]] Outcome no_answer_outcome(const Context& context, const Error& error);

/// The end when the BMC said no: completion code and, where it tells, its reason.
[[nodiscard]] Outcome refused_outcome(const Context& context, protocol::Command command, ipmi::CompletionCode code);

/// Asks; the completion code is the caller's to judge. No answer ends the command.
template <class Response, class Request>
Attempt<Answer<Response>> ask(const Context& context, protocol::Command command, const Request& request,
                              Patience patience = {})
{
    Result<Answer<Response>> answer = context.bmc.call<Response>(command, request, patience);
    if (answer)
    {
        return std::move(*answer);
    }
    return context.environment.interrupted() ? interrupted_outcome() : no_answer_outcome(context, answer.error());
}

/// Asks; any completion code but 00h ends the command.
template <class Response, class Request>
Attempt<Answer<Response>> demand(const Context& context, protocol::Command command, const Request& request)
{
    Attempt<Answer<Response>> answer = ask<Response>(context, command, request);
    if (answer && !answer->ok())
    {
        return refused_outcome(context, command, answer->code);
    }
    return answer;
}

template <class Response> Attempt<Answer<Response>> demand(const Context& context, protocol::Command command)
{
    return demand<Response>(context, command, protocol::EmptyRequest{});
}

/// Opens a session again, with back-off, for at most `limit` without success; says so once.
[[nodiscard]] Attempt<void> reconnect(const Context& context, std::chrono::seconds limit);

/// Waits, in small pieces so that ^C is heard. False: interrupted.
bool pause(const Context& context, std::chrono::milliseconds duration);

} // namespace fwupdate::client
