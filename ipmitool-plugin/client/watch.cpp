#include "ipmitool-plugin/client/watch.hpp"

#include "ipmitool-plugin/client/preparation.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::ReasonCode;
using protocol::UpdateState;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::chrono::milliseconds poll_period = 300ms;
constexpr std::chrono::seconds stall_limit = 5min;

void report(const Context& context, const Session& session, ProgressMeter& meter)
{
    const TimePoint now = context.environment.now();
    if (session.state == UpdateState::download)
    {
        // What was staged before counts; a server may not tell the size.
        const std::uint64_t done = std::max(session.done, session.received);
        context.reporter.progress(meter.update(Phase::fetch, done, session.size, now), now);
        return;
    }
    const Phase phase = session.state == UpdateState::verify ? Phase::verify : Phase::program;
    context.reporter.progress(session.size != 0 && session.done != 0
                                  ? meter.update(phase, session.done, session.size, now)
                                  : meter.update_percent(phase, std::min<std::uint8_t>(session.percent, 100), now),
                              now);
}

/// Scripts wait for 100 %: the last poll before the next phase may have seen much less.
void report_whole(const Context& context, Phase phase, const Session& session, ProgressMeter& meter)
{
    const TimePoint now = context.environment.now();
    context.reporter.progress(session.size != 0 ? meter.update(phase, session.size, session.size, now)
                                                : meter.update_percent(phase, 100, now),
                              now);
}

/// How far it has come; only what was never reached before counts, so that a counter that goes to and fro is no
/// progress.
class Movement
{
  public:
    explicit Movement(TimePoint now) : moved_{now} {}

    void see(const Session& session, TimePoint now)
    {
        if (session.state != state_)
        {
            state_ = session.state;
            percent_ = 0;
            done_ = 0;
            moved_ = now;
        }
        // What the BMC's configuration has started may tell nothing until its end; the BMC itself ends what hangs.
        const bool acting = session.flags.has(protocol::session_acting);
        if (acting || session.done > done_ || session.percent > percent_)
        {
            moved_ = now;
        }
        done_ = std::max(done_, session.done);
        percent_ = std::max(percent_, session.percent);
    }

    [[nodiscard]] bool stalled(TimePoint now) const
    {
        return now - moved_ >= stall_limit;
    }

  private:
    UpdateState state_{};
    std::uint8_t percent_{};
    std::uint64_t done_{};
    TimePoint moved_;
};

/// Whether the BMC is at work: verifying, programming, or fetching what a URI names.
bool goes_on(const Session& session)
{
    const bool fetches = session.transport == protocol::Transport::usb || session.transport == protocol::Transport::uri;
    return session.state == UpdateState::verify || session.state == UpdateState::program ||
           (session.state == UpdateState::download && fetches);
}

/// The end when the BMC left verify and program without becoming ready.
Outcome lost_outcome(const Context& context, UpdateState state)
{
    const std::optional<Reason> reason = context.bmc.reason();
    if (state == UpdateState::error)
    {
        return reason ? outcome_of(*reason)
                      : Outcome{ExitCode::program_failed, "the BMC reports an error and no reason"};
    }
    return {ExitCode::transfer_failed, "the BMC dropped the update" + (reason ? ": " + reason->text : std::string{}),
            Remedy::repeat};
}

} // namespace

Outcome outcome_of(const Reason& reason)
{
    switch (reason.code)
    {
    case ReasonCode::digest_mismatch:
    case ReasonCode::signature_required:
    case ReasonCode::signature_bad:
    case ReasonCode::wrong_machine:
        return {ExitCode::verification_failed, reason.text};
    case ReasonCode::image_incomplete:
        // What a server or a drive has too little of does not grow by asking again.
        return {ExitCode::transfer_failed, reason.text,
                reason.phase == UpdateState::download ? Remedy::none : Remedy::repeat};
    case ReasonCode::staged_damaged:
    case ReasonCode::agent_restarted:
        return {ExitCode::transfer_failed, reason.text, Remedy::repeat};
    case ReasonCode::aborted:
    case ReasonCode::lease_expired:
    case ReasonCode::taken_over:
    case ReasonCode::transport_failed:
    case ReasonCode::host_not_found:
    case ReasonCode::connection_failed:
    case ReasonCode::transfer_timeout:
    case ReasonCode::file_not_found:
    case ReasonCode::access_denied:
    case ReasonCode::tls_failed:
    case ReasonCode::server_failed:
        return {ExitCode::transfer_failed, reason.text};
    case ReasonCode::image_too_large:
    case ReasonCode::no_space:
    case ReasonCode::image_empty:
    case ReasonCode::target_unknown:
    case ReasonCode::target_ambiguous:
    case ReasonCode::downgrade_refused:
    case ReasonCode::version_unknown:
    case ReasonCode::policy_refused:
    case ReasonCode::uri_refused:
        return {ExitCode::refused, reason.text};
    default:
        return {reason.phase == UpdateState::verify ? ExitCode::verification_failed : ExitCode::program_failed,
                reason.text};
    }
}

Attempt<void> watch_until_ready(const Context& context, ProgressMeter& meter)
{
    Movement movement{context.environment.now()};
    bool fetching = false;
    do
    {
        const auto session = demand<Session>(context, protocol::Command::get_update_session);
        if (!session)
        {
            return session.error();
        }
        const Session& now = session->message;
        if (std::exchange(fetching, now.state == UpdateState::download) && is_past_transfer(now.state))
        {
            report_whole(context, Phase::fetch, now, meter);
        }
        if (now.state == UpdateState::ready || now.state == UpdateState::host_restart_required)
        {
            report_whole(context, Phase::program, now, meter);
            return {};
        }
        if (!goes_on(now))
        {
            return lost_outcome(context, now.state);
        }
        report(context, now, meter);
        movement.see(now, context.environment.now());
        if (movement.stalled(context.environment.now()))
        {
            return Outcome{now.state == UpdateState::download ? ExitCode::transfer_failed : ExitCode::program_failed,
                           "the BMC has been at '" + name_of(now.state) + "' for " + minutes_text(stall_limit) +
                               " without progress: see 'fwupdate status'"};
        }
    } while (pause(context, poll_period));
    return interrupted_outcome();
}

} // namespace fwupdate::client
