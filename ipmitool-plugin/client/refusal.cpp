#include "ipmitool-plugin/client/refusal.hpp"

#include "ipmitool-plugin/client/lease.hpp"

namespace fwupdate::client
{
namespace
{

using ipmi::CompletionCode;
using protocol::Command;
using protocol::UpdateState;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::string_view not_entered = "update mode is not entered: 'fwupdate enter' comes first";

std::string_view next_step(UpdateState state)
{
    switch (state)
    {
    case UpdateState::init:
        return "'fwupdate enter' comes first";
    case UpdateState::idle:
        return "'fwupdate write' begins a transfer, 'fwupdate exit' leaves";
    case UpdateState::download:
        return "'fwupdate write' and 'fwupdate complete' go on, 'fwupdate abort' gives it up";
    case UpdateState::verify:
    case UpdateState::program:
        return "wait until 'fwupdate status' says ready";
    case UpdateState::ready:
    case UpdateState::host_restart_required:
        return "'fwupdate exit' makes the update take effect";
    case UpdateState::error:
        return "'fwupdate status' tells why, 'fwupdate abort' gives it up";
    default:
        return "see 'fwupdate status'";
    }
}

std::string state_text(UpdateState state)
{
    return "the state is '" + name_of(state) + "': " + std::string{next_step(state)};
}

std::string session_text(const Session& session, Command command)
{
    if (!session.flags.has(protocol::session_in_mode))
    {
        return std::string{command == Command::enter_update_mode
                               ? "nobody holds update mode, a restart may be due: try again in a few seconds"
                               : not_entered};
    }
    if (!session.flags.has(protocol::session_yours) &&
        (!session.flags.has(protocol::session_same_user) || session.flags.has(protocol::session_holder_alive)))
    {
        const std::string position = position_text(session);
        return "update mode is held by " + holder_text(session) +
               (position.empty() ? "" : "; the update is " + position) +
               ": wait, or take it over with 'fwupdate enter force'";
    }
    const std::string entered = command == Command::enter_update_mode ? "update mode is entered already; " : "";
    return entered + state_text(session.state);
}

std::string base_text(UpdateState state, Command command)
{
    return command == Command::enter_update_mode
               ? "this BMC can't tell who holds update mode; if nobody else is updating it, leave with 'fwupdate exit'"
               : state_text(state);
}

/// Why a command does not fit what the BMC is at; empty: it does not tell.
std::string circumstances(const Context& context, Profile profile, Command command)
{
    if (profile == Profile::extended)
    {
        const auto session = context.bmc.call<Session>(Command::get_update_session);
        return session && session->ok() ? session_text(session->message, command) : std::string{};
    }
    const auto status = context.bmc.call<protocol::GetUpdateStatusResponse>(Command::get_update_status);
    return status && status->ok() ? base_text(status->message.state, command) : std::string{};
}

} // namespace

Outcome explained_refusal(const Context& context, Profile profile, Command command, CompletionCode code)
{
    Outcome outcome = refused_outcome(context, command, code);
    if (command == Command::exit_update_mode && code == CompletionCode::invalid_data_field)
    {
        outcome.text = "update mode is not entered: there is nothing to leave";
        return outcome;
    }
    if (code != CompletionCode::not_supported_in_present_state && code != CompletionCode::node_busy)
    {
        return outcome;
    }
    if (const std::string why = circumstances(context, profile, command); !why.empty())
    {
        outcome.text += "; " + why;
    }
    return outcome;
}

} // namespace fwupdate::client
