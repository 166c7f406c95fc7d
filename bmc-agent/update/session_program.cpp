// Programming: one component after the other, each with its own entry in the log.
#include "bmc-agent/update/session.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{

using protocol::Event;
using protocol::ReasonCode;
using protocol::Restart;
using protocol::UpdateResult;

void UpdateSession::start_program(TimePoint now)
{
    programmed_ = 0;
    program_component(now);
}

void UpdateSession::program_component(TimePoint now)
{
    const Component& component = components_[programmed_];
    Target& target = *component.target;
    parts_.log.event(Level::info, "Verified, programming begins",
                     {{"target", target.configuration().name}, {"version", component.version}});
    request_.target = &target; // whatever it is that fails or restarts: this one
    entry_->target = target.configuration().name;
    entry_->phase = state_; // if the agent does not live to see the end, the next one compares
    entry_->sha256 = *verified_;
    entry_->content_sha256 = component.image.sha256;
    entry_->content_size = component.image.bytes.size;
    entry_->version = component.version;
    entry_->security_version = component.security_version;
    entry_->parts = component.name.empty() ? 0 : static_cast<std::uint32_t>(components_.size());
    entry_->whole = !request_.target_chosen;
    entry_->size = request_.size;
    entry_->slot.clear(); // the one of the part before
    if (programmed_ == 0)
    {
        parts_.history.update(*entry_); // begun with the transfer
    }
    else
    {
        parts_.history.begin(*entry_);
    }
    acting_ = false;
    if (target.handler().hands_over())
    {
        component_written(now); // it was, while it was verified
    }
    else if (const auto begun = begin_component(components_[programmed_]); !begun)
    {
        entry_->content_size = 0; // nothing was written
        fail_update({ReasonCode::program_failed, state_, begun.error().text + programmed_before()}, now);
    }
    else if (!target.handler().replaces_at_once())
    {
        target.installed().expect(std::nullopt);
    }
}

/// An image that lies in its place already must be all that came: who is written to cannot be read from.
Result<void> UpdateSession::begin_component(Component& component)
{
    TargetHandler& handler = component.target->handler();
    if (component.target != in_place_)
    {
        return handler.begin(component.image);
    }
    if (!component.name.empty())
    {
        return fail(ErrorKind::unsupported, "a package cannot be unpacked where it has gathered; send " +
                                                component.target->configuration().name + " a plain image");
    }
    return handler.begin_in_place(component.image);
}

/// What a person must know of a target that is not replaced at once, when writing it ended in the middle.
std::string UpdateSession::wreck_of(const Target& target)
{
    return !target.handler().holds_neither() ? "" : "; " + target.configuration().name + holds_neither_now;
}

/// What a person must know when a later part of a package fails.
std::string UpdateSession::programmed_before() const
{
    return programmed_ == 0 ? ""
                            : "; " + std::to_string(programmed_) + " of the package's " +
                                  std::to_string(components_.size()) + " parts programmed before";
}

/// True: the component is in place.
Result<bool> UpdateSession::write_slice(Component& component)
{
    TargetHandler& handler = component.target->handler();
    if (!component.image.approach)
    {
        return handler.step();
    }
    const auto there = component.image.approach();
    if (!there)
    {
        handler.cancel();
        return there.error();
    }
    if (*there)
    {
        component.image.approach = nullptr;
    }
    return false;
}

void UpdateSession::work_on_programming(TimePoint now)
{
    tenure_.renew(now);
    Component& component = components_[programmed_];
    if (acting_)
    {
        if (ended_well(component.target->update(), *component.target, "update", now))
        {
            component_programmed(now);
        }
        return;
    }
    const auto finished = write_slice(component);
    if (!finished)
    {
        const bool integrity = finished.error().kind == ErrorKind::integrity;
        fail_update({integrity ? ReasonCode::read_back_mismatch : ReasonCode::program_failed, state_,
                     finished.error().text + wreck_of(*component.target) + programmed_before()},
                    now);
        return;
    }
    note_slot();
    if (*finished)
    {
        component_written(now);
    }
}

/// The bytes are in their place; what the configuration wants done with them follows.
void UpdateSession::component_written(TimePoint now)
{
    Component& component = components_[programmed_];
    component.image.bytes.read = nullptr; // what unpacks it needs memory
    acting_ = true;
    run_action(component.target->update(), subject_of(*component.target, &component), now);
}

void UpdateSession::component_programmed(TimePoint now)
{
    acting_ = false;
    ++programmed_;
    if (programmed_ < components_.size())
    {
        const HistoryEntry next = *entry_; // each component has its own
        finish_component();
        entry_ = next;
        program_component(now);
        return;
    }
    const bool host = std::ranges::any_of(components_, [](const Component& component)
                                          { return component.target->configuration().restart.what == Restart::host; });
    fire(host ? Event::programmed_host : Event::programmed, now);
    leave_if_wanted(now);
}

void UpdateSession::finish()
{
    handed_over_ = false; // where an image was, it stays for the restart
    forget_images();
    drop_staged(); // before the entry is written: the log may need the space
    finish_component();
}

void UpdateSession::finish_component()
{
    Target& target = *request_.target;
    const bool restarts = target.configuration().restart.what != Restart::nothing;
    entry_->restart_pending = restarts;
    const HistoryEntry entry = *entry_;
    close_log_entry(UpdateResult::programmed, {ReasonCode::none, state_, "programmed and read back"});
    expect_installed(target);
    if (!restarts)
    {
        target.refresh_version(parts_.runner);
        raise_floor(entry);
    }
    parts_.log.event(Level::info, "Programmed, ready",
                     {{"target", target.configuration().name}, {"sha256", to_hex(entry.content_sha256)}});
    if (const std::string remark = target.handler().remark(); !remark.empty())
    {
        parts_.log.event(Level::info, "How it was written",
                         {{"target", target.configuration().name}, {"remark", remark}});
    }
}

/// A host's restart is not observed: what tells that it runs an update is its version. Asked before an update is
/// judged.
void UpdateSession::raise_host_floors()
{
    for (Target& target : parts_.targets.all())
    {
        if (!target.configuration().anti_rollback || target.configuration().restart.what != Restart::host)
        {
            continue;
        }
        const auto& entries = parts_.history.entries();
        const auto runs = std::ranges::find_if(entries,
                                               [&](const HistoryEntry& entry)
                                               {
                                                   return entry.target == target.configuration().name &&
                                                          entry.result == UpdateResult::programmed &&
                                                          !entry.version.empty() && entry.version == target.version();
                                               });
        if (runs != entries.end())
        {
            raise_floor(*runs);
        }
    }
}

/// What runs and has proved itself is the least from now on, where the configuration says so.
void UpdateSession::raise_floor(const HistoryEntry& entry)
{
    const Target* const target = parts_.targets.find(entry.target);
    if (target == nullptr || !target->configuration().anti_rollback)
    {
        return;
    }
    if (const auto raised = parts_.floors.raise(entry.target, {entry.version, entry.security_version}); !raised)
    {
        parts_.log.event(Level::error, "The anti-rollback floor was not raised",
                         {{"target", entry.target}, {"reason", raised.error().text}});
    }
}

/// The staged image has served; with the debug parameter its bytes stay for people to look at.
void UpdateSession::drop_staged()
{
    if ((request_.parameters & protocol::parameter_debug) != 0)
    {
        parts_.staging.set_aside();
    }
    else
    {
        parts_.staging.discard();
    }
}

} // namespace fwupdate::agent
