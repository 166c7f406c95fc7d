#include "ipmitool-plugin/client/verdict.hpp"

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using protocol::GetVerdictResponse;
using protocol::Restart;

constexpr std::chrono::seconds restart_limit = 10min; ///< for the restart to begin, and again for the return
constexpr std::chrono::seconds host_limit = 15s;      ///< for the BMC to see the host go through its restart
constexpr std::chrono::seconds digest_limit = 10s;    ///< for the BMC to hash what is installed after a restart
constexpr std::chrono::seconds reconnect_limit = 1min;
constexpr Patience once{1, 1};
constexpr int open_patience = 1;         ///< seconds
constexpr int lost_sessions = 3;         ///< in a row, before the end is called uncertain
constexpr int silences_of_a_restart = 3; ///< lost answers in a row that mean more than a lost packet

std::string version_text(const GetVerdictResponse& now)
{
    return now.version.value.empty() ? std::string{} : ", version " + printable(now.version.value);
}

bool restarted(const Before& before, const GetVerdictResponse& now)
{
    return now.boot_id != before.boot_id || now.instance_id != before.instance_id;
}

/// Whether what the BMC says leaves no doubt that the image is installed and runs.
bool runs(const Before& before, const GetVerdictResponse& now)
{
    const bool digest_known = now.flags.has(protocol::verdict_digest_known);
    if (digest_known && now.installed_sha256 == before.image)
    {
        return true;
    }
    // Another digest than the image's is a package's content, or another update that came in between.
    const bool ours = now.last_sha256 == before.image && now.last_result == protocol::UpdateResult::programmed;
    const bool other_version = !now.version.value.empty() && now.version.value != before.version;
    const bool package = before.accepts.has(protocol::accepts_pldm) || before.accepts.has(protocol::accepts_tarball);
    return ours && other_version && (!digest_known || package);
}

/// Waiting for what comes after exit.
class Wait
{
  public:
    Wait(const Context& context, const Before& before, const protocol::GetTargetInfoResponse& target)
        : context_{context}, before_{before}, target_{target}, name_{printable(target.name.value)}
    {
    }

    Outcome run()
    {
        const bool deferred = context_.keywords.defer_reboot;
        if (before_.restart == Restart::nothing)
        {
            return verdict_now("accepted; " + name_ + " does not say whether it runs");
        }
        if (context_.keywords.no_wait)
        {
            return accepted(deferred ? "programmed; it runs after the next restart"
                                     : "programmed; the restart is under way and not waited for");
        }
        if (deferred && !context_.keywords.wait_reboot)
        {
            return accepted("programmed; it runs after the next restart");
        }
        if (before_.restart == Restart::host)
        {
            return wait_for(deferred ? std::nullopt : std::optional{host_limit},
                            accepted("programmed; it runs after the host's restart"));
        }
        return wait_for(deferred ? std::nullopt : std::optional{restart_limit},
                        {ExitCode::no_return, "the BMC did not restart within " + minutes_text(restart_limit) +
                                                  ": restart it, then look at 'fwupdate log'"});
    }

  private:
    [[nodiscard]] Outcome accepted(const std::string& text) const
    {
        return {ExitCode::accepted, name_ + ": " + text};
    }

    Result<Answer<GetVerdictResponse>> ask_verdict(Patience patience) const
    {
        return context_.bmc.call<GetVerdictResponse>(Command::get_verdict, protocol::GetVerdictRequest{target_.target},
                                                     patience);
    }

    /// Opens sessions anew where the wire loses them: the update is done, only its end is still unheard.
    Result<Answer<GetVerdictResponse>> ask_through_losses() const
    {
        auto answer = ask_verdict({});
        for (int lost = 0; !answer && lost < lost_sessions && reconnect(context_, reconnect_limit); ++lost)
        {
            answer = ask_verdict({});
        }
        return answer;
    }

    Outcome verdict_now(const std::string& undecided) const
    {
        Outcome outcome = accepted(undecided);
        std::optional<TimePoint> first; // what came before says nothing about the BMC's hashing
        while (true)
        {
            const auto answer = ask_through_losses();
            if (!answer || !answer->ok())
            {
                return outcome;
            }
            outcome = judge(before_, answer->message, name_).value_or(outcome);
            const TimePoint now = context_.environment.now();
            first = first.value_or(now);
            if (is_settled(outcome, answer->message) || now - *first >= digest_limit || !pause(context_, 200ms))
            {
                return outcome;
            }
        }
    }

    /// A BMC may still be hashing what is installed: an uncertain end may become a certain one.
    static bool is_settled(const Outcome& outcome, const GetVerdictResponse& now)
    {
        return outcome.code != ExitCode::accepted || now.flags.has(protocol::verdict_digest_known);
    }

    /// Asks until it is decided, or `limit` has passed (none: for ever) without the restart.
    Outcome wait_for(std::optional<std::chrono::seconds> limit, const Outcome& in_vain)
    {
        context_.reporter.notice(context_.keywords.defer_reboot ? "waiting until somebody restarts it"
                                                                : "waiting for the restart");
        const TimePoint begun = context_.environment.now();
        while (pause(context_, 1s))
        {
            const auto answer = ask_verdict(once);
            silences_ = answer ? 0 : silences_ + 1;
            if (!answer)
            {
                if (silences_ < silences_of_a_restart)
                {
                    continue;
                }
                if (const Attempt<void> back = wait_for_return(); !back)
                {
                    return back.error();
                }
                continue;
            }
            // A BMC that is just starting answers C1h or "busy" until its agent is there.
            if (answer->ok())
            {
                const std::optional<Outcome> verdict = judge(before_, answer->message, name_);
                const TimePoint now = context_.environment.now();
                decided_ = verdict ? decided_.value_or(now) : decided_;
                if (verdict && (is_settled(*verdict, answer->message) || now - *decided_ >= digest_limit))
                {
                    return *verdict;
                }
            }
            if (limit && context_.environment.now() - begun >= *limit)
            {
                return in_vain;
            }
        }
        return accepted("programmed; the restart was not waited for (interrupted)");
    }

    Attempt<void> wait_for_return()
    {
        if (!gone_)
        {
            context_.reporter.notice("the BMC is restarting");
            gone_ = true;
        }
        const TimePoint gone = context_.environment.now();
        while (!context_.environment.interrupted())
        {
            if (context_.bmc.port().reopen(open_patience))
            {
                return {};
            }
            if (context_.environment.now() - gone >= restart_limit)
            {
                return Outcome{ExitCode::no_return, "the BMC has not come back for " + minutes_text(restart_limit) +
                                                        "; 'fwupdate log' tells the end once it answers"};
            }
            pause(context_, 1s);
        }
        return accepted("programmed; the restart was not waited for (interrupted)");
    }

    const Context& context_;
    const Before& before_;
    const protocol::GetTargetInfoResponse& target_;
    std::string name_;
    bool gone_{false};
    int silences_{0};                  ///< in a row
    std::optional<TimePoint> decided_; ///< since when there is a verdict, perhaps an uncertain one
};

} // namespace

std::optional<Outcome> judge(const Before& before, const GetVerdictResponse& now, const std::string& target_name)
{
    // The rows of "The verdict" in protocol-spec/client-guide.md, in its order.
    const bool ours = now.last_sha256 == before.image;
    if (ours && now.last_result == protocol::UpdateResult::fell_back)
    {
        return Outcome{ExitCode::fell_back,
                       target_name + ": the older version is back" + version_text(now) + "; 'fwupdate log' tells more"};
    }
    if (now.flags.has(protocol::verdict_restart_pending) || (before.restart == Restart::bmc && !restarted(before, now)))
    {
        return std::nullopt;
    }
    if (runs(before, now))
    {
        return Outcome{ExitCode::done, target_name + ": updated" + version_text(now) +
                                           (now.flags.has(protocol::verdict_provisional) ? ", on probation" : "")};
    }
    if (ours && now.flags.has(protocol::verdict_digest_known) && now.installed_sha256 == before.installed)
    {
        return Outcome{ExitCode::fell_back,
                       target_name + ": what was installed before is installed again" + version_text(now)};
    }
    return Outcome{ExitCode::accepted, target_name + ": accepted; whether it runs cannot be told" + version_text(now)};
}

Outcome wait_for_verdict(const Context& context, const Before& before, const protocol::GetTargetInfoResponse& target)
{
    return Wait{context, before, target}.run();
}

} // namespace fwupdate::client
