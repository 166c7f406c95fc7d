#include "ipmitool-plugin/client/preparation.hpp"

#include "ipmitool-plugin/client/conclusion.hpp"
#include "ipmitool-plugin/client/plan.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using protocol::GetTargetInfoResponse;
using protocol::GetVerdictResponse;
using Capabilities = protocol::GetCapabilitiesResponse;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::chrono::seconds digest_limit = 1s; ///< for a BMC to hash what is installed

/// A BMC may hash what is installed only when somebody asks: asks again for a while.
Attempt<TargetChoice> choice_with_digest(const Context& context)
{
    auto choice = choose_target(context);
    const TimePoint give_up = context.environment.now() + digest_limit;
    while (choice && !choice->target().flags.has(protocol::target_digest_known) && context.environment.now() < give_up)
    {
        if (!pause(context, 200ms))
        {
            return Outcome{ExitCode::cancelled, "interrupted; nothing was changed"};
        }
        choice = choose_target(context);
    }
    return choice;
}

/// Whether an update with this image, interrupted after the transfer, still waits for its owner to leave.
Attempt<bool> waits_for_us(const Context& context, const TargetChoice& choice, const Subject& subject)
{
    const auto session = demand<Session>(context, Command::get_update_session);
    if (!session)
    {
        return session.error();
    }
    const Session& now = session->message;
    const bool ours = now.flags.has(protocol::session_yours) || now.flags.has(protocol::session_same_user);
    return now.flags.has(protocol::session_in_mode) && ours && is_past_transfer(now.state)
               ? is_about(context, now, choice, subject)
               : false;
}

/// Names of targets; which of them wait for a restart.
struct Current
{
    std::string names;
    const GetTargetInfoResponse* waiting{}; ///< null: none

    void add(const GetTargetInfoResponse& target)
    {
        names += (names.empty() ? "" : ", ") + printable(target.name.value);
        waiting = target.flags.has(protocol::target_restart_pending) ? &target : waiting;
    }
};

Outcome already_current(const Current& current)
{
    std::string text = current.names + ": already current";
    if (current.waiting != nullptr)
    {
        text += std::string{", a restart is pending: restart the "} +
                (current.waiting->restart == protocol::Restart::host ? "host" : "BMC") + ", and it runs";
    }
    return {ExitCode::already_current, std::move(text)};
}

/// Where the BMC says that all of an image is installed: the targets that have it. None: it has another one in mind
/// than the one that is to be updated.
std::optional<Outcome> current_by_plan(const Context& context, const TargetChoice& choice, const Subject& subject)
{
    const bool any = package_may_choose(context, choice);
    Current current;
    for (const GetTargetInfoResponse& target : choice.all)
    {
        if (!any && target.target != choice.target().target)
        {
            continue;
        }
        const auto verdict =
            context.bmc.call<GetVerdictResponse>(Command::get_verdict, protocol::GetVerdictRequest{target.target});
        if (verdict && verdict->ok() && verdict->message.last_sha256 == subject.sha256 &&
            verdict->message.flags.has(protocol::verdict_last_installed))
        {
            current.add(target);
        }
    }
    const bool named = context.keywords.target.has_value(); // then the BMC has none but that one in mind
    if (current.names.empty() && !any && !named && choice.target().flags.has(protocol::target_digest_known))
    {
        return std::nullopt;
    }
    if (current.names.empty())
    {
        current.add(choice.target());
    }
    return already_current(current);
}

bool is_installed(const GetTargetInfoResponse& target, const Subject& subject)
{
    return target.flags.has(protocol::target_digest_known) && subject.sha256 &&
           (target.installed_sha256 == *subject.sha256 || target.installed_sha256 == subject.content);
}

Attempt<void> check_need(const Context& context, const TargetChoice& choice, const Subject& subject)
{
    if (context.keywords.force || !is_installed(choice.target(), subject))
    {
        return {};
    }
    const Attempt<bool> waits = waits_for_us(context, choice, subject);
    if (!waits)
    {
        return waits.error();
    }
    Current current;
    current.add(choice.target());
    return *waits ? Attempt<void>{} : already_current(current);
}

Attempt<void> check_size(const GetTargetInfoResponse& target, const Subject& subject, const Capabilities& capabilities)
{
    const std::uint64_t largest =
        target.max_size != 0 ? std::min(target.max_size, capabilities.max_image_size) : capabilities.max_image_size;
    if (subject.size <= largest)
    {
        return {};
    }
    return Outcome{ExitCode::refused, subject.name + " has " + size_text(subject.size) + ", " +
                                          printable(target.name.value) + " takes at most " + size_text(largest)};
}

/// What is at hand and has no signature need not be sent where one is a must. (What a URI brings is the BMC's to see.)
Attempt<void> check_signature(const Context& context, const Subject& subject, const Capabilities& capabilities)
{
    const bool plain = !subject.is_uri && subject.sha256 && subject.content == subject.sha256;
    if (!plain || context.keywords.signature || !capabilities.features.has(protocol::feature_must_be_signed))
    {
        return {};
    }
    return Outcome{ExitCode::refused, "this BMC wants a signature, and " + printable(subject.name) +
                                          " has none; nothing was changed. Sign it (fwsign sign --self-contained), or "
                                          "name its signature: 'signature FILE'"};
}

/// Whether a refusal is one of circumstances, which the install itself looks at: who holds the mode when it acquires
/// it, and the space when 44h has dropped what was staged before.
bool is_circumstance(const PlanReport& plan)
{
    return plan.code == protocol::ReasonCode::mode_held || plan.code == protocol::ReasonCode::no_space;
}

/// What the BMC would say. An update that it has as a whole already was judged when it came.
Attempt<void> check_plan(const Context& context, const TargetChoice& choice, const Subject& subject,
                         const Capabilities& capabilities)
{
    if (!capabilities.features.has(protocol::feature_plan) || !subject.has_name())
    {
        return {};
    }
    const auto plan = ask_plan(context, subject, named_target(context, choice), capabilities);
    if (!plan)
    {
        return plan.error();
    }
    const bool current = plan->verdict == protocol::PlanVerdict::already_current;
    const bool refused = plan->verdict == protocol::PlanVerdict::would_refuse;
    // A BMC that does not answer this question gets the image all the same: what follows judges.
    if (plan->completion != ipmi::CompletionCode::ok || (current && context.keywords.force) || (!current && !refused))
    {
        return {};
    }
    const Attempt<bool> waits = waits_for_us(context, choice, subject);
    if (!waits || *waits)
    {
        return waits ? Attempt<void>{} : waits.error();
    }
    if (current)
    {
        const std::optional<Outcome> end = current_by_plan(context, choice, subject);
        return end ? Attempt<void>{*end} : Attempt<void>{};
    }
    if (is_circumstance(*plan))
    {
        return {};
    }
    return Outcome{ExitCode::refused, "the BMC would refuse it; nothing was changed:\n" + refusing_lines(plan->text)};
}

std::string question(const Context& context, const TargetChoice& choice, const Subject& subject)
{
    const GetTargetInfoResponse& target = choice.target();
    const std::string version = printable(target.version.value);
    return "Install " + printable(subject.name) + (subject.size == 0 ? "" : " (" + size_text(subject.size) + ")") +
           " on " + context.bmc.port().facts().peer + ", target " + printable(target.name.value) +
           (package_may_choose(context, choice) && choice.all.size() > 1 ? " or those that a package is for" : "") +
           (version.empty() ? "" : ", which runs version " + version) + "?";
}

} // namespace

Attempt<TargetChoice> prepare(const Context& context, const Subject& subject, const Capabilities& capabilities)
{
    auto choice = choice_with_digest(context);
    if (!choice)
    {
        return choice.error();
    }
    if (const Attempt<void> needed = check_need(context, *choice, subject); !needed)
    {
        return needed.error();
    }
    if (const Attempt<void> fits = check_size(choice->target(), subject, capabilities); !fits)
    {
        return fits.error();
    }
    if (const Attempt<void> vouched = check_signature(context, subject, capabilities); !vouched)
    {
        return vouched.error();
    }
    if (const Attempt<void> welcome = check_plan(context, *choice, subject, capabilities); !welcome)
    {
        return welcome.error();
    }
    if (!confirmed(context, question(context, *choice, subject)))
    {
        return Outcome{ExitCode::cancelled, "nothing was changed"};
    }
    return choice;
}

bool may_be_for(const Context& context, const Session& session, const TargetChoice& choice)
{
    return !context.keywords.target || session.target == choice.target().target;
}

Attempt<bool> is_about(const Context& context, const Session& session, const TargetChoice& choice,
                       const Subject& subject)
{
    if (!may_be_for(context, session, choice) || !subject.sha256)
    {
        return false;
    }
    const auto verdict =
        demand<GetVerdictResponse>(context, Command::get_verdict, protocol::GetVerdictRequest{session.target});
    if (!verdict)
    {
        return verdict.error();
    }
    return verdict->message.last_sha256 == *subject.sha256;
}

} // namespace fwupdate::client
