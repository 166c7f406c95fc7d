// The life of an update through the flash blobs as a table: {from, event, to, action}. The README prints the same
// table. A pair that is not here is refused. A guard is an event of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace fwupdate::agent::blobs
{

/// The states of phosphor-ipmi-flash, by its names.
enum class FlashState : std::uint8_t
{
    not_yet_started,
    upload_in_progress,     ///< image or hash are open
    verification_pending,   ///< none is open, /flash/verify may be
    verification_started,   ///< /flash/verify is committed
    verification_completed, ///< the client knows how it ended
    update_pending,         ///< verified; /flash/update may be open
    update_started,         ///< /flash/update is committed
    update_completed,       ///< the client knows how it ended
};

enum class FlashEvent : std::uint8_t
{
    open_image,   ///< one of the configured ids
    open_hash,    ///< /flash/hash
    open_verify,  ///< /flash/verify, while it is listed
    open_update,  ///< /flash/update, while it is listed
    write,        ///< to image or hash
    commit,       ///< of /flash/verify or /flash/update
    succeeded,    ///< a stat learns that what was started went well
    failed,       ///< a stat learns that it did not
    close,        ///< of whatever is open
    close_failed, ///< the same, and what was started has failed
    remove,       ///< Delete of any id
    expire,       ///< nobody used the session for long
    lost,         ///< the update was taken away
};

enum class FlashAction : std::uint8_t
{
    none,
    begin_image,
    begin_hash,
    accept_data,
    end_data, ///< a hash that is complete is handed on
    start_verification,
    keep_result,
    start_update,
    abort,  ///< everything is given up
    detach, ///< programming goes on to its end alone
    finish, ///< what was programmed may run
    forget, ///< there is nothing left to give up
};

struct FlashTransition
{
    FlashState from{};
    FlashEvent event{};
    FlashState to{};
    FlashAction action{};
};

inline constexpr auto flash_transitions = []
{
    using S = FlashState;
    using E = FlashEvent;
    using A = FlashAction;
    return std::to_array<FlashTransition>({
        {S::not_yet_started, E::open_image, S::upload_in_progress, A::begin_image},
        {S::not_yet_started, E::open_hash, S::upload_in_progress, A::begin_hash},

        {S::upload_in_progress, E::write, S::upload_in_progress, A::accept_data},
        {S::upload_in_progress, E::close, S::verification_pending, A::end_data},
        {S::upload_in_progress, E::expire, S::not_yet_started, A::abort},
        {S::upload_in_progress, E::lost, S::not_yet_started, A::forget},

        {S::verification_pending, E::open_image, S::upload_in_progress, A::begin_image},
        {S::verification_pending, E::open_hash, S::upload_in_progress, A::begin_hash},
        {S::verification_pending, E::open_verify, S::verification_pending, A::none},
        {S::verification_pending, E::commit, S::verification_started, A::start_verification},
        {S::verification_pending, E::close, S::verification_pending, A::none},
        {S::verification_pending, E::remove, S::not_yet_started, A::abort},
        {S::verification_pending, E::expire, S::not_yet_started, A::abort},
        {S::verification_pending, E::lost, S::not_yet_started, A::forget},

        {S::verification_started, E::commit, S::verification_started, A::none},
        {S::verification_started, E::succeeded, S::verification_completed, A::keep_result},
        {S::verification_started, E::failed, S::verification_completed, A::keep_result},
        {S::verification_started, E::close, S::not_yet_started, A::abort},
        {S::verification_started, E::expire, S::not_yet_started, A::abort},
        {S::verification_started, E::lost, S::not_yet_started, A::forget},

        {S::verification_completed, E::close, S::update_pending, A::none},
        {S::verification_completed, E::close_failed, S::not_yet_started, A::abort},
        {S::verification_completed, E::expire, S::not_yet_started, A::abort},
        {S::verification_completed, E::lost, S::not_yet_started, A::forget},

        {S::update_pending, E::open_update, S::update_pending, A::none},
        {S::update_pending, E::commit, S::update_started, A::start_update},
        {S::update_pending, E::close, S::update_pending, A::none},
        {S::update_pending, E::remove, S::not_yet_started, A::abort},
        {S::update_pending, E::expire, S::not_yet_started, A::abort},
        {S::update_pending, E::lost, S::not_yet_started, A::forget},

        {S::update_started, E::commit, S::update_started, A::none},
        {S::update_started, E::succeeded, S::update_completed, A::keep_result},
        {S::update_started, E::failed, S::update_completed, A::keep_result},
        {S::update_started, E::close, S::not_yet_started, A::detach},
        {S::update_started, E::expire, S::not_yet_started, A::detach},
        {S::update_started, E::lost, S::not_yet_started, A::forget},

        {S::update_completed, E::close, S::not_yet_started, A::finish},
        {S::update_completed, E::close_failed, S::not_yet_started, A::finish},
        {S::update_completed, E::expire, S::not_yet_started, A::finish},
        {S::update_completed, E::lost, S::not_yet_started, A::forget},
    });
}();

/// The row for a pair; none: refused in this state.
[[nodiscard]] constexpr std::optional<FlashTransition> find_flash_transition(FlashState from, FlashEvent event)
{
    const auto row = std::ranges::find_if(flash_transitions, [&](const FlashTransition& candidate)
                                          { return candidate.from == from && candidate.event == event; });
    return row == flash_transitions.end() ? std::nullopt : std::optional{*row};
}

namespace flash_checks
{

template <class Predicate> constexpr bool every_transition(Predicate predicate)
{
    return std::ranges::all_of(flash_transitions, predicate);
}

constexpr bool deterministic()
{
    return every_transition(
        [](const FlashTransition& row)
        {
            return std::ranges::count_if(flash_transitions, [&](const FlashTransition& other)
                                         { return other.from == row.from && other.event == row.event; }) == 1;
        });
}

/// Where the table starts over.
constexpr bool is_start(const FlashTransition& row)
{
    return row.to == FlashState::not_yet_started;
}

static_assert(deterministic(), "two rows for one pair");
static_assert(every_transition(
                  [](const FlashTransition& row)
                  {
                      return (row.action == FlashAction::start_update) ==
                             (row.from == FlashState::update_pending && row.event == FlashEvent::commit);
                  }),
              "programming that nobody committed, or that was not verified");
static_assert(every_transition(
                  [](const FlashTransition& row)
                  {
                      return row.to != FlashState::update_pending || row.from == FlashState::update_pending ||
                             (row.from == FlashState::verification_completed && row.event == FlashEvent::close);
                  }),
              "an update without a good verification");
static_assert(every_transition([](const FlashTransition& row)
                               { return row.from != FlashState::update_started || row.action != FlashAction::abort; }),
              "programming is never interrupted");
static_assert(
    every_transition([](const FlashTransition& row)
                     { return row.event != FlashEvent::write || row.from == FlashState::upload_in_progress; }),
    "bytes that change while they are verified, or after");
static_assert(every_transition(
                  [](const FlashTransition& row)
                  {
                      const bool lets_go = row.action == FlashAction::abort || row.action == FlashAction::detach ||
                                           row.action == FlashAction::finish || row.action == FlashAction::forget;
                      return is_start(row) == lets_go;
                  }),
              "an update that is over and still held, or held no more and not over");
static_assert(std::ranges::count_if(flash_transitions,
                                    [](const FlashTransition& row) { return row.event == FlashEvent::expire; }) == 7 &&
                  std::ranges::count_if(flash_transitions,
                                        [](const FlashTransition& row) { return row.event == FlashEvent::lost; }) == 7,
              "a state that an absent client, or one that lost the update, never leaves");

} // namespace flash_checks
} // namespace fwupdate::agent::blobs
