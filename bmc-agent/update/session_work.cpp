// What happens by itself: the actions of the state table, the slices of verification, the lease.
#include "bmc-agent/update/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace fwupdate::agent
{

using protocol::Event;
using protocol::IntegrityCheck;
using protocol::ReasonCode;
using protocol::UpdateResult;
using protocol::UpdateState;

namespace
{

/// Whether the same bytes may be good with a signature beside them, or with other parameters: then they need not be
/// sent again.
bool may_be_taken_yet(ReasonCode code)
{
    return code == ReasonCode::signature_required || code == ReasonCode::downgrade_refused ||
           code == ReasonCode::version_unknown || code == ReasonCode::wrong_machine ||
           code == ReasonCode::target_unknown || code == ReasonCode::not_confirmed;
}

constexpr Duration purge_interval = std::chrono::minutes{1};

} // namespace

void Reason::fit()
{
    text.resize(std::min(text.size(), protocol::largest_response));
}

void UpdateSession::fire(Event event, TimePoint now)
{
    const auto row = protocol::find_transition(state_, event);
    assert(row); // callers ask find_transition first
    const UpdateState former = state_;
    state_ = row->to;
    act(row->action, now);
    if (state_ != former)
    {
        parts_.log.event(Level::debug, "State changed",
                         {{"from", std::to_string(static_cast<unsigned>(former))},
                          {"to", std::to_string(static_cast<unsigned>(state_))}});
    }
}

void UpdateSession::act(protocol::Action action, TimePoint now)
{
    switch (action)
    {
    case protocol::Action::none:
    case protocol::Action::change_owner:
    case protocol::Action::apply_options:
    case protocol::Action::accept_data:
    case protocol::Action::record_uri:
    case protocol::Action::attach_drive:
    case protocol::Action::detach_drive:
    case protocol::Action::report_error:
        return; // the command or event itself has done it
    case protocol::Action::start_fetch:
        start_fetch();
        return;
    case protocol::Action::open_mode:
        ++tenure_number_;
        reset_request();
        return;
    case protocol::Action::open_transfer:
        flags_ = protocol::flag_started;
        holds_ = false;
        integrity_result_ = IntegrityCheck::not_requested;
        verified_.reset();
        components_.clear();
        programmed_ = 0;
        reason_ = {};
        return;
    case protocol::Action::start_verify:
        receiver_.reset();
        request_.size = parts_.staging.length();
        raise_host_floors();
        verification_.begin(request_, parts_.staging);
        return;
    case protocol::Action::start_program:
        start_program(now);
        return;
    case protocol::Action::finish:
        finish();
        return;
    case protocol::Action::close_transfer:
        close_transfer();
        return;
    case protocol::Action::leave:
        leave();
        return;
    case protocol::Action::leave_restart:
        schedule_restart(now);
        leave();
        return;
    case protocol::Action::leave_pending:
        parts_.log.event(Level::info, "The update waits for a restart",
                         {{"target", request_.target->configuration().name}});
        leave();
        return;
    }
}

void UpdateSession::reset_request()
{
    request_ = {};
    request_.target = parts_.targets.find(parts_.targets.default_id());
    request_.base_profile = true;
    asked_ = request_;
    reason_ = {};
    flags_ = 0;
    integrity_result_ = IntegrityCheck::not_requested;
    transport_ = protocol::Transport::none;
    transfer_ = 0;
    order_ = {};
    expected_size_ = 0;
    signature_size_ = 0;
    signature_ = {};
}

/// A named image stays on the disk; what the drive holds stays too, so that another name on it can be tried.
void UpdateSession::close_transfer()
{
    stop_fetch();
    order_.uri.clear();
    plug_out();
    if (entry_)
    {
        close_log_entry(UpdateResult::released, {ReasonCode::aborted, state_, "given up for another transfer"});
    }
    abort_actions();
    request_.target->handler().cancel();
    request_ = asked_;
    receiver_.reset();
    verification_.abandon();
    transfer_ = 0;
    transport_ = protocol::Transport::none;
    parts_.staging.close();
}

/// The end of a transfer that somebody does not want any more.
void UpdateSession::drop_transfer(std::string why, TimePoint now)
{
    if (entry_)
    {
        reason_ = {ReasonCode::aborted, state_, std::move(why)};
        close_log_entry(UpdateResult::released, reason_);
    }
    fire(Event::abort, now);
    flags_ = protocol::flag_aborted;
}

void UpdateSession::leave()
{
    if (entry_)
    {
        const Reason reason = reason_.code != ReasonCode::none
                                  ? reason_
                                  : Reason{ReasonCode::aborted, state_, "left before it was complete"};
        close_log_entry(UpdateResult::released, reason);
    }
    close_transfer();
    drop_drive();
    tenure_.end();
    ++tenure_number_;
    leaves_at_end_ = false;
    const Reason kept = std::exchange(reason_, {}); // still told after the mode is left
    reset_request();
    reason_ = kept;
}

void UpdateSession::fail_update(Reason reason, TimePoint now)
{
    reason.fit();
    parts_.log.event(Level::error, "The update failed",
                     {{"target", request_.target->configuration().name}, {"reason", reason.text}});
    reason_ = std::move(reason);
    close_log_entry(UpdateResult::failed, reason_);
    receiver_.reset();
    stop_fetch();
    plug_out();
    order_.uri.clear();
    abort_actions();
    forget_images();
    parts_.staging.close();
    fire(Event::failed, now);
    leave_if_wanted(now);
}

/// What reads the staged image goes before it does; which targets it was for stays known.
void UpdateSession::forget_images()
{
    verification_.abandon();
    for (Component& component : components_)
    {
        component.image = {};
    }
}

void UpdateSession::open_log_entry(const Caller& caller)
{
    entry_ = HistoryEntry{.result = UpdateResult::in_progress,
                          .target = request_.target->configuration().name,
                          .transport = transport_,
                          .code = ReasonCode::none,
                          .phase = state_,
                          .started = settings_.wall_clock(),
                          .duration = 0,
                          .size = request_.size,
                          .sha256 = request_.sha256.value_or(Sha256{}),
                          .content_sha256 = {},
                          .content_size = 0,
                          .version = {},
                          .security_version = 0,
                          .parts = 0,
                          .whole = false,
                          .user = caller.user,
                          .text = {},
                          .restart_pending = false,
                          .boot_id = to_hex(settings_.boot_id)};
    parts_.history.begin(*entry_);
}

void UpdateSession::close_log_entry(UpdateResult result, const Reason& reason)
{
    if (!entry_)
    {
        return;
    }
    entry_->result = result;
    entry_->code = reason.code;
    entry_->phase = reason.phase;
    entry_->text = reason.text;
    entry_->size = request_.size;
    entry_->sha256 = verified_ ? *verified_ : request_.sha256.value_or(Sha256{});
    const std::uint64_t clock = settings_.wall_clock();
    entry_->duration = static_cast<std::uint32_t>(clock > entry_->started ? clock - entry_->started : 0);
    parts_.history.update(*entry_);
    entry_.reset();
}

void UpdateSession::session_closed(std::uint8_t channel, std::uint32_t session, TimePoint now)
{
    tenure_.session_closed(channel, session);
    if (restart_ && restart_->channel == channel && restart_->session == session)
    {
        restart_->due = now; // at the next deadline: the response to Close Session goes out first
    }
    notify();
}

Event UpdateSession::lease_event() const
{
    return is_held_back() ? Event::held_lease_expired : Event::lease_expired;
}

std::optional<TimePoint> UpdateSession::deadline() const
{
    std::optional<TimePoint> next = next_purge_;
    const bool lease_runs = tenure_.held() && protocol::find_transition(state_, lease_event());
    if (lease_runs)
    {
        next = std::min(*next, tenure_.expires());
    }
    if (restart_)
    {
        next = std::min(*next, restart_->due);
    }
    next = std::min(*next, trials_.deadline().value_or(*next));
    return next;
}

void UpdateSession::on_deadline(TimePoint now)
{
    if (restart_ && now >= restart_->due && restarts_held_ && restarts_held_())
    {
        // It would be refused; but what holds it for ever is no reason never to try.
        restart_->last_try = restart_->last_try.value_or(now + longest_hold);
        restart_->due = now < *restart_->last_try ? now + held_interval : now;
    }
    if (restart_ && now >= restart_->due)
    {
        run_restart(now);
    }
    if (tenure_.expired(now) && protocol::find_transition(state_, lease_event()))
    {
        parts_.log.event(Level::warning, "The lease of update mode ended", {{"user", tenure_.user()}});
        if (entry_)
        {
            reason_ = {ReasonCode::lease_expired, state_,
                       "no command from " + (tenure_.user().empty() ? "the host" : tenure_.user()) + " for " +
                           std::to_string(tenure_.lease().count()) + " s"};
        }
        fire(lease_event(), now);
    }
    trials_.on_deadline(now);
    if (now >= next_purge_)
    {
        parts_.staging.purge(now, settings_.retention);
        parts_.history.save_again();
        settle_by_versions();
        next_purge_ = now + purge_interval;
    }
}

Target* UpdateSession::target_with_work() const
{
    const auto place =
        std::ranges::find_if(parts_.targets.all(), [](Target& target) { return target.installed().wants_work(); });
    return place == parts_.targets.all().end() ? nullptr : &*place;
}

bool UpdateSession::wants_work() const
{
    return trials_.has_news() || wants_update_work() || parts_.staging.can_hash() || target_with_work() != nullptr;
}

/// Whether verification or programming can go on now: it waits for actions, handlers that wait, and people.
bool UpdateSession::wants_update_work() const
{
    if (awaited_action() != nullptr)
    {
        return false;
    }
    if (state_ == UpdateState::program)
    {
        const Component& component = components_[programmed_];
        return acting_ || component.image.approach || component.target->handler().wants_step();
    }
    const bool handing_over = verify_step_ == VerifyStep::handing_over;
    return state_ == UpdateState::verify && verify_step_ != VerifyStep::held &&
           (!handing_over || components_[vouched_].target->handler().wants_step());
}

void UpdateSession::work(TimePoint now)
{
    const bool wanted = wants_update_work();
    if (trials_.has_news())
    {
        look_at_slots(now);
    }
    else if (wanted && state_ == UpdateState::program)
    {
        work_on_programming(now);
    }
    else if (parts_.staging.can_hash())
    {
        work_on_digest(now);
    }
    else if (wanted)
    {
        work_on_verification(now);
    }
    else if (Target* target = target_with_work())
    {
        target->installed().work();
        if (!target->installed().wants_work())
        {
            settle_installed(*target);
        }
    }
}

void UpdateSession::work_on_digest(TimePoint now)
{
    const auto hashed = parts_.staging.hash_next();
    if (state_ == UpdateState::verify)
    {
        tenure_.renew(now);
    }
    if (hashed)
    {
        return;
    }
    if (state_ == UpdateState::verify)
    {
        fail_update({ReasonCode::staged_damaged, state_, hashed.error().text}, now);
        return;
    }
    if (receiver_)
    {
        receiver_->reopen(static_cast<std::uint32_t>(parts_.staging.hashed() / protocol::block_size));
    }
    parts_.log.event(Level::warning, "A staged block is damaged", {{"reason", hashed.error().text}});
}

void UpdateSession::work_on_verification(TimePoint now)
{
    tenure_.renew(now);
    if (verify_step_ == VerifyStep::checks)
    {
        work_on_checks(now);
    }
    else
    {
        work_on_component(now);
    }
}

void UpdateSession::work_on_checks(TimePoint now)
{
    if (!verification_.step())
    {
        return;
    }
    const Finding* refusal = first_refusal(verification_.report());
    const bool digest_bad = refusal != nullptr && refusal->code == ReasonCode::digest_mismatch;
    if (request_.sha256)
    {
        integrity_result_ = digest_bad ? IntegrityCheck::failed : IntegrityCheck::good;
    }
    if (refusal == nullptr)
    {
        verified_ = parts_.staging.digest();
        components_found(now);
        return;
    }
    forget_images();
    if (!may_be_taken_yet(refusal->code))
    {
        drop_staged();
    }
    fail_update({refusal->code, state_, std::string{refusal->check} + ": " + refusal->text}, now);
}

} // namespace fwupdate::agent
