// Every state with every event, said once more by hand.
#include "bmc-agent/software/activation_table.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace fwupdate::agent::software;

using A = Activation;
using E = Event;

namespace
{

constexpr std::array states{A::not_ready, A::invalid, A::ready,  A::activating,
                            A::active,    A::failed,  A::staged, A::staging};
constexpr std::array events{E::accepted,   E::rejected, E::requested,   E::requested_old, E::kept_out,
                            E::programmed, E::gave_up,  E::interrupted, E::erase};

/// The state after; none: nothing happens.
std::optional<A> expected(A from, E event)
{
    switch (event)
    {
    case E::accepted:
        return from == A::not_ready ? std::optional{A::ready} : std::nullopt;
    case E::rejected:
        return from == A::not_ready ? std::optional{A::invalid} : std::nullopt;
    case E::requested:
        return from == A::ready || from == A::failed ? std::optional{A::activating} : std::nullopt;
    case E::requested_old:
        return from == A::ready || from == A::failed ? std::optional{A::failed} : std::nullopt;
    case E::kept_out:
        return from == A::ready ? std::optional{A::failed} : std::nullopt;
    case E::programmed:
        return from == A::activating ? std::optional{A::active} : std::nullopt;
    case E::gave_up:
    case E::interrupted:
        return from == A::activating ? std::optional{A::failed} : std::nullopt;
    case E::erase:
        break;
    }
    const bool may_go = from != A::activating && from != A::staged && from != A::staging;
    return may_go ? std::optional{from} : std::nullopt;
}

} // namespace

TEST_CASE("every state with every event")
{
    for (const A from : states)
    {
        for (const E event : events)
        {
            CAPTURE(static_cast<int>(from));
            CAPTURE(static_cast<int>(event));
            const auto row = find_transition(from, event);
            const auto after = expected(from, event);
            REQUIRE(row.has_value() == after.has_value());
            if (row)
            {
                CHECK(row->to == *after);
                CHECK((row->step == Step::remove) == (event == E::erase));
            }
        }
    }
}
