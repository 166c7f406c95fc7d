#include "ipmitool-plugin/client/preparation.hpp"

#include "ipmitool-plugin/client/conclusion.hpp"
#include "ipmitool-plugin/client/target.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using protocol::GetTargetInfoResponse;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::chrono::seconds digest_limit = 1s; ///< for a BMC to hash what is installed

/// A BMC may hash what is installed only when somebody asks: asks again for a while.
Attempt<GetTargetInfoResponse> target_with_digest(const Context& context)
{
    auto target = pick_target(context);
    const TimePoint give_up = context.environment.now() + digest_limit;
    while (target && !target->flags.has(protocol::target_digest_known) && context.environment.now() < give_up)
    {
        if (!pause(context, 200ms))
        {
            return Outcome{ExitCode::cancelled, "interrupted; nothing was changed"};
        }
        target = pick_target(context);
    }
    return target;
}

Before before_of(const GetTargetInfoResponse& target, const Subject& subject)
{
    Before before;
    if (target.flags.has(protocol::target_digest_known))
    {
        before.installed = target.installed_sha256;
    }
    before.version = target.version.value;
    before.image = subject.sha256.value_or(Sha256{});
    before.restart = target.restart;
    before.accepts = target.accepts;
    return before;
}

/// Whether an update with this image, interrupted after the transfer, still waits for its owner to leave.
Attempt<bool> waits_for_us(const Context& context, const GetTargetInfoResponse& target, const Subject& subject)
{
    const auto session = demand<Session>(context, Command::get_update_session);
    if (!session)
    {
        return session.error();
    }
    const Session& now = session->message;
    const bool ours = now.flags.has(protocol::session_yours) || now.flags.has(protocol::session_same_user);
    return now.flags.has(protocol::session_in_mode) && ours && is_past_transfer(now.state)
               ? is_about(context, now, target, subject)
               : false;
}

Outcome already_current(const GetTargetInfoResponse& target)
{
    std::string text = printable(target.name.value) + ": already current";
    if (target.flags.has(protocol::target_restart_pending))
    {
        text += std::string{", a restart is pending: restart the "} +
                (target.restart == protocol::Restart::host ? "host" : "BMC") + ", and it runs";
    }
    return {ExitCode::already_current, std::move(text)};
}

Attempt<void> check_need(const Context& context, const GetTargetInfoResponse& target, const Subject& subject)
{
    if (context.keywords.force || !target.flags.has(protocol::target_digest_known) || !subject.sha256 ||
        target.installed_sha256 != *subject.sha256)
    {
        return {};
    }
    const Attempt<bool> waits = waits_for_us(context, target, subject);
    if (!waits)
    {
        return waits.error();
    }
    return *waits ? Attempt<void>{} : already_current(target);
}

Attempt<void> check_size(const GetTargetInfoResponse& target, const Subject& subject,
                         const protocol::GetCapabilitiesResponse& capabilities)
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

std::string question(const Context& context, const GetTargetInfoResponse& target, const Subject& subject)
{
    const std::string version = printable(target.version.value);
    return "Install " + printable(subject.name) + (subject.size == 0 ? "" : " (" + size_text(subject.size) + ")") +
           " on " + context.bmc.port().facts().peer + ", target " + printable(target.name.value) +
           (version.empty() ? "" : ", which runs version " + version) + "?";
}

} // namespace

Attempt<Preparation> prepare(const Context& context, const Subject& subject,
                             const protocol::GetCapabilitiesResponse& capabilities)
{
    auto target = target_with_digest(context);
    if (!target)
    {
        return target.error();
    }
    if (const Attempt<void> needed = check_need(context, *target, subject); !needed)
    {
        return needed.error();
    }
    if (const Attempt<void> fits = check_size(*target, subject, capabilities); !fits)
    {
        return fits.error();
    }
    if (!confirmed(context, question(context, *target, subject)))
    {
        return Outcome{ExitCode::cancelled, "nothing was changed"};
    }
    Before before = before_of(*target, subject);
    return Preparation{std::move(*target), std::move(before)};
}

Attempt<bool> is_about(const Context& context, const Session& session, const GetTargetInfoResponse& target,
                       const Subject& subject)
{
    if (session.target != target.target || !subject.sha256)
    {
        return false;
    }
    const auto verdict = demand<protocol::GetVerdictResponse>(context, Command::get_verdict,
                                                              protocol::GetVerdictRequest{session.target});
    if (!verdict)
    {
        return verdict.error();
    }
    return verdict->message.last_sha256 == *subject.sha256;
}

} // namespace fwupdate::client
