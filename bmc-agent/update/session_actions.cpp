// What the configuration wants done around an update, and the part of verification that it has: behind the checks each
// component is handed over where its target wants that, and verified by its target's action.
#include "bmc-agent/update/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace fwupdate::agent
{

using protocol::Event;
using protocol::ReasonCode;
using protocol::UpdateState;

namespace
{

bool runs(const Action* action)
{
    return action != nullptr && action->report().state == ActionState::running;
}

} // namespace

/// Once a transfer and target; what comes of it is asked for before the image is handed over.
void UpdateSession::prepare(Target& target, TimePoint now)
{
    if (std::ranges::find(prepared_, &target) != prepared_.end())
    {
        return;
    }
    prepared_.push_back(&target);
    run_action(target.preparation(), subject_of(target, nullptr), now);
    look_at_preparations(now);
}

void UpdateSession::run_action(Action* action, const ActionSubject& subject, TimePoint now)
{
    if (action != nullptr)
    {
        action->start(
            subject, [this](TimePoint then) { action_changed(then); }, now);
    }
}

ActionSubject UpdateSession::subject_of(const Target& target, const Component* component) const
{
    ActionSubject subject{.target = target.configuration().name,
                          .image = {},
                          .size = component == nullptr ? request_.size : component->image.bytes.size,
                          .sha256 = {},
                          .version = {},
                          .parameters = request_.parameters};
    if (component != nullptr)
    {
        subject.image = target.configuration().path;
        subject.sha256 = component->image.sha256;
        subject.version = component->version;
    }
    return subject;
}

void UpdateSession::action_changed(TimePoint now)
{
    if (tenure_.held())
    {
        tenure_.renew(now);
    }
    if (state_ == UpdateState::download)
    {
        look_at_preparations(now);
    }
    notify();
}

/// A transfer need not go on to its end when there is nothing prepared for it.
void UpdateSession::look_at_preparations(TimePoint now)
{
    const auto failed = std::ranges::find_if(
        prepared_, [](const Target* target)
        { return target->preparation() != nullptr && target->preparation()->report().state == ActionState::failed; });
    if (failed != prepared_.end())
    {
        (void)ended_well((*failed)->preparation(), **failed, "preparation", now);
    }
}

/// The action that runs and that the update cannot go on without; nullptr: none.
Action* UpdateSession::awaited_action() const
{
    Action* action = nullptr;
    if (state_ == UpdateState::program && acting_)
    {
        action = components_[programmed_].target->update();
    }
    else if (state_ == UpdateState::verify && verify_step_ == VerifyStep::preparing)
    {
        action = components_[vouched_].target->preparation();
    }
    else if (state_ == UpdateState::verify && verify_step_ == VerifyStep::vouching)
    {
        action = components_[vouched_].target->verification();
    }
    return runs(action) ? action : nullptr;
}

/// False: it did not, and the update has failed.
bool UpdateSession::ended_well(const Action* action, const Target& target, std::string_view what, TimePoint now)
{
    if (action == nullptr || action->report().state == ActionState::succeeded)
    {
        return true;
    }
    assert(!runs(action));
    const std::string& why = action->report().text;
    fail_update({ReasonCode::action_failed, state_,
                 std::string{what} + " of " + target.configuration().name +
                     " failed: " + (why.empty() ? "it was stopped" : why) + programmed_before()},
                now);
    return false;
}

/// Every check has passed: what there is to be programmed is known.
void UpdateSession::components_found(TimePoint now)
{
    components_ = verification_.take_components();
    if (!std::ranges::all_of(components_, [this](const Component& each) { return is_as_expected(each); }))
    {
        fail_update({ReasonCode::package_bad, state_, "the image is another one than was looked into; upload it again"},
                    now);
        return;
    }
    vouched_ = 0;
    verify_step_ = VerifyStep::preparing;
    prepare(*components_.front().target, now);
}

void UpdateSession::work_on_component(TimePoint now)
{
    Component& component = components_[vouched_];
    Target& target = *component.target;
    switch (verify_step_)
    {
    case VerifyStep::preparing:
        if (ended_well(target.preparation(), target, "preparation", now))
        {
            begin_handing_over(component, now);
        }
        return;
    case VerifyStep::handing_over:
        hand_over(component, now);
        return;
    case VerifyStep::vouching:
        if (ended_well(target.verification(), target, "verification", now))
        {
            next_component(now);
        }
        return;
    case VerifyStep::checks:
    case VerifyStep::held:
        return;
    }
}

void UpdateSession::begin_handing_over(Component& component, TimePoint now)
{
    TargetHandler& handler = component.target->handler();
    if (!handler.hands_over())
    {
        begin_vouching(component, now);
        return;
    }
    verify_step_ = VerifyStep::handing_over;
    handed_over_ = true;
    if (const auto begun = handler.begin(component.image); !begun)
    {
        fail_update({ReasonCode::program_failed, state_, begun.error().text}, now);
    }
}

void UpdateSession::hand_over(Component& component, TimePoint now)
{
    const auto finished = write_slice(component);
    if (!finished)
    {
        fail_update({ReasonCode::program_failed, state_, finished.error().text}, now);
    }
    else if (*finished)
    {
        component.image.bytes.read = nullptr; // what unpacks it needs memory
        begin_vouching(component, now);
    }
}

void UpdateSession::begin_vouching(const Component& component, TimePoint now)
{
    verify_step_ = VerifyStep::vouching;
    run_action(component.target->verification(), subject_of(*component.target, &component), now);
}

void UpdateSession::next_component(TimePoint now)
{
    ++vouched_;
    if (vouched_ < components_.size())
    {
        verify_step_ = VerifyStep::preparing;
        prepare(*components_[vouched_].target, now);
    }
    else if (holds_)
    {
        verify_step_ = VerifyStep::held;
        parts_.log.event(Level::info, "Verified, waiting for the word to program");
    }
    else
    {
        fire(Event::verified, now);
    }
}

/// What was begun for an update that will not be programmed, or has failed.
void UpdateSession::abort_actions()
{
    for (const Target* const target : prepared_)
    {
        target->abort_actions();
    }
    prepared_.clear();
    for (const Component& component : components_)
    {
        component.target->handler().cancel();
        if (handed_over_)
        {
            component.target->handler().withdraw();
        }
    }
    handed_over_ = false;
    acting_ = false;
    verify_step_ = VerifyStep::checks;
    vouched_ = 0;
}

} // namespace fwupdate::agent
