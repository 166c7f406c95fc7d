// What the update session has to do with the trials of new versions: they tell it what is proved and what must restart.
#include "bmc-agent/update/session.hpp"

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::ReasonCode;
using protocol::UpdateState;

Trials::Parts UpdateSession::parts_of_trials()
{
    return {.targets = parts_.targets,
            .history = parts_.history,
            .runner = parts_.runner,
            .log = parts_.log,
            .boot_id = to_hex(settings_.boot_id),
            .notify = [this] { notify(); },
            .busy = [this] { return state_ == UpdateState::verify || state_ == UpdateState::program; },
            .proved = [this](const HistoryEntry& entry) { raise_floor(entry); },
            .restart = [this](Target& target, TimePoint now) { restart_former(target, now); },
            .complain =
                [this](const std::string& text)
            {
                reason_ = {ReasonCode::not_confirmed, state_, text};
                reason_.fit();
            }};
}

/// The slots are others than before: that may judge updates, and what is installed is another thing.
void UpdateSession::look_at_slots(TimePoint now)
{
    trials_.look(now);
    for (Target& target : parts_.targets.all())
    {
        if (target.handler().slots() == nullptr)
        {
            continue;
        }
        expect_installed(target);
        if (!target.installed().wants_work())
        {
            settle_installed(target);
        }
    }
}

/// As soon as the slot is another one than before: an agent that finds it chosen knows then that this update is what is
/// in it.
void UpdateSession::note_slot()
{
    Target& target = *components_[programmed_].target;
    if (!entry_->slot.empty() || target.handler().done() == 0)
    {
        return;
    }
    entry_->slot = trials_.take_other_slot(target);
    parts_.history.update(*entry_);
}

/// At once: who waits for the new version waits in vain. A restart that is due anyway does it too.
void UpdateSession::restart_former(Target& target, TimePoint now)
{
    if (!restart_ && !restarting_)
    {
        restart_next({&target}, now);
    }
}

/// 4Fh.
CompletionCode UpdateSession::confirm_update(const Caller& caller, const protocol::ConfirmUpdateRequest& request,
                                             TimePoint now)
{
    Target* const target = parts_.targets.find(request.target);
    if (target == nullptr)
    {
        return CompletionCode::not_present;
    }
    const std::string who = caller.user.empty() ? "the host" : caller.user;
    const CompletionCode code = trials_.confirm(*target, request.confirmation, who, now);
    if (code == CompletionCode::ok)
    {
        parts_.log.event(Level::info, "Told what becomes of the new version",
                         {{"target", target->configuration().name},
                          {"user", who},
                          {"word", request.confirmation == protocol::Confirmation::keep ? "keep" : "fall back"}});
    }
    return code;
}

} // namespace fwupdate::agent
