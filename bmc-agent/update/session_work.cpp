// What happens by itself: the actions of the state table, the slices of verification, the lease.
#include "bmc-agent/update/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace fwupdate::agent
{

using protocol::Action;
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

void UpdateSession::act(Action action, TimePoint now)
{
    switch (action)
    {
    case Action::none:
    case Action::change_owner:
    case Action::apply_options:
    case Action::accept_data:
    case Action::record_uri:
    case Action::attach_drive:
    case Action::detach_drive:
    case Action::report_error:
        return; // the command or event itself has done it
    case Action::start_fetch:
        start_fetch();
        return;
    case Action::open_mode:
        reset_request();
        return;
    case Action::open_transfer:
        flags_ = protocol::flag_started;
        integrity_result_ = IntegrityCheck::not_requested;
        verified_.reset();
        components_.clear();
        programmed_ = 0;
        reason_ = {};
        return;
    case Action::start_verify:
        receiver_.reset();
        request_.size = parts_.staging.length();
        raise_host_floors();
        verification_.begin(request_, parts_.staging);
        return;
    case Action::start_program:
        start_program(now);
        return;
    case Action::finish:
        finish();
        return;
    case Action::close_transfer:
        close_transfer();
        return;
    case Action::leave:
        leave();
        return;
    case Action::leave_restart:
        schedule_restart(now);
        leave();
        return;
    case Action::leave_pending:
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
    forget_images();
    parts_.staging.close();
    fire(Event::failed, now);
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

std::optional<TimePoint> UpdateSession::deadline() const
{
    std::optional<TimePoint> next = next_purge_;
    const bool lease_runs = tenure_.held() && protocol::find_transition(state_, Event::lease_expired);
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
    if (restart_ && now >= restart_->due)
    {
        run_restart();
    }
    if (tenure_.expired(now) && protocol::find_transition(state_, Event::lease_expired))
    {
        parts_.log.event(Level::warning, "The lease of update mode ended", {{"user", tenure_.user()}});
        if (entry_)
        {
            reason_ = {ReasonCode::lease_expired, state_,
                       "no command from " + (tenure_.user().empty() ? "the host" : tenure_.user()) + " for " +
                           std::to_string(tenure_.lease().count()) + " s"};
        }
        fire(Event::lease_expired, now);
    }
    trials_.on_deadline(now);
    if (now >= next_purge_)
    {
        parts_.staging.purge(now, settings_.retention);
        parts_.history.save_again();
        next_purge_ = now + purge_interval;
    }
}

Target* UpdateSession::target_with_work() const
{
    const auto place =
        std::ranges::find_if(parts_.targets.all(), [](Target& target) { return target.installed().wants_work(); });
    return place == parts_.targets.all().end() ? nullptr : &*place;
}

/// False while the handler waits for something.
bool UpdateSession::can_program() const
{
    return state_ == UpdateState::program &&
           (components_[programmed_].image.approach || components_[programmed_].target->handler().wants_step());
}

bool UpdateSession::wants_work() const
{
    return trials_.has_news() || state_ == UpdateState::verify || can_program() || parts_.staging.can_hash() ||
           target_with_work() != nullptr;
}

void UpdateSession::work(TimePoint now)
{
    if (trials_.has_news())
    {
        look_at_slots(now);
    }
    else if (can_program())
    {
        work_on_programming(now);
    }
    else if (parts_.staging.can_hash())
    {
        work_on_digest(now);
    }
    else if (state_ == UpdateState::verify)
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
        fire(Event::verified, now);
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
