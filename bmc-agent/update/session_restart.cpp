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

void UpdateSession::run_restart()
{
    const std::vector<Target*> targets = std::move(restart_->targets);
    restart_.reset();
    restart_next(targets);
}

/// One command after the other, as the BMC's own would cut off the host's; two targets of one machine restart it once.
void UpdateSession::restart_next(const std::vector<Target*>& targets)
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
    parts_.runner.run(command,
                      [this, names, others](const CommandResult& result)
                      {
                          for (const std::string& name : names)
                          {
                              if (!result.success)
                              {
                                  restart_failed(name, result.failure);
                              }
                          }
                          restart_next(others);
                      });
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

void UpdateSession::settle_unfinished(HistoryEntry& entry)
{
    entry.result = UpdateResult::failed;
    entry.code = ReasonCode::agent_restarted;
    entry.text = "the agent stopped in the middle of the update; what is staged can be resumed";
    entry.settle = entry.phase == protocol::UpdateState::program; // it may have been in place already
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
