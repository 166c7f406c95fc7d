// Two places for one target: one runs, the other takes the update. What the boot loader is told, and what it has done.
#pragma once

#include "common/result.hpp"

#include <functional>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// As the boot loader's memory has it.
struct SlotState
{
    std::string running; ///< the slot that has booted
    std::string chosen;  ///< the slot that boots next
    bool provisional{};  ///< the chosen one is on trial: not confirmed yet

    bool operator==(const SlotState&) const = default;

    /// The running slot has not proved itself yet.
    [[nodiscard]] bool on_trial() const
    {
        return provisional && running == chosen;
    }
};

class SlotKeeper
{
  public:
    using Done = std::function<void(Result<void>)>;

    virtual ~SlotKeeper() = default;

    /// As of the last look; none: not known (yet).
    [[nodiscard]] virtual const std::optional<SlotState>& state() const = 0;

    /// Why the other slot can't be written now; none: it can.
    [[nodiscard]] virtual std::optional<Error> obstacle() const = 0;

    /// Looks again; the targets' wake is called when the state is another one.
    virtual void look() = 0;

    /// The slot that an update writes, or has written; empty: not known (yet).
    [[nodiscard]] virtual std::string other_slot() const = 0;

    /// The running slot is what boots from now on. `done` is called once, later or before this returns. Errors:
    /// input_output, wrong_state (the running slot is not the chosen one).
    virtual void confirm(Done done) = 0;

    /// The other slot is what boots next, if it was good before the update. Errors: as confirm; not_found.
    virtual void fall_back(Done done) = 0;
};

} // namespace fwupdate::agent
