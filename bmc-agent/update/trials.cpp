#include "bmc-agent/update/trials.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::ReasonCode;
using protocol::UpdateResult;

Trials::Trials(Parts parts) : parts_{std::move(parts)}
{
    for (Target& target : parts_.targets.all())
    {
        if (SlotKeeper* const keeper = target.handler().slots())
        {
            trials_.push_back({.target = &target, .keeper = keeper, .seen = {}, .probation = {}, .again = {}});
        }
    }
}

Trials::~Trials()
{
    *alive_ = false;
}

const Trials::Trial* Trials::find(const Target& target) const
{
    const auto place = std::ranges::find(trials_, &target, &Trial::target);
    return place == trials_.end() ? nullptr : &*place;
}

bool Trials::has_news() const
{
    return std::ranges::any_of(trials_, [](const Trial& trial) { return trial.seen != trial.keeper->state(); });
}

bool Trials::knows(const Target& target) const
{
    const Trial* const trial = find(target);
    return trial == nullptr || trial->seen.has_value();
}

bool Trials::on_trial(const Target& target) const
{
    const Trial* const trial = find(target);
    return trial != nullptr && trial->seen && trial->seen->on_trial();
}

void Trials::look(TimePoint now)
{
    for (Trial& trial : trials_)
    {
        if (trial.seen == trial.keeper->state())
        {
            continue;
        }
        trial.seen = trial.keeper->state();
        if (trial.seen)
        {
            settle(trial);
        }
        const bool on_trial = trial.seen && trial.seen->on_trial();
        if (on_trial && !trial.probation)
        {
            begin(trial, now);
        }
        else if (!on_trial && !trial.ending)
        {
            trial.probation.reset();
            trial.again.reset();
        }
        pursue(trial, now);
    }
}

/// The updates whose restart has happened, by the slot that runs. What ran where it was to run is left to its digest.
void Trials::settle(const Trial& trial)
{
    const SlotState& slots = *trial.seen;
    for (std::size_t index = 0; index < parts_.history.entries().size(); ++index)
    {
        HistoryEntry entry = parts_.history.entries()[index];
        const bool ours = entry.target == trial.target->configuration().name && !entry.slot.empty();
        if (!ours || !entry.settle || entry.slot == slots.running)
        {
            continue;
        }
        entry.settle = false;
        if (entry.code == ReasonCode::agent_restarted)
        {
            settle_cut_off(entry, slots);
        }
        else
        {
            entry.result = UpdateResult::fell_back;
            entry.code = ReasonCode::not_confirmed;
            entry.text = "programmed and restarted, but slot " + slots.running + " runs: slot " + entry.slot +
                         " did not boot or was not confirmed";
            parts_.log.event(Level::error, "The update fell back", {{"target", entry.target}, {"slot", entry.slot}});
        }
        parts_.history.update(index, entry);
    }
}

/// The agent stopped in the midst, and there was no restart since: if the slot is the chosen one, it was written whole,
/// as choosing is the last step.
void Trials::settle_cut_off(HistoryEntry& entry, const SlotState& slots) const
{
    if (entry.boot_id == parts_.boot_id && slots.provisional && slots.chosen == entry.slot)
    {
        entry.result = UpdateResult::programmed;
        entry.code = ReasonCode::none;
        entry.text = "programmed; the agent stopped before it could say so";
        entry.restart_pending = true;
    }
}

/// The update that has written the running slot.
std::optional<std::size_t> Trials::entry_of(const Trial& trial) const
{
    const auto& entries = parts_.history.entries();
    const auto place = std::ranges::find_if(entries,
                                            [&](const HistoryEntry& entry)
                                            {
                                                return entry.target == trial.target->configuration().name &&
                                                       entry.slot == trial.seen->running &&
                                                       entry.result == UpdateResult::programmed;
                                            });
    return place == entries.end() ? std::nullopt : std::optional{static_cast<std::size_t>(place - entries.begin())};
}

/// An agent that is started again and again must not give the version a new time each: the first start counts, by the
/// clock that runs since the boot.
void Trials::begin(Trial& trial, TimePoint now)
{
    TimePoint began = now;
    if (const auto index = entry_of(trial))
    {
        HistoryEntry entry = parts_.history.entries()[*index];
        const auto since = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
        if (entry.trial_boot == parts_.boot_id)
        {
            began = std::min(now, TimePoint{std::chrono::seconds{entry.trial_began}});
        }
        else
        {
            entry.trial_boot = parts_.boot_id;
            entry.trial_began = static_cast<std::uint64_t>(since.count());
            parts_.history.update(*index, entry);
        }
    }
    trial.probation.emplace(trial.target->configuration().slots->probation, began);
    parts_.log.event(Level::warning, "The new version is on trial",
                     {{"target", trial.target->configuration().name}, {"slot", trial.seen->running}});
}

void Trials::pursue(Trial& trial, TimePoint now)
{
    if (!trial.probation || trial.ending)
    {
        return;
    }
    switch (trial.probation->wish())
    {
    case TrialWish::wait:
        return;
    case TrialWish::ask_health:
        ask_health(trial, now);
        return;
    case TrialWish::keep:
        end(trial, true, now);
        return;
    case TrialWish::fall_back:
        if (parts_.busy())
        {
            trial.again = now + busy_interval;
            return;
        }
        end(trial, false, now);
        return;
    }
}

void Trials::ask_health(Trial& trial, TimePoint now)
{
    trial.probation->health_asked();
    const std::vector<std::string>& command = trial.target->configuration().slots->probation.health_command;
    parts_.runner.run(command,
                      [this, &trial, now, alive = alive_](const CommandResult& result)
                      {
                          if (*alive && trial.probation)
                          {
                              trial.probation->on_health(result.success, result.failure);
                              pursue(trial, now);
                              parts_.notify();
                          }
                      });
}

void Trials::end(Trial& trial, bool keep, TimePoint now)
{
    trial.ending = true;
    trial.again.reset();
    const auto done = [this, &trial, keep, now, alive = alive_](const Result<void>& result)
    {
        if (!*alive)
        {
            return;
        }
        trial.ending = false;
        !result ? failed(trial, result.error(), now) : keep ? kept(trial) : fell_back(trial, now);
        parts_.notify();
    };
    keep ? trial.keeper->confirm(done) : trial.keeper->fall_back(done);
}

void Trials::kept(Trial& trial)
{
    const std::string reason = trial.probation->reason();
    trial.probation.reset();
    parts_.log.event(Level::info, "The new version stays",
                     {{"target", trial.target->configuration().name}, {"reason", reason}});
    if (const auto index = entry_of(trial))
    {
        HistoryEntry entry = parts_.history.entries()[*index];
        entry.text = "programmed, restarted, " + reason;
        parts_.history.update(*index, entry);
        parts_.proved(entry);
    }
}

void Trials::fell_back(Trial& trial, TimePoint now)
{
    const std::string reason = trial.probation->reason();
    trial.probation.reset();
    parts_.log.event(Level::error, "The new version falls back",
                     {{"target", trial.target->configuration().name}, {"reason", reason}});
    if (const auto index = entry_of(trial))
    {
        HistoryEntry entry = parts_.history.entries()[*index];
        entry.result = UpdateResult::fell_back;
        entry.code = ReasonCode::not_confirmed;
        entry.text = "programmed and restarted, but " + reason;
        entry.settle = false;
        parts_.history.update(*index, entry);
    }
    parts_.restart(*trial.target, now);
}

void Trials::failed(Trial& trial, const Error& error, TimePoint now)
{
    const std::string& name = trial.target->configuration().name;
    trial.again = now + retry_interval;
    parts_.log.event(Level::error, "The trial cannot be ended", {{"target", name}, {"reason", error.text}});
    parts_.complain("the trial of " + name + " cannot be ended: " + error.text);
}

std::string Trials::take_other_slot(Target& target)
{
    const Trial* const trial = find(target);
    if (trial == nullptr)
    {
        return {};
    }
    const std::string slot = trial->keeper->other_slot();
    for (std::size_t index = 1; index < parts_.history.entries().size(); ++index) // 0: the update itself
    {
        HistoryEntry entry = parts_.history.entries()[index];
        if (entry.target == target.configuration().name && entry.slot == slot && entry.restart_pending)
        {
            entry.restart_pending = false;
            entry.result = UpdateResult::released;
            entry.code = ReasonCode::aborted;
            entry.text = "programmed, but given up for another update before its restart";
            parts_.history.update(index, entry);
        }
    }
    return slot;
}

CompletionCode Trials::confirm(Target& target, protocol::Confirmation confirmation, const std::string& who,
                               TimePoint now)
{
    const auto place = std::ranges::find(trials_, &target, &Trial::target);
    if (place == trials_.end() || !place->probation)
    {
        return CompletionCode::not_supported_in_present_state;
    }
    if (place->ending)
    {
        return CompletionCode::node_busy;
    }
    place->probation->on_client(confirmation, who);
    pursue(*place, now);
    const bool failed =
        !place->ending && place->probation && place->probation->deadline() == std::nullopt && !parts_.busy();
    return failed ? CompletionCode::unspecified : CompletionCode::ok;
}

std::optional<TimePoint> Trials::deadline() const
{
    std::optional<TimePoint> next;
    const auto consider = [&](const std::optional<TimePoint>& time)
    { next = time && (!next || *time < *next) ? time : next; };
    for (const Trial& trial : trials_)
    {
        consider(trial.again);
        consider(trial.probation ? trial.probation->deadline() : std::nullopt);
    }
    return next;
}

void Trials::on_deadline(TimePoint now)
{
    for (Trial& trial : trials_)
    {
        if (trial.again && now >= *trial.again)
        {
            trial.again.reset();
        }
        if (trial.probation)
        {
            trial.probation->on_deadline(now);
            if (!trial.again)
            {
                pursue(trial, now);
            }
        }
    }
}

} // namespace fwupdate::agent
