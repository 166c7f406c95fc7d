#include "ipmitool-plugin/client/lease.hpp"

#include <algorithm>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::uint16_t abandoned_after = 5; ///< seconds of silence of a holder that is the same user
constexpr int race_tries = 4;
constexpr std::chrono::seconds restart_due_limit = 10s; ///< for a BMC that admits nobody because it is to restart
constexpr std::chrono::seconds renewal_period = 1s;     ///< at most a third of any lease that makes sense
constexpr Patience single_question{1, 2};

Attempt<protocol::Challenge> get_challenge(const Context& context)
{
    const auto answer = demand<protocol::GetRandomNumberResponse>(context, Command::get_random_number);
    if (!answer)
    {
        return answer.error();
    }
    return answer->message.challenge;
}

Attempt<Session> get_session(const Context& context)
{
    auto answer = demand<Session>(context, Command::get_update_session);
    if (!answer)
    {
        return answer.error();
    }
    return std::move(answer->message);
}

Attempt<Session> take_over(const Context& context, std::uint8_t flags = 0)
{
    const auto challenge = get_challenge(context);
    if (!challenge)
    {
        return challenge.error();
    }
    const auto taken =
        demand<protocol::EmptyResponse>(context, Command::take_over, protocol::TakeOverRequest{*challenge, {flags}});
    if (!taken)
    {
        return taken.error();
    }
    return get_session(context);
}

Outcome held_outcome(const Session& session)
{
    const std::string position = position_text(session);
    return {ExitCode::refused, "update mode is held by " + holder_text(session) +
                                   (position.empty() ? "" : "; the update is " + position) +
                                   ". Wait until it ends, or take it over with 'force'"};
}

/// Whether a live session of the same user stays silent: it was killed, or its network broke.
Attempt<bool> falls_silent(const Context& context, Session& session)
{
    for (int second = 0; second <= abandoned_after && session.idle <= abandoned_after; ++second)
    {
        if (second == 0)
        {
            context.reporter.notice("update mode is held by " + holder_text(session) + "; looking whether it is alive");
        }
        if (!pause(context, 1s))
        {
            return interrupted_outcome();
        }
        auto fresh = get_session(context);
        if (!fresh)
        {
            return fresh.error();
        }
        const bool active = fresh->idle < session.idle;
        session = std::move(*fresh);
        if (active)
        {
            return false;
        }
    }
    return session.idle > abandoned_after;
}

/// For a mode that somebody else's session holds.
Attempt<Session> claim_from_holder(const Context& context, Session session, Claim claim)
{
    if (context.keywords.force && claim == Claim::fresh)
    {
        context.reporter.notice("taking update mode over from " + holder_text(session));
        return take_over(context);
    }
    if (!session.flags.has(protocol::session_same_user))
    {
        return held_outcome(session);
    }
    const auto silent = falls_silent(context, session);
    if (!silent)
    {
        return silent.error();
    }
    if (!*silent)
    {
        // It ended while we looked: the mode is free, or somebody else's.
        return session.flags.has(protocol::session_in_mode) ? held_outcome(session) : acquire(context, claim);
    }
    context.reporter.notice("taking over from an earlier session of the same user that fell silent");
    return take_over(context);
}

} // namespace

std::string position_text(const Session& session)
{
    if (session.state == protocol::UpdateState::init || session.state == protocol::UpdateState::idle)
    {
        return {};
    }
    const bool moves = session.state == protocol::UpdateState::download ||
                       session.state == protocol::UpdateState::verify ||
                       session.state == protocol::UpdateState::program;
    return "at '" + name_of(session.state) + "'" +
           (moves ? ", " + std::to_string(std::min<unsigned>(session.percent, 100)) + " %" : "");
}

std::string holder_text(const Session& session)
{
    const std::string user =
        session.holder.value.empty() ? "the system interface" : "user '" + printable(session.holder.value) + "'";
    return user + " on channel " + std::to_string(session.holder_channel) + ", silent for " +
           std::to_string(session.idle) + " s, for another " + std::to_string(session.lease_remaining) + " s";
}

Attempt<ipmi::CompletionCode> enter_update_mode(const Context& context)
{
    const auto challenge = get_challenge(context);
    if (!challenge)
    {
        return challenge.error();
    }
    const auto entered =
        ask<protocol::EmptyResponse>(context, Command::enter_update_mode, protocol::EnterUpdateModeRequest{*challenge});
    if (!entered)
    {
        return entered.error();
    }
    return entered->code;
}

Attempt<ipmi::CompletionCode> enter_when_free(const Context& context)
{
    const TimePoint give_up = context.environment.now() + restart_due_limit;
    while (true)
    {
        auto code = enter_update_mode(context);
        if (!code || *code != ipmi::CompletionCode::node_busy || context.environment.now() >= give_up)
        {
            return code;
        }
        const auto session = get_session(context);
        if (!session || session->flags.has(protocol::session_in_mode))
        {
            return session ? std::move(code) : session.error();
        }
        if (!pause(context, 1s))
        {
            return interrupted_outcome();
        }
    }
}

Attempt<Session> acquire(const Context& context, Claim claim)
{
    const TimePoint give_up = context.environment.now() + restart_due_limit;
    for (int round = 0; round < race_tries && context.environment.now() < give_up; ++round)
    {
        auto session = get_session(context);
        if (!session)
        {
            return session.error();
        }
        if (session->flags.has(protocol::session_in_mode))
        {
            const bool ours =
                session->flags.has(protocol::session_yours) || (session->flags.has(protocol::session_same_user) &&
                                                                !session->flags.has(protocol::session_holder_alive));
            return ours ? std::move(session) : claim_from_holder(context, std::move(*session), claim);
        }
        const auto code = enter_when_free(context);
        if (!code)
        {
            return code.error();
        }
        // C0h: somebody was quicker; CCh: the number was used up by a repeated request whose answer was lost.
        if (*code != ipmi::CompletionCode::ok && *code != ipmi::CompletionCode::node_busy &&
            *code != ipmi::CompletionCode::invalid_data_field)
        {
            return refused_outcome(context, Command::enter_update_mode, *code);
        }
    }
    return refused_outcome(context, Command::enter_update_mode, ipmi::CompletionCode::node_busy);
}

Attempt<void> discard_staged(const Context& context)
{
    const auto session = take_over(context, protocol::take_over_discard);
    return session ? Attempt<void>{} : session.error();
}

std::optional<Outcome> taken_over(const Context& context, std::uint16_t transfer)
{
    const auto answer = context.bmc.call<Session>(Command::get_update_session);
    if (!answer || !answer->ok() || !answer->message.flags.has(protocol::session_in_mode))
    {
        return std::nullopt;
    }
    const Session& session = answer->message;
    const bool theirs =
        session.flags.has(protocol::session_holder_alive) && !session.flags.has(protocol::session_yours);
    // The host's programs share one owner: there only the transfer tells them apart.
    const bool other_transfer = transfer != 0 && session.transfer != 0 && session.transfer != transfer;
    if (!theirs && !other_transfer)
    {
        return std::nullopt;
    }
    return Outcome{ExitCode::refused, "update mode was taken over by " + holder_text(session) + ": this one ends"};
}

bool LeaseKeeper::keep()
{
    return context_.environment.now() - asked_ < renewal_period ? ours_ : ask();
}

bool LeaseKeeper::ask()
{
    const auto session =
        context_.bmc.call<Session>(Command::get_update_session, protocol::EmptyRequest{}, single_question);
    asked_ = context_.environment.now();
    if (session && session->ok())
    {
        const auto& flags = session->message.flags;
        ours_ = flags.has(protocol::session_in_mode) && flags.has(protocol::session_yours);
    }
    return ours_;
}

} // namespace fwupdate::client
