// The restart that makes an update run, and what became of the updates that an earlier agent left.
#include "bmc-agent/update/session.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{

using protocol::ReasonCode;
using protocol::UpdateResult;

/// The targets of what was programmed that restart something; the BMC last, as nothing comes behind it.
std::vector<Target*> UpdateSession::to_restart() const
{
    std::vector<Target*> targets;
    for (const protocol::Restart what : {protocol::Restart::host, protocol::Restart::bmc})
    {
        for (const Component& component : components_)
        {
            if (component.target->configuration().restart.what == what)
            {
                targets.push_back(component.target);
            }
        }
    }
    return targets;
}

void UpdateSession::schedule_restart(TimePoint now)
{
    restart_ = PendingRestart{to_restart(), tenure_.channel(), tenure_.session(), now + restart_delay};
    if (!tenure_.is_owner_alive())
    {
        restart_->due = now;
    }
}

void UpdateSession::run_restart(TimePoint now)
{
    const std::vector<Target*> targets = std::move(restart_->targets);
    restart_.reset();
    restart_next(targets, now);
}

/// One command after the other, as the BMC's own would cut off the host's; two targets of one machine restart it once.
void UpdateSession::restart_next(const std::vector<Target*>& targets, TimePoint now)
{
    restarting_ = !targets.empty();
    if (targets.empty())
    {
        return;
    }
    const std::vector<std::string>& command = targets.front()->configuration().restart.command;
    std::vector<std::string> names;
    std::vector<Target*> others;
    for (Target* const target : targets)
    {
        if (target->configuration().restart.command != command)
        {
            others.push_back(target);
            continue;
        }
        names.push_back(target->configuration().name);
        mark_restarted(names.back(), true, "programmed, the restart was asked for");
    }
    parts_.log.event(Level::warning, "Restarting", {{"target", names.front()}});
    if (command.empty())
    {
        reboot(*targets.front(), names, others, now);
        return;
    }
    parts_.runner.run(command, [this, names, others, now](const CommandResult& result)
                      { restarted(names, result.success ? std::string{} : result.failure, others, now); });
}

/// An empty failure: the restart is under way.
void UpdateSession::restarted(const std::vector<std::string>& names, const std::string& failure,
                              const std::vector<Target*>& others, TimePoint now)
{
    for (const std::string& name : names)
    {
        if (!failure.empty())
        {
            restart_failed(name, failure);
        }
    }
    restart_next(others, now);
}

/// By the configured action in a command's place.
void UpdateSession::reboot(Target& target, const std::vector<std::string>& names, const std::vector<Target*>& others,
                           TimePoint now)
{
    Action* const action = target.reboot();
    const auto look = [this, action, names, others](TimePoint then)
    {
        const ActionReport& report = action->report();
        if (report.state != ActionState::running)
        {
            restarted(names, report.state == ActionState::failed ? report.text : std::string{}, others, then);
            notify();
        }
    };
    if (action == nullptr)
    {
        restarted(names, "the agent was built without what starts units; restart by hand", others, now);
        return;
    }
    action->start(subject_of(target, nullptr), look, now);
    if (action->report().state != ActionState::running)
    {
        look(now);
    }
}

/// On record before the command runs: nobody may be left to write it down behind.
void UpdateSession::mark_restarted(const std::string& target, bool restarted, const std::string& remark)
{
    for (std::size_t index = 0; index < parts_.history.entries().size(); ++index)
    {
        HistoryEntry entry = parts_.history.entries()[index];
        if (entry.target == target && entry.restart_pending)
        {
            entry.restarted = restarted;
            entry.text = remark;
            parts_.history.update(index, entry);
        }
    }
}

void UpdateSession::restart_failed(const std::string& target, const std::string& failure)
{
    reason_ = {ReasonCode::restart_failed, state_, "restart of " + target + " failed: " + failure};
    reason_.fit();
    mark_restarted(target, false, "programmed, but the " + reason_.text);
    parts_.log.event(Level::error, "The restart failed", {{"target", target}, {"reason", failure}});
}

/// Of a device it is the last update that says how many bytes are an image's: of two slots, the last one of the slot
/// that runs.
void UpdateSession::expect_installed(Target& target)
{
    SlotKeeper* const slots = target.handler().slots();
    const std::string running = slots != nullptr && slots->state() ? slots->state()->running : std::string{};
    const auto& entries = parts_.history.entries();
    const auto last = std::ranges::find_if(
        entries, [&](const HistoryEntry& entry)
        { return entry.target == target.configuration().name && entry.content_size != 0 && entry.slot == running; });
    // One that failed in the midst has left neither image; one that is not judged yet may be in place.
    const bool whole = last != entries.end() && (last->result != UpdateResult::failed || last->settle);
    target.installed().expect(whole ? std::optional{last->content_size} : std::nullopt);
}

/// What an agent before this one left: an update that was under way has failed, or was being put in place; a restart
/// that was waited for has happened when the kernel's boot changed, or the restart was asked for and the agent is a new
/// one.
void UpdateSession::settle_former_updates()
{
    const std::string boot = to_hex(settings_.boot_id);
    for (std::size_t index = 0; index < parts_.history.entries().size(); ++index)
    {
        HistoryEntry entry = parts_.history.entries()[index];
        if (entry.result == UpdateResult::in_progress)
        {
            settle_unfinished(entry);
        }
        // Another slot runs after a boot, and not before.
        if (entry.restart_pending && (entry.boot_id != boot || (entry.restarted && entry.slot.empty())))
        {
            entry.restart_pending = false;
            entry.settle = true;
        }
        parts_.history.update(index, entry);
    }
}

void UpdateSession::settle_unfinished(HistoryEntry& entry) const
{
    entry.result = UpdateResult::failed;
    entry.code = ReasonCode::agent_restarted;
    entry.text = "the agent stopped in the middle of the update; what is staged can be resumed";
    entry.settle = entry.phase == protocol::UpdateState::program; // it may have been in place already
    const Target* const target = parts_.targets.find(entry.target);
    if (entry.settle && target != nullptr && !target->handler().replaces_at_once())
    {
        entry.text = "the agent stopped while it programmed; " + entry.target + holds_neither_now;
    }
}

/// What is installed now is known: the last update that put something in place is judged by it, those before it are
/// superseded.
void UpdateSession::settle_installed(Target& target)
{
    if (!target.installed().get() || !trials_.knows(target))
    {
        return;
    }
    const Sha256 installed = target.installed().get()->sha256;
    bool judged = false;
    bool replaced = false; // by an update that this agent has programmed since
    for (std::size_t index = 0; index < parts_.history.entries().size(); ++index)
    {
        HistoryEntry entry = parts_.history.entries()[index];
        if (entry.target != target.configuration().name)
        {
            continue;
        }
        replaced = replaced || (!entry.settle && entry.put_in_place(installed));
        if (std::exchange(entry.settle, false))
        {
            const bool known = !replaced || entry.content_sha256 == installed;
            judged = judged || (known && judge(entry, target));
            parts_.history.update(index, entry);
        }
    }
}

/// What was handed over to actions cannot be read where it is installed; that it runs is told by its version. Asked
/// again now and then, as the version may be a command's answer.
void UpdateSession::settle_by_versions()
{
    for (const Target& target : parts_.targets.all())
    {
        if (!target.handler().hands_over())
        {
            continue;
        }
        bool judged = false; // those before the last one are superseded
        for (std::size_t index = 0; index < parts_.history.entries().size(); ++index)
        {
            HistoryEntry entry = parts_.history.entries()[index];
            const bool wanted = entry.settle && entry.target == target.configuration().name;
            if (!wanted || (!judged && !entry.version.empty() && target.version().empty()))
            {
                continue;
            }
            entry.settle = false;
            if (!std::exchange(judged, true))
            {
                judge_by_version(entry, target);
            }
            parts_.history.update(index, entry);
        }
    }
}

void UpdateSession::judge_by_version(HistoryEntry& entry, const Target& target)
{
    if (entry.code == ReasonCode::agent_restarted)
    {
        entry.text =
            "the agent stopped while the update action ran, which may have gone on without it: look at what it "
            "has done before you restart " +
            entry.target;
        return;
    }
    if (entry.version.empty() || target.configuration().restart.what == protocol::Restart::host)
    {
        entry.text = "programmed and restarted; what is installed cannot be read";
        return;
    }
    const bool same = entry.version == target.version();
    entry.result = same ? UpdateResult::programmed : UpdateResult::fell_back;
    entry.text = same ? "programmed, restarted, and its version runs"
                      : "programmed and restarted, but version " + target.version() + " runs";
    if (same)
    {
        raise_floor(entry);
    }
    parts_.log.event(same ? Level::info : Level::error, same ? "The update runs" : "The update fell back",
                     {{"target", entry.target}});
}

/// False: it was not put in place, so that an earlier one may be what is installed.
bool UpdateSession::judge(HistoryEntry& entry, Target& target)
{
    const std::string& name = target.configuration().name;
    const bool same = entry.content_sha256 == target.installed().get()->sha256;
    if (entry.code == ReasonCode::agent_restarted)
    {
        if (!same)
        {
            return false; // it has failed, as noted
        }
        const bool rebooted = entry.boot_id != to_hex(settings_.boot_id);
        entry.result = UpdateResult::programmed;
        entry.code = ReasonCode::none;
        entry.text = "programmed; the agent stopped before it could say so";
        entry.restart_pending = target.configuration().restart.what != protocol::Restart::nothing && !rebooted;
        if (!entry.restart_pending && target.configuration().restart.what != protocol::Restart::host &&
            !trials_.on_trial(target))
        {
            raise_floor(entry);
        }
        parts_.log.event(Level::warning, "An update that was cut off is in place", {{"target", name}});
        return true;
    }
    const bool told = same && !entry.trial_boot.empty() && !trials_.on_trial(target); // how its trial ended
    entry.text = told                       ? entry.text
                 : !same                    ? "programmed and restarted, but another image is installed"
                 : trials_.on_trial(target) ? "programmed, restarted, and installed; on trial until it is confirmed"
                                            : "programmed, restarted, and installed";
    entry.result = same ? UpdateResult::programmed : UpdateResult::fell_back;
    if (same && target.configuration().restart.what != protocol::Restart::host && !trials_.on_trial(target))
    {
        raise_floor(entry);
    }
    parts_.log.event(same ? Level::info : Level::error, same ? "The update is installed" : "The update fell back",
                     {{"target", name}});
    return true;
}

} // namespace fwupdate::agent
