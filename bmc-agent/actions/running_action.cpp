#include "bmc-agent/actions/running_action.hpp"

#include <utility>

namespace fwupdate::agent
{

RunningAction::RunningAction(const ActionParts& parts) : timer_{*parts.context}, patience_{parts.patience} {}

void RunningAction::start(const ActionSubject& subject, Changed changed, TimePoint /*now*/)
{
    abort();
    changed_ = std::move(changed);
    report_ = {.state = ActionState::running, .percent = std::nullopt, .text = {}};
    run_ = std::make_shared<char>();
    starting_ = true;
    be_patient();
    launch(subject);
    starting_ = false;
}

void RunningAction::abort() noexcept
{
    const bool was_running = running();
    run_.reset();
    timer_.cancel();
    changed_ = nullptr;
    report_ = {};
    if (was_running)
    {
        halt();
    }
}

void RunningAction::be_patient()
{
    timer_.expires_after(patience_);
    timer_.async_wait(
        [this, run = run()](boost::system::error_code stopped)
        {
            if (!stopped && !run.expired())
            {
                fail("nothing moved for " + std::to_string(patience_.count()) + " s, so it was given up; " +
                     where_to_look());
            }
        });
}

void RunningAction::succeed()
{
    end(ActionState::succeeded, {});
}

void RunningAction::fail(std::string text)
{
    end(ActionState::failed, std::move(text));
}

void RunningAction::tell_percent(std::uint8_t percent)
{
    if (report_.percent != percent)
    {
        report_.percent = percent;
        be_patient();
        tell();
    }
}

void RunningAction::end(ActionState state, std::string text)
{
    run_.reset();
    timer_.cancel();
    halt();
    report_.state = state;
    report_.text = std::move(text);
    tell();
}

void RunningAction::tell()
{
    if (!starting_ && changed_)
    {
        const Changed changed = changed_; // it may start us anew, or destroy us
        changed(Clock::now());
    }
}

} // namespace fwupdate::agent
