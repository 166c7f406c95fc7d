// The commands of the update session: who may, in which state, and what they change.
#include "bmc-agent/update/session.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{

using ipmi::CompletionCode;
using protocol::Event;
using protocol::ReasonCode;
using protocol::UpdateState;

UpdateSession::UpdateSession(UpdateSettings settings, UpdateParts parts)
    : settings_{std::move(settings)},
      parts_{parts},
      challenges_{parts.random},
      tenure_{settings_.lease},
      verification_{parts.checks},
      inflow_{parts.staging},
      next_purge_{settings_.started},
      trials_{parts_of_trials()}
{
    watch_drive(true);
    reset_request();
    for (Target& target : parts_.targets.all())
    {
        target.refresh_version(parts_.runner);
        expect_installed(target);
    }
    settle_former_updates();
    settle_by_versions();
}

UpdateSession::~UpdateSession()
{
    stop_fetch();
    watch_drive(false);
    drop_drive();
}

/// The way of every state-changing command: the mode is held, the caller holds it, the state allows it.
CompletionCode UpdateSession::admit(const Caller& caller, Event event, TimePoint now)
{
    const bool admitted = tenure_.admit(caller, now) && protocol::find_transition(state_, event).has_value();
    return admitted ? CompletionCode::ok : CompletionCode::not_supported_in_present_state;
}

CompletionCode UpdateSession::refuse_policy(ReasonCode code, std::string text, CompletionCode completion_code)
{
    reason_ = {code, state_, std::move(text)};
    parts_.log.event(Level::warning, "Refused", {{"reason", reason_.text}});
    return completion_code;
}

protocol::Challenge UpdateSession::issue_challenge(const Caller& caller, TimePoint now)
{
    return challenges_.issue(caller, now);
}

CompletionCode UpdateSession::enter(const Caller& caller, const protocol::Challenge& challenge, TimePoint now)
{
    if (tenure_.held() || restart_ || restarting_) // a restart that is due must not meet the next update
    {
        return CompletionCode::node_busy;
    }
    if (!challenges_.redeem(challenge, caller, now))
    {
        return CompletionCode::invalid_data_field;
    }
    tenure_.begin(caller, now);
    fire(Event::enter, now);
    parts_.log.event(Level::info, "Update mode entered",
                     {{"user", caller.user}, {"channel", std::to_string(caller.channel)}});
    return CompletionCode::ok;
}

CompletionCode UpdateSession::take_over(const Caller& caller, const protocol::TakeOverRequest& request, TimePoint now)
{
    if (!tenure_.held())
    {
        return CompletionCode::not_supported_in_present_state;
    }
    if (!challenges_.redeem(request.challenge, caller, now))
    {
        return CompletionCode::invalid_data_field;
    }
    parts_.log.event(Level::warning, "Update mode taken over",
                     {{"from", tenure_.user()}, {"by", caller.user}, {"channel", std::to_string(caller.channel)}});
    tenure_.change_owner(caller, now);
    ++tenure_number_;
    leaves_at_end_ = false; // somebody is here again
    fire(Event::take_over, now);
    const bool idle_image = state_ != UpdateState::verify && state_ != UpdateState::program;
    if (request.flags.has(protocol::take_over_discard) && idle_image &&
        protocol::find_transition(state_, Event::abort).has_value())
    {
        drop_transfer("dropped by " + (caller.user.empty() ? std::string{"the host"} : caller.user) +
                          ", who took update mode over",
                      now);
        parts_.staging.discard();
        drop_drive(); // what the former owner's host wrote
    }
    return CompletionCode::ok;
}

CompletionCode UpdateSession::exit(const Caller& caller, TimePoint now)
{
    if (!tenure_.held())
    {
        return CompletionCode::invalid_data_field;
    }
    if (!tenure_.admit(caller, now))
    {
        return CompletionCode::not_supported_in_present_state;
    }
    const Event event = exit_event();
    if (!protocol::find_transition(state_, event))
    {
        return CompletionCode::not_supported_in_present_state;
    }
    fire(event, now);
    parts_.log.event(Level::info, "Update mode left", {{"user", caller.user}});
    return CompletionCode::ok;
}

Event UpdateSession::exit_event() const
{
    const bool restarts = protocol::checks::is_ready(state_) && !to_restart().empty();
    const bool deferred = (request_.parameters & protocol::parameter_defer_restart) != 0;
    return !restarts ? Event::exit : deferred ? Event::exit_deferred : Event::exit_restart;
}

/// At the end of what nobody waits for any more.
void UpdateSession::leave_if_wanted(TimePoint now)
{
    if (leaves_at_end_ && (protocol::checks::is_ready(state_) || state_ == UpdateState::error))
    {
        fire(exit_event(), now);
        parts_.log.event(Level::info, "Update mode left, its owner had gone");
    }
}

/// A start that cannot be: a transfer that was open is closed, the reason says why.
CompletionCode UpdateSession::refuse_start(Reason reason, TimePoint now)
{
    request_ = asked_;
    if (state_ != UpdateState::idle)
    {
        fire(Event::abort, now);
    }
    return refuse_policy(reason.code, std::move(reason.text), protocol::refused_by_policy);
}

CompletionCode UpdateSession::start(const Caller& caller, TimePoint now)
{
    return open_unnamed(caller, protocol::Transport::base_stream, now);
}

/// An image of unknown size and name, which comes from its first byte to its last.
CompletionCode UpdateSession::open_unnamed(const Caller& caller, protocol::Transport transport, TimePoint now)
{
    if (const CompletionCode code = admit(caller, Event::start, now); code != CompletionCode::ok)
    {
        return code;
    }
    close_transfer();
    if (const auto begun = parts_.staging.begin_unnamed(settings_.max_image_size, own_place_of(*request_.target));
        !begun)
    {
        return refuse_start({ReasonCode::no_space, state_, begun.error().text}, now);
    }
    fire(Event::start, now);
    transport_ = transport;
    open_log_entry(caller);
    prepare(*request_.target, now);
    return CompletionCode::ok;
}

CompletionCode UpdateSession::begin_transfer(const Caller& caller, const protocol::BeginTransferRequest& request,
                                             TimePoint now)
{
    if (request.fragment_size == 0)
    {
        return CompletionCode::invalid_data_field;
    }
    if (const CompletionCode code = admit(caller, Event::start, now); code != CompletionCode::ok)
    {
        return code;
    }
    Target* target = request.target == protocol::no_target ? asked_.target : parts_.targets.find(request.target);
    if (target == nullptr)
    {
        return CompletionCode::not_present;
    }
    tenure_.extend(now);
    close_transfer();
    request_.target = target;
    request_.target_chosen = asked_.target_chosen || request.target != protocol::no_target;
    request_.size = request.size;
    request_.sha256 = request.sha256;
    request_.base_profile = false;
    if (auto obstacle = open_stream(caller, request))
    {
        return refuse_start(std::move(*obstacle), now);
    }
    fire(Event::start, now);
    transport_ = protocol::Transport::stream;
    transfer_ = new_transfer();
    open_log_entry(caller);
    parts_.log.event(Level::info, "Transfer begun",
                     {{"target", target->configuration().name},
                      {"size", std::to_string(request.size)},
                      {"sha256", to_hex(request.sha256)},
                      {"blocks", std::to_string(parts_.staging.map()->blocks())},
                      {"blocks_present", std::to_string(parts_.staging.map()->blocks_present())}});
    prepare(*target, now);
    return CompletionCode::ok;
}

/// Checks what can be known, opens staging and the receiver; gives the reason when one of them refuses.
std::optional<Reason> UpdateSession::open_stream(const Caller& caller, const protocol::BeginTransferRequest& request)
{
    const auto findings = agent::plan(parts_.checks, request_, {});
    if (const Finding* refusal = first_refusal(findings))
    {
        return Reason{refusal->code, state_, refusal->text};
    }
    const std::size_t room = caller.max_message - protocol::fragment_header_size - protocol::block_check_size;
    fragment_size_ = static_cast<std::uint16_t>(std::min<std::size_t>(request.fragment_size, room));
    const auto geometry = stream::Geometry::make(request.size, fragment_size_);
    if (!geometry)
    {
        return Reason{ReasonCode::image_too_large, state_, geometry.error().text};
    }
    const TransferName name{request_.target->configuration().name, request.size, request.sha256};
    const auto begun =
        parts_.staging.begin_named(name, request.flags.has(protocol::begin_discard), own_place_of(*request_.target));
    if (!begun)
    {
        const bool space = begun.error().kind == ErrorKind::no_space;
        return Reason{space ? ReasonCode::no_space : ReasonCode::input_output, state_, begun.error().text};
    }
    receiver_.emplace(*geometry, window_blocks, parts_.staging, caller.max_response);
    return std::nullopt;
}

/// Where the target lets an image gather, noted for the time when it is programmed.
std::optional<InPlace> UpdateSession::own_place_of(Target& target)
{
    auto place = target.handler().open_own_place();
    in_place_ = place ? &target : nullptr;
    return place;
}

/// A number that a late fragment of an older transfer does not have; never 0.
std::uint16_t UpdateSession::new_transfer()
{
    std::uint16_t number = 0;
    while (number == 0)
    {
        std::array<std::uint8_t, 2> bytes{};
        parts_.random.fill(bytes);
        number = static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
    }
    return number;
}

CompletionCode UpdateSession::write(const Caller& caller, ConstBytes data, TimePoint now)
{
    return append_to(protocol::Transport::base_stream, caller, data, now);
}

CompletionCode UpdateSession::append_to(protocol::Transport transport, const Caller& caller, ConstBytes data,
                                        TimePoint now)
{
    if (data.empty())
    {
        return CompletionCode::data_length_invalid;
    }
    if (const CompletionCode code = admit(caller, Event::write, now); code != CompletionCode::ok)
    {
        return code;
    }
    if (transport_ != transport || attached())
    {
        return CompletionCode::not_supported_in_present_state;
    }
    const auto appended = parts_.staging.append(data);
    if (!appended)
    {
        const ErrorKind kind = appended.error().kind;
        const ReasonCode code = kind == ErrorKind::out_of_range ? ReasonCode::image_too_large
                                : kind == ErrorKind::no_space   ? ReasonCode::no_space
                                                                : ReasonCode::input_output;
        fail_update({code, state_, appended.error().text}, now);
        return kind == ErrorKind::out_of_range ? CompletionCode::invalid_data_field : CompletionCode::unspecified;
    }
    fire(Event::write, now);
    return CompletionCode::ok;
}

Outcome UpdateSession::write_fragment(const Caller& caller, const protocol::WriteFragmentRequest& request,
                                      TimePoint now)
{
    if (const CompletionCode code = admit(caller, Event::write, now); code != CompletionCode::ok)
    {
        return refuse(code);
    }
    if (!order_.uri.empty())
    {
        return refuse(CompletionCode::not_supported_in_present_state);
    }
    if (!receiver_ || request.transfer != transfer_)
    {
        return refuse(protocol::unknown_transfer);
    }
    auto outcome = receiver_->on_fragment(request, caller.kind != ChannelKind::lan);
    if (!outcome)
    {
        const ErrorKind kind = outcome.error().kind;
        if (kind == ErrorKind::no_space || kind == ErrorKind::input_output)
        {
            const ReasonCode code = kind == ErrorKind::no_space ? ReasonCode::no_space : ReasonCode::input_output;
            fail_update({code, state_, outcome.error().text}, now);
        }
        return refuse(ipmi::completion_code(kind));
    }
    if (!outcome->acknowledgement)
    {
        return {{}, false};
    }
    return answer(codec::encode(outcome->acknowledgement->response(request.transfer)));
}

CompletionCode UpdateSession::complete(const Caller& caller, TimePoint now)
{
    if (const CompletionCode code = admit_while_open(caller, Event::complete, now); code != CompletionCode::ok)
    {
        return code;
    }
    if (attached())
    {
        return CompletionCode::not_supported_in_present_state;
    }
    const bool whole = parts_.staging.is_named() && parts_.staging.is_complete();
    if (!order_.uri.empty() && !whole)
    {
        return complete_by_uri(now);
    }
    if (!parts_.staging.is_complete())
    {
        const bool named = parts_.staging.is_named();
        return named ? protocol::transfer_incomplete : CompletionCode::not_supported_in_present_state;
    }
    flags_ |= protocol::flag_completed;
    fire(Event::complete, now);
    return CompletionCode::ok;
}

CompletionCode UpdateSession::abort(const Caller& caller, TimePoint now)
{
    if (const CompletionCode code = admit(caller, Event::abort, now); code != CompletionCode::ok)
    {
        return code;
    }
    drop_transfer("aborted by " + (caller.user.empty() ? std::string{"the host"} : caller.user), now);
    parts_.log.event(Level::info, "Update aborted", {{"user", caller.user}});
    return CompletionCode::ok;
}

} // namespace fwupdate::agent
