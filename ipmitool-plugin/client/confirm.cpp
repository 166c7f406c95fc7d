#include "ipmitool-plugin/client/confirm.hpp"

#include "ipmitool-plugin/client/target.hpp"

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using ipmi::CompletionCode;
using protocol::Command;
using protocol::Confirmation;
using protocol::GetVerdictResponse;

constexpr std::chrono::seconds keep_limit = 1min; ///< for the BMC to keep it: a health check of its own comes first
constexpr std::chrono::seconds reconnect_limit = 1min;
constexpr int busy_tries = 10; ///< a second apart

constexpr std::string_view later = "'fwupdate confirm' keeps it, else the older version comes back";

/// Asks, once more in a new session where the wire has lost this one: a word that is repeated does no harm.
template <class Response, class Request>
Attempt<Answer<Response>> ask_twice(const Context& context, Command command, const Request& request)
{
    Attempt<Answer<Response>> answer = ask<Response>(context, command, request);
    if (!answer && answer.error().remedy == Remedy::reconnect && reconnect(context, reconnect_limit))
    {
        answer = ask<Response>(context, command, request);
    }
    return answer;
}

/// 4Fh; its completion code, waited for while the BMC is at it already.
Attempt<CompletionCode> tell(const Context& context, std::uint8_t target, Confirmation confirmation)
{
    CompletionCode code = CompletionCode::node_busy;
    for (int round = 0; code == CompletionCode::node_busy && round < busy_tries; ++round)
    {
        if (round > 0 && !pause(context, 1s))
        {
            return interrupted_outcome();
        }
        const auto answer = ask_twice<protocol::EmptyResponse>(context, Command::confirm_update,
                                                               protocol::ConfirmUpdateRequest{target, confirmation});
        if (!answer)
        {
            return answer.error();
        }
        code = answer->code;
    }
    return code;
}

/// Until the trial is over, or has lasted too long: then there is none.
Attempt<std::optional<GetVerdictResponse>> wait_for_end(const Context& context, std::uint8_t target)
{
    const TimePoint give_up = context.environment.now() + keep_limit;
    while (true)
    {
        auto answer = ask_twice<GetVerdictResponse>(context, Command::get_verdict, protocol::GetVerdictRequest{target});
        if (!answer)
        {
            return answer.error();
        }
        if (!answer->ok())
        {
            return refused_outcome(context, Command::get_verdict, answer->code);
        }
        if (!answer->message.flags.has(protocol::verdict_provisional))
        {
            GetVerdictResponse end = answer->message;
            end.version = {}; // it views the answer
            return std::optional{end};
        }
        if (context.environment.now() >= give_up || !pause(context, 1s))
        {
            return std::optional<GetVerdictResponse>{};
        }
    }
}

/// What keeping has led to.
Outcome kept(const Context& context, const OnTrial& trial)
{
    const auto end = wait_for_end(context, trial.target);
    if (!end)
    {
        return {ExitCode::accepted,
                trial.updated + ", on probation; whether it is kept is not known: " + end.error().text};
    }
    if (!*end)
    {
        return {ExitCode::accepted,
                trial.updated + ", on probation: the BMC keeps it once its own check of it has gone well"};
    }
    const bool ours = trial.image == Sha256{} || (*end)->last_sha256 == trial.image;
    if (ours && (*end)->last_result == protocol::UpdateResult::fell_back)
    {
        return {ExitCode::fell_back, trial.name + ": the BMC brings the older version back; 'fwupdate log' tells why"};
    }
    return {ExitCode::done, trial.updated + ", confirmed"};
}

/// Why the word was not taken.
std::string refusal(const Context& context, CompletionCode code)
{
    if (code == CompletionCode::unspecified)
    {
        const std::optional<Reason> reason = context.bmc.reason();
        return reason ? reason->text : describe(Command::confirm_update, code);
    }
    return refused_outcome(context, Command::confirm_update, code).text;
}

} // namespace

Outcome keep_updated(const Context& context, const OnTrial& trial)
{
    if (context.keywords.no_confirm)
    {
        return {ExitCode::done, trial.updated + ", on probation: " + std::string{later}};
    }
    const auto code = tell(context, trial.target, Confirmation::keep);
    // D5h: the trial has ended meanwhile. C1h: the BMC ends it by itself.
    if (code && (*code == CompletionCode::ok || *code == CompletionCode::not_supported_in_present_state))
    {
        return kept(context, trial);
    }
    if (code && *code == CompletionCode::invalid_command)
    {
        return {ExitCode::done, trial.updated + ", on probation"};
    }
    return {ExitCode::accepted, trial.updated + ", on probation: " +
                                    (code ? refusal(context, *code) : code.error().text) + "; " + std::string{later}};
}

Outcome end_trial(const Context& context, const std::optional<Capabilities>& capabilities, Confirmation confirmation)
{
    if (!capabilities || !capabilities->features.has(protocol::feature_confirm))
    {
        return {ExitCode::refused, "this BMC has no versions on probation: what is installed stays"};
    }
    const auto target = pick_target(context);
    if (!target)
    {
        return target.error();
    }
    const std::string name = printable(target->name.value);
    const auto code = tell(context, target->target, confirmation);
    if (!code)
    {
        return code.error();
    }
    if (*code == CompletionCode::not_supported_in_present_state)
    {
        return {ExitCode::refused, name + ": its version is not on probation; 'fwupdate log' tells what has been"};
    }
    if (*code != CompletionCode::ok)
    {
        return {*code == CompletionCode::unspecified ? ExitCode::failed : ExitCode::refused,
                name + ": " + refusal(context, *code)};
    }
    return confirmation == Confirmation::keep
               ? kept(context, {target->target, name, {}, name})
               : Outcome{ExitCode::done, name + ": the older version comes back with the restart, which is under way"};
}

} // namespace fwupdate::client
