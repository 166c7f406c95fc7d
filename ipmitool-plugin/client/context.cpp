#include "ipmitool-plugin/client/context.hpp"

#include <algorithm>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds first_back_off = 1s;
constexpr std::chrono::milliseconds longest_back_off = 8s;
constexpr int open_patience = 2; ///< seconds of one attempt

/// Whether a BMC is there. A driver's device opens also without one.
bool answers(const Bmc& bmc)
{
    const auto device = bmc.device_id();
    return device || device.error().kind != ErrorKind::timeout;
}

} // namespace

Outcome interrupted_outcome()
{
    return {ExitCode::transfer_failed, "interrupted"};
}

Outcome no_answer_outcome(const Context& context, const Error& error)
{
    if (error.kind != ErrorKind::timeout)
    {
        return {ExitCode::failed, error.text};
    }
    return {ExitCode::failed, context.bmc.port().facts().peer + " does not answer: " + error.text, Remedy::reconnect};
}

Outcome refused_outcome(const Context& context, protocol::Command command, ipmi::CompletionCode code)
{
    Outcome outcome{ExitCode::refused, describe(command, code)};
    if (code == ipmi::CompletionCode::insufficient_privilege)
    {
        outcome.text +=
            context.bmc.port().facts().kind == LinkKind::system_interface
                ? ": the BMC's policy lets this host only ask; update over the network, or change the policy"
                : ": log in as an administrator (-L ADMINISTRATOR)";
        return outcome;
    }
    const bool no_drive = command == protocol::Command::update_control && code == protocol::usb_failure;
    if (no_drive || code == protocol::refused_by_policy || code == ipmi::CompletionCode::out_of_space ||
        code == ipmi::CompletionCode::parameter_out_of_range || code == ipmi::CompletionCode::not_present)
    {
        if (const std::optional<Reason> reason = context.bmc.reason())
        {
            outcome.text = reason->text;
        }
    }
    return outcome;
}

Attempt<void> reconnect(const Context& context, std::chrono::seconds limit)
{
    context.reporter.notice(context.bmc.port().facts().peer + " does not answer; opening a new session, for up to " +
                            minutes_text(limit));
    const TimePoint give_up = context.environment.now() + limit;
    std::chrono::milliseconds back_off = first_back_off;
    while (!context.environment.interrupted())
    {
        if (context.bmc.port().reopen(open_patience) && answers(context.bmc))
        {
            context.reporter.notice("a new session is open; going on");
            return {};
        }
        if (context.environment.now() >= give_up)
        {
            return Outcome{ExitCode::transfer_failed,
                           context.bmc.port().facts().peer + " has not answered for " + minutes_text(limit)};
        }
        if (!pause(context, back_off))
        {
            break;
        }
        back_off = std::min(back_off * 2, longest_back_off);
    }
    return interrupted_outcome();
}

bool pause(const Context& context, std::chrono::milliseconds duration)
{
    constexpr std::chrono::milliseconds piece = 200ms;
    while (duration > 0ms && !context.environment.interrupted())
    {
        context.environment.sleep_for(std::min(duration, piece));
        duration -= std::min(duration, piece);
    }
    return !context.environment.interrupted();
}

} // namespace fwupdate::client
