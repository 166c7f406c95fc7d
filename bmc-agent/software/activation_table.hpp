// The life of a version as a table: {from, event, to, action}. A guard is an event of its own; a pair that is not here
// changes nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace fwupdate::agent::software
{

/// xyz.openbmc_project.Software.Activation.Activations, in its order.
enum class Activation : std::uint8_t
{
    not_ready,
    invalid,
    ready,
    activating,
    active,
    failed,
    staged,  ///< defined there, of no use here: nothing of ours waits for a host to take it
    staging, ///< as staged
};

/// xyz.openbmc_project.Software.Activation.RequestedActivations.
enum class RequestedActivation : std::uint8_t
{
    none,
    active,
};

enum class Event : std::uint8_t
{
    accepted,      ///< the image is a whole one, for this machine
    rejected,      ///< it is not
    requested,     ///< RequestedActivation became Active, and the update session is ours
    requested_old, ///< the same for an image below the least version
    kept_out,      ///< StartUpdate would activate it at once, and somebody else holds the update session
    programmed,    ///< written and read back
    gave_up,       ///< verification or programming failed
    interrupted,   ///< the agent stopped in mid-activation and is here again
    erase,         ///< Delete, DeleteAll, or its space is needed
};

enum class Step : std::uint8_t
{
    none,
    start,    ///< the temporaries appear, space is freed, the session works
    conclude, ///< the temporaries go, the priority appears, the uploaded copy goes
    give_up,  ///< the temporaries go as far as the layout says, and the priority
    remove,   ///< the object goes with all that belongs to it
};

struct Transition
{
    Activation from{};
    Event event{};
    Activation to{};
    Step step{};
};

inline constexpr auto transitions = []
{
    using A = Activation;
    using E = Event;
    return std::to_array<Transition>({
        {A::not_ready, E::accepted, A::ready, Step::none},
        {A::not_ready, E::rejected, A::invalid, Step::none},
        {A::not_ready, E::erase, A::not_ready, Step::remove},

        {A::invalid, E::erase, A::invalid, Step::remove},

        {A::ready, E::requested, A::activating, Step::start},
        {A::ready, E::requested_old, A::failed, Step::none},
        {A::ready, E::kept_out, A::failed, Step::none},
        {A::ready, E::erase, A::ready, Step::remove},

        {A::activating, E::programmed, A::active, Step::conclude},
        {A::activating, E::gave_up, A::failed, Step::give_up},
        {A::activating, E::interrupted, A::failed, Step::give_up},

        {A::active, E::erase, A::active, Step::remove},

        {A::failed, E::requested, A::activating, Step::start},
        {A::failed, E::requested_old, A::failed, Step::none},
        {A::failed, E::erase, A::failed, Step::remove},
    });
}();

/// The row for a pair; none: the event changes nothing in this state.
[[nodiscard]] constexpr std::optional<Transition> find_transition(Activation from, Event event)
{
    const auto* const row = std::ranges::find_if(transitions, [&](const Transition& candidate)
                                                 { return candidate.from == from && candidate.event == event; });
    return row == transitions.end() ? std::nullopt : std::optional{*row};
}

namespace checks
{

template <class Predicate> constexpr bool every_transition(Predicate predicate)
{
    return std::ranges::all_of(transitions, predicate);
}

static_assert(every_transition(
                  [](const Transition& row)
                  {
                      return std::ranges::count_if(transitions, [&](const Transition& other)
                                                   { return other.from == row.from && other.event == row.event; }) == 1;
                  }),
              "two rows for one pair");
static_assert(every_transition([](const Transition& row)
                               { return row.from != Activation::activating || row.event != Event::erase; }),
              "what is being programmed is never removed");
static_assert(every_transition(
                  [](const Transition& row)
                  {
                      return row.to != Activation::active || row.from == Activation::active ||
                             (row.from == Activation::activating && row.event == Event::programmed);
                  }),
              "active without being programmed");
static_assert(every_transition([](const Transition& row)
                               { return (row.step == Step::start) == (row.to == Activation::activating); }),
              "activating without the session, or the session without activating");
static_assert(every_transition([](const Transition& row)
                               { return row.from != Activation::invalid || row.event == Event::erase; }),
              "an invalid image becomes nothing else");
static_assert(every_transition([](const Transition& row)
                               { return row.to != Activation::staged && row.to != Activation::staging; }),
              "staged and staging are never reached");

} // namespace checks
} // namespace fwupdate::agent::software
