// The restart that makes an update run, and what became of the updates that an earlier agent left.
#include "bmc-agent/update/session.hpp"

#include <algorithm>

namespace fwupdate::agent
{

using protocol::ReasonCode;
using protocol::UpdateResult;

void UpdateSession::schedule_restart(TimePoint now)
{
    restart_ = PendingRestart{request_.target, tenure_.channel(), tenure_.session(), now + restart_delay};
    if (!tenure_.is_owner_alive())
    {
        restart_->due = now;
    }
}

void UpdateSession::run_restart()
{
    Target& target = *restart_->target;
    restart_.reset();
    const std::string& name = target.configuration().name;
    parts_.log.event(Level::warning, "Restarting", {{"target", name}});
    for (std::size_t index = 0; index < parts_.history.entries().size(); ++index)
    {
        HistoryEntry entry = parts_.history.entries()[index];
        if (entry.target == name && entry.restart_pending)
        {
            entry.restarted = true;
            parts_.history.update(index, entry);
        }
    }
    parts_.runner.run(
        target.configuration().restart.command,
        [this, name](const CommandResult& result)
        {
            if (!result.success)
            {
                reason_ = {ReasonCode::restart_failed, state_, "restart of " + name + " failed: " + result.failure};
                reason_.fit();
                parts_.log.event(Level::error, "The restart failed", {{"target", name}, {"reason", result.failure}});
            }
        });
}

/// What an agent before this one left: an update that was under way has failed; a restart that was waited for has
/// happened when the kernel's boot changed, or the restart was asked for and the agent is a new one.
void UpdateSession::settle_former_updates()
{
    const std::string boot = to_hex(settings_.boot_id);
    for (std::size_t index = 0; index < parts_.history.entries().size(); ++index)
    {
        HistoryEntry entry = parts_.history.entries()[index];
        if (entry.result == UpdateResult::in_progress)
        {
            entry.result = UpdateResult::failed;
            entry.code = ReasonCode::agent_restarted;
            entry.text = "the agent stopped in the middle of the update; what is staged can be resumed";
        }
        if (entry.restart_pending && (entry.boot_id != boot || entry.restarted))
        {
            entry.restart_pending = false;
            entry.settle = true;
        }
        parts_.history.update(index, entry);
    }
}

/// After a restart: what is installed now is the image of the last update, or an older one came back.
void UpdateSession::settle_fallen_back(Target& target)
{
    const std::string& name = target.configuration().name;
    const auto& installed = target.installed().get();
    const HistoryEntry* last = parts_.history.last_of(name);
    if (!installed || last == nullptr || !last->settle)
    {
        return;
    }
    HistoryEntry entry = *last;
    entry.settle = false;
    const bool same = entry.sha256 == installed->sha256;
    entry.text =
        same ? "programmed, restarted, and installed" : "programmed and restarted, but another image is installed";
    entry.result = same ? UpdateResult::programmed : UpdateResult::fell_back;
    const auto index = static_cast<std::size_t>(
        std::ranges::find(parts_.history.entries(), name, &HistoryEntry::target) - parts_.history.entries().begin());
    parts_.history.update(index, entry);
    parts_.log.event(same ? Level::info : Level::error, same ? "The update is installed" : "The update fell back",
                     {{"target", name}});
}

} // namespace fwupdate::agent
