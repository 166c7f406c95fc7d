// The life of an update as a table: {from, event, to, action}. The specification prints the same table; the agent
// runs it; a pair that is not here is answered D5h. A guard is an event of its own.
#pragma once

#include "protocol-spec/messages.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fwupdate::protocol
{

/// What can happen to an update.
enum class Event : std::uint8_t
{
    enter,              ///< 27h with a good challenge
    take_over,          ///< 42h with a good challenge
    set_options,        ///< 2Bh, 43h
    start,              ///< 29h-1, 44h
    write,              ///< 2Ch, 45h
    set_uri,            ///< 29h-4, the URI is allowed
    usb_attach,         ///< 29h-5
    usb_detach,         ///< 29h-6
    complete,           ///< 29h-2, nothing is missing
    fetch,              ///< 29h-2 after 29h-4: the BMC fetches first
    received,           ///< the fetch has every byte
    verified,           ///< every check passed, and the word to go on is there where one is waited for (blobs)
    programmed,         ///< written and read back; the target restarts the BMC or nothing
    programmed_host,    ///< the same; the target needs the host's restart
    failed,             ///< fetch, verification or programming failed
    abort,              ///< 29h-3
    exit,               ///< 28h with nothing to restart
    exit_restart,       ///< 28h from ready: the target restarts something, now
    exit_deferred,      ///< 28h from ready: deferred
    lease_expired,      ///< the owner was silent too long
    held_lease_expired, ///< the same, while a verified image waits for the word to program it (blobs)
};

/// What the agent does on the way.
enum class Action : std::uint8_t
{
    none,
    open_mode, ///< owner, lease, options and flags reset
    change_owner,
    apply_options,
    open_transfer, ///< staging opened or resumed
    accept_data,
    record_uri,
    attach_drive,
    detach_drive,
    start_fetch,
    start_verify,
    start_program,
    finish,         ///< the log says programmed
    report_error,   ///< the reason is recorded
    close_transfer, ///< staging closed, named blocks kept
    leave,          ///< mode released
    leave_restart,  ///< mode released, restart after Close Session or 2 s
    leave_pending,  ///< mode released, the restart recorded as pending
};

struct Transition
{
    UpdateState from{};
    Event event{};
    UpdateState to{};
    Action action{};
};

inline constexpr auto transitions = []
{
    using S = UpdateState;
    using E = Event;
    using A = Action;
    return std::to_array<Transition>({
        {S::init, E::enter, S::idle, A::open_mode},

        {S::idle, E::take_over, S::idle, A::change_owner},
        {S::idle, E::set_options, S::idle, A::apply_options},
        {S::idle, E::start, S::download, A::open_transfer},
        {S::idle, E::abort, S::idle, A::none},
        {S::idle, E::exit, S::init, A::leave},
        {S::idle, E::lease_expired, S::init, A::leave},

        {S::download, E::take_over, S::download, A::change_owner},
        {S::download, E::set_options, S::download, A::apply_options},
        {S::download, E::start, S::download, A::open_transfer},
        {S::download, E::write, S::download, A::accept_data},
        {S::download, E::set_uri, S::download, A::record_uri},
        {S::download, E::usb_attach, S::download, A::attach_drive},
        {S::download, E::usb_detach, S::download, A::detach_drive},
        {S::download, E::fetch, S::download, A::start_fetch},
        {S::download, E::received, S::verify, A::start_verify},
        {S::download, E::complete, S::verify, A::start_verify},
        {S::download, E::failed, S::error, A::report_error},
        {S::download, E::abort, S::idle, A::close_transfer},
        {S::download, E::exit, S::init, A::leave},
        {S::download, E::lease_expired, S::init, A::leave},

        {S::verify, E::take_over, S::verify, A::change_owner},
        {S::verify, E::verified, S::program, A::start_program},
        {S::verify, E::failed, S::error, A::report_error},
        {S::verify, E::abort, S::idle, A::close_transfer},
        {S::verify, E::exit, S::init, A::leave},
        {S::verify, E::held_lease_expired, S::init, A::leave},

        {S::program, E::take_over, S::program, A::change_owner},
        {S::program, E::programmed, S::ready, A::finish},
        {S::program, E::programmed_host, S::host_restart_required, A::finish},
        {S::program, E::failed, S::error, A::report_error},

        {S::ready, E::take_over, S::ready, A::change_owner},
        {S::ready, E::exit, S::init, A::leave},
        {S::ready, E::exit_restart, S::init, A::leave_restart},
        {S::ready, E::exit_deferred, S::init, A::leave_pending},
        {S::ready, E::lease_expired, S::init, A::leave_pending},

        {S::host_restart_required, E::take_over, S::host_restart_required, A::change_owner},
        {S::host_restart_required, E::exit_restart, S::init, A::leave_restart},
        {S::host_restart_required, E::exit_deferred, S::init, A::leave_pending},
        {S::host_restart_required, E::lease_expired, S::init, A::leave_pending},

        {S::error, E::take_over, S::error, A::change_owner},
        {S::error, E::start, S::download, A::open_transfer},
        {S::error, E::abort, S::idle, A::close_transfer},
        {S::error, E::exit, S::init, A::leave},
        {S::error, E::lease_expired, S::init, A::leave},
    });
}();

/// The row for a pair; none: the event is not supported in this state (completion code D5h).
[[nodiscard]] constexpr std::optional<Transition> find_transition(UpdateState from, Event event)
{
    const auto row = std::ranges::find_if(transitions, [&](const Transition& candidate)
                                          { return candidate.from == from && candidate.event == event; });
    return row == transitions.end() ? std::nullopt : std::optional{*row};
}

namespace checks
{

template <class Predicate> constexpr bool every_transition(Predicate predicate)
{
    return std::ranges::all_of(transitions, predicate);
}

constexpr bool deterministic()
{
    return every_transition(
        [](const Transition& row)
        {
            return std::ranges::count_if(transitions, [&](const Transition& other)
                                         { return other.from == row.from && other.event == row.event; }) == 1;
        });
}

constexpr bool is_ready(UpdateState state)
{
    return state == UpdateState::ready || state == UpdateState::host_restart_required;
}

static_assert(deterministic(), "two rows for one pair");
static_assert(every_transition(
                  [](const Transition& row)
                  {
                      return row.to != UpdateState::program || row.from == UpdateState::program ||
                             (row.from == UpdateState::verify && row.event == Event::verified);
                  }),
              "programmed without being verified");
static_assert(every_transition([](const Transition& row)
                               { return !is_ready(row.to) || is_ready(row.from) || row.from == UpdateState::program; }),
              "ready without being programmed");
static_assert(every_transition(
                  [](const Transition& row)
                  {
                      return row.from != UpdateState::program ||
                             (row.event != Event::exit && row.event != Event::abort &&
                              row.event != Event::lease_expired);
                  }),
              "programming is never interrupted");
static_assert(every_transition([](const Transition& row)
                               { return row.action != Action::leave_restart || is_ready(row.from); }),
              "a restart from anywhere but ready");

} // namespace checks
} // namespace fwupdate::protocol
