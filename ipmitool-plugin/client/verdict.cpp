#include "ipmitool-plugin/client/verdict.hpp"

#include "ipmitool-plugin/client/confirm.hpp"

#include <algorithm>
#include <array>

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

/// Whether what the BMC says leaves no doubt that the image, or what was in it for this target, is installed and runs.
bool runs(const Before& before, const GetVerdictResponse& now)
{
    const bool digest_known = now.flags.has(protocol::verdict_digest_known);
    if (digest_known && now.installed_sha256 == before.image)
    {
        return true;
    }
    const bool ours = now.last_sha256 == before.image && now.last_result == protocol::UpdateResult::programmed;
    const bool other_version = !now.version.value.empty() && now.version.value != before.version;
    return ours && (now.flags.has(protocol::verdict_last_installed) || (!digest_known && other_version));
}

/// A BMC may still be hashing what is installed: an uncertain end may become a certain one.
bool is_settled(const Outcome& outcome, const GetVerdictResponse& now)
{
    return outcome.code != ExitCode::accepted || now.flags.has(protocol::verdict_digest_known);
}

Outcome accepted(const Programmed& target, const std::string& text)
{
    return {ExitCode::accepted, target.name + ": " + text};
}

/// One target's way to its end.
struct Pending
{
    const Programmed* target{};
    std::optional<Outcome> verdict;   ///< the last one, perhaps an uncertain one
    std::optional<TimePoint> decided; ///< since when there is one
    bool settled{false};              ///< it is the end
    bool on_trial{false};             ///< it runs, and is not confirmed yet

    void judge_by(const GetVerdictResponse& now, TimePoint time)
    {
        verdict = judge(target->before, now, target->name);
        decided = verdict ? decided.value_or(time) : decided;
        on_trial = now.flags.has(protocol::verdict_provisional);
        settled = verdict && (is_settled(*verdict, now) || time - *decided >= digest_limit);
    }
};

/// Waiting for what comes after exit.
class Wait
{
  public:
    Wait(const Context& context, const std::vector<Programmed>& programmed) : context_{context}
    {
        for (const Programmed& target : programmed)
        {
            pending_.push_back({.target = &target, .verdict = {}, .decided = {}});
        }
    }

    Outcome run()
    {
        const bool deferred = context_.keywords.defer_reboot;
        if (!restarts(Restart::bmc) && !restarts(Restart::host))
        {
            return verdict_now();
        }
        if (context_.keywords.no_wait)
        {
            return all_accepted(deferred ? "programmed; it runs after the next restart"
                                         : "programmed; the restart is under way and not waited for");
        }
        if (deferred && !context_.keywords.wait_reboot)
        {
            return all_accepted("programmed; it runs after the next restart");
        }
        return wait();
    }

  private:
    /// Whether exit restarts this for one of the targets whose end is not known.
    [[nodiscard]] bool restarts(Restart what) const
    {
        return std::ranges::any_of(pending_, [what](const Pending& one)
                                   { return !one.settled && one.target->before.restart == what; });
    }

    [[nodiscard]] bool all_settled() const
    {
        return std::ranges::all_of(pending_, &Pending::settled);
    }

    /// The ends; `undecided` for those targets that have none.
    template <class Undecided> [[nodiscard]] Outcome ends(Undecided undecided) const
    {
        std::vector<Outcome> outcomes;
        for (const Pending& one : pending_)
        {
            outcomes.push_back(one.settled ? *one.verdict : undecided(one));
        }
        return combined(outcomes);
    }

    [[nodiscard]] Outcome all_accepted(const std::string& text) const
    {
        return ends([&](const Pending& one) { return accepted(*one.target, text); });
    }

    Result<Answer<GetVerdictResponse>> ask_verdict(const Programmed& target, Patience patience) const
    {
        return context_.bmc.call<GetVerdictResponse>(Command::get_verdict, protocol::GetVerdictRequest{target.target},
                                                     patience);
    }

    /// Opens sessions anew where the wire loses them: the update is done, only its end is still unheard.
    Result<Answer<GetVerdictResponse>> ask_through_losses(const Programmed& target) const
    {
        auto answer = ask_verdict(target, {});
        for (int lost = 0; !answer && lost < lost_sessions && reconnect(context_, reconnect_limit); ++lost)
        {
            answer = ask_verdict(target, {});
        }
        return answer;
    }

    /// Nothing restarts.
    Outcome verdict_now()
    {
        do
        {
            for (Pending& one : pending_)
            {
                if (!one.settled && !ask_now(one))
                {
                    return so_far();
                }
            }
        } while (!all_settled() && pause(context_, 200ms));
        keep_new_versions();
        return so_far();
    }

    /// False: nobody answers. What came before the first answer says nothing about the BMC's hashing.
    bool ask_now(Pending& one) const
    {
        const auto answer = ask_through_losses(*one.target);
        if (!answer || !answer->ok())
        {
            return false;
        }
        const Outcome last = one.verdict.value_or(unheard(*one.target));
        const TimePoint now = context_.environment.now();
        one.decided = one.decided.value_or(now);
        one.verdict = judge(one.target->before, answer->message, one.target->name).value_or(last);
        one.settled = is_settled(*one.verdict, answer->message) || now - *one.decided >= digest_limit;
        one.on_trial = answer->message.flags.has(protocol::verdict_provisional);
        return true;
    }

    /// This client has seen them run.
    void keep_new_versions()
    {
        for (Pending& one : pending_)
        {
            if (one.settled && one.on_trial && one.verdict->code == ExitCode::done)
            {
                one.verdict = keep_updated(
                    context_, {one.target->target, one.target->name, one.target->before.image, one.verdict->text});
            }
        }
    }

    [[nodiscard]] static Outcome unheard(const Programmed& target)
    {
        return accepted(target, "accepted; " + target.name + " does not say whether it runs");
    }

    [[nodiscard]] Outcome so_far() const
    {
        return ends([](const Pending& one) { return one.verdict.value_or(unheard(*one.target)); });
    }

    /// Asks until all is decided, or the limit has passed without the restart; none for a restart that is deferred.
    Outcome wait()
    {
        const bool deferred = context_.keywords.defer_reboot;
        context_.reporter.notice(deferred ? "waiting until somebody restarts it" : "waiting for the restart");
        TimePoint begun = context_.environment.now();
        bool for_bmc = restarts(Restart::bmc);
        while (pause(context_, 1s))
        {
            const Attempt<bool> heard = ask_all();
            if (!heard)
            {
                return heard.error();
            }
            if (all_settled())
            {
                keep_new_versions();
                return so_far();
            }
            const TimePoint now = context_.environment.now();
            if (for_bmc && !restarts(Restart::bmc)) // the BMC is back, the host's turn begins
            {
                for_bmc = false;
                begun = now;
            }
            if (*heard && !deferred && now - begun >= (for_bmc ? restart_limit : host_limit))
            {
                return in_vain();
            }
        }
        return all_accepted("programmed; the restart was not waited for (interrupted)");
    }

    [[nodiscard]] Outcome in_vain() const
    {
        return ends(
            [](const Pending& one)
            {
                return one.target->before.restart == Restart::bmc
                           ? Outcome{ExitCode::no_return, "the BMC did not restart within " +
                                                              minutes_text(restart_limit) +
                                                              ": restart it, then look at 'fwupdate log'"}
                       : one.target->before.restart == Restart::host
                           ? accepted(*one.target, "programmed; it runs after the host's restart")
                           : one.verdict.value_or(unheard(*one.target));
            });
    }

    /// One round of questions; after silence the wait for the BMC's return. False: silence, which decides nothing.
    Attempt<bool> ask_all()
    {
        for (Pending& one : pending_)
        {
            if (one.settled)
            {
                continue;
            }
            const auto answer = ask_verdict(*one.target, once);
            silences_ = answer ? 0 : silences_ + 1;
            if (!answer)
            {
                const Attempt<void> back = silences_ < silences_of_a_restart ? Attempt<void>{} : wait_for_return();
                return back ? Attempt<bool>{false} : back.error();
            }
            // A BMC that is just starting answers C1h or "busy" until its agent is there.
            if (answer->ok())
            {
                one.judge_by(answer->message, context_.environment.now());
            }
        }
        return true;
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
        return all_accepted("programmed; the restart was not waited for (interrupted)");
    }

    const Context& context_;
    std::vector<Pending> pending_;
    bool gone_{false};
    int silences_{0}; ///< in a row
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
        return Outcome{ExitCode::done, target_name + ": updated" + version_text(now)};
    }
    if (ours && now.flags.has(protocol::verdict_digest_known) && now.installed_sha256 == before.installed)
    {
        return Outcome{ExitCode::fell_back,
                       target_name + ": what was installed before is installed again" + version_text(now)};
    }
    return Outcome{ExitCode::accepted, target_name + ": accepted; whether it runs cannot be told" + version_text(now)};
}

Outcome combined(const std::vector<Outcome>& ends)
{
    constexpr std::array from_bad_to_good{ExitCode::fell_back, ExitCode::no_return, ExitCode::accepted, ExitCode::done};
    const auto rank = [&](const Outcome& end)
    { return std::ranges::find(from_bad_to_good, end.code) - from_bad_to_good.begin(); };
    Outcome whole = ends.front();
    std::vector<std::string> said{whole.text};
    for (const Outcome& end : ends)
    {
        whole.code = rank(end) < rank(whole) ? end.code : whole.code;
        if (std::ranges::find(said, end.text) == said.end())
        {
            said.push_back(end.text);
            whole.text += "; " + end.text;
        }
    }
    return whole;
}

Outcome wait_for_verdict(const Context& context, const std::vector<Programmed>& programmed)
{
    return Wait{context, programmed}.run();
}

} // namespace fwupdate::client
