// The queries of the update session: what it tells, without changing anything but the owner's lease.
#include "bmc-agent/update/session.hpp"

#include <algorithm>

namespace fwupdate::agent
{

using protocol::IntegrityCheck;
using protocol::UpdateState;

namespace
{

std::uint16_t seconds16(std::chrono::seconds seconds)
{
    return static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds.count(), 0, 0xFFFF));
}

} // namespace

std::uint8_t UpdateSession::options() const
{
    constexpr std::uint16_t plain = protocol::parameter_no_downgrade | protocol::parameter_defer_restart;
    const std::uint8_t digest = request_.sha256 ? protocol::option_digest_check : std::uint8_t{0};
    return static_cast<std::uint8_t>((request_.parameters & plain) | digest);
}

std::uint8_t UpdateSession::target_id() const
{
    return request_.target->configuration().id;
}

/// Of all components' bytes, those that are written and read back: 0 to 1.
double UpdateSession::programmed_share() const
{
    double done = 0;
    double all = 0;
    for (std::size_t at = 0; at < components_.size(); ++at)
    {
        const auto size = static_cast<double>(components_[at].image.bytes.size);
        const TargetHandler& handler = components_[at].target->handler();
        const bool at_work = at == programmed_ && handler.total() != 0;
        all += size;
        done += at < programmed_               ? size
                : at == programmed_ && acting_ ? size * acted_share()
                : at_work ? size * static_cast<double>(handler.done()) / static_cast<double>(handler.total())
                          : 0;
    }
    return all > 0 ? done / all : 0;
}

/// What the update action has done of its work, as far as it tells; of a handler that has written the rest is known.
double UpdateSession::acted_share() const
{
    const Target& target = *components_[programmed_].target;
    const double told = target.update() == nullptr ? 0 : target.update()->report().percent.value_or(0) / 100.0;
    return target.handler().hands_over() ? told : 1;
}

std::uint64_t UpdateSession::done() const
{
    switch (state_)
    {
    case UpdateState::download:
        return parts_.staging.received();
    case UpdateState::verify:
        return verify_step_ == VerifyStep::checks ? verification_.done() : parts_.staging.length();
    case UpdateState::program:
        return static_cast<std::uint64_t>(static_cast<double>(parts_.staging.length()) * programmed_share());
    case UpdateState::ready:
    case UpdateState::host_restart_required:
        return request_.size;
    case UpdateState::init:
    case UpdateState::idle:
    case UpdateState::error:
        break;
    }
    return 0;
}

std::uint8_t UpdateSession::percent() const
{
    if (protocol::checks::is_ready(state_))
    {
        return 100;
    }
    const bool downloading = state_ == UpdateState::download; // of a size that may be unknown
    const std::uint64_t length = downloading ? request_.size : parts_.staging.length();
    return length == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(done() * 100 / length);
}

IntegrityCheck UpdateSession::integrity() const
{
    if (integrity_result_ != IntegrityCheck::not_requested)
    {
        return integrity_result_;
    }
    return request_.sha256 ? IntegrityCheck::requested : IntegrityCheck::not_requested;
}

protocol::GetUpdateStatusResponse UpdateSession::status() const
{
    return {state_, percent(), integrity()};
}

protocol::GetUpdateSessionResponse UpdateSession::describe(const Caller& caller, TimePoint now) const
{
    std::uint8_t flags = parts_.history.restart_pending() ? protocol::session_restart_pending : std::uint8_t{0};
    const auto add = [&](bool present, std::uint8_t bit)
    { flags = static_cast<std::uint8_t>(flags | (present ? bit : 0)); };
    add(tenure_.held(), protocol::session_in_mode);
    add(tenure_.is_owner(caller), protocol::session_yours);
    add(tenure_.is_same_user(caller), protocol::session_same_user);
    add(tenure_.is_owner_alive(), protocol::session_holder_alive);
    add(parts_.staging.is_named(), protocol::session_named);
    add(awaited_action() != nullptr, protocol::session_acting);
    const bool transfer = transport_ != protocol::Transport::none;
    return {.state = state_,
            .percent = percent(),
            .integrity = integrity(),
            .flags = {flags},
            .transport = transport_,
            .target = tenure_.held() ? target_id() : protocol::no_target,
            .transfer = transfer_,
            .size = transfer ? request_.size : 0,
            .received = parts_.staging.is_open() ? parts_.staging.received()
                        : transfer               ? request_.size
                                                 : 0,
            .done = done(),
            .lease_remaining = seconds16(tenure_.remaining(now)),
            .idle = seconds16(tenure_.idle(now)),
            .holder_channel = tenure_.channel(),
            .holder = {tenure_.user()}};
}

protocol::BeginTransferResponse UpdateSession::transfer() const
{
    const auto& map = parts_.staging.map();
    return {.transfer = transfer_,
            .target = target_id(),
            .fragment_size = fragment_size_,
            .blocks = map ? map->blocks() : 0,
            .blocks_present = map ? map->blocks_present() : 0};
}

std::vector<Finding> UpdateSession::plan(const UpdateRequest& request, ConstBytes header) const
{
    return agent::plan(parts_.checks, request, header);
}

std::vector<Finding> UpdateSession::find_circumstances(const Caller& caller, const Target& target,
                                                       std::uint64_t size) const
{
    std::vector<Finding> findings;
    const bool in_place = target.handler().has_own_place(); // needs no room in staging
    const auto space = in_place ? Result<void>{} : parts_.staging.require_space(size);
    findings.push_back(space ? Finding{"space", protocol::ReasonCode::none,
                                       in_place ? "the image gathers where it is for" : "enough to stage the image"}
                             : Finding{"space", protocol::ReasonCode::no_space, space.error().text});
    if (!tenure_.held() || tenure_.is_owner(caller))
    {
        findings.push_back({"lock", protocol::ReasonCode::none, "update mode is free"});
        return findings;
    }
    findings.push_back(
        {"lock", protocol::ReasonCode::mode_held,
         "update mode is held by " + holder().value_or("nobody") + "; wait, or take it over with force"});
    return findings;
}

std::optional<std::string> UpdateSession::holder() const
{
    if (tenure_.held())
    {
        return (tenure_.user().empty() ? std::string{"the host"} : tenure_.user()) + " on channel " +
               std::to_string(tenure_.channel());
    }
    return restart_ || restarting_ ? std::optional<std::string>{"a restart that is due"} : std::nullopt;
}

} // namespace fwupdate::agent
