// What chooses the slot at boot: how it is asked, and told. One class per kind; the table is selector_table.cpp.
#pragma once

#include "bmc-agent/config/slots.hpp"
#include "bmc-agent/process/command_runner.hpp"
#include "bmc-agent/targets/slot_keeper.hpp"
#include "common/result.hpp"

#include <functional>
#include <memory>
#include <string>

namespace fwupdate::agent
{

/// Every change is one step: a power cut leaves the selection as it was before, or as it is told. Answers come exactly
/// once, later or before the call returns; a selector that is gone gives none. One call at a time.
class Selector
{
  public:
    using Told = std::function<void(Result<SlotState>)>;
    using Done = SlotKeeper::Done;

    virtual ~Selector() = default;

    /// What boots next; `running` is left empty by a selector that does not know. Errors: integrity, input_output.
    virtual void read(Told told) = 0;

    /// `slot` boots next, on trial; `running` is what comes back if it does not prove itself.
    virtual void try_slot(const std::string& slot, const std::string& running, Done done) = 0;

    /// `slot` runs and is good: it boots from now on.
    virtual void confirm(const std::string& slot, Done done) = 0;

    /// The trial is over: `slot`, which was good before it, boots next.
    virtual void fall_back(const std::string& slot, Done done) = 0;
};

/// Makes what the configuration says. `runner` may be null where no command is needed; it outlives the selector.
[[nodiscard]] std::unique_ptr<Selector> make_selector(const config::Selector& configuration, CommandRunner* runner);

// One maker per kind, each in a file of its own.
[[nodiscard]] std::unique_ptr<Selector> make_file_selector(const config::FileSelector& configuration);
[[nodiscard]] std::unique_ptr<Selector> make_redundant_selector(const config::RedundantSelector& configuration);
[[nodiscard]] std::unique_ptr<Selector> make_command_selector(const config::CommandSelector& configuration,
                                                              CommandRunner& runner);
[[nodiscard]] std::unique_ptr<Selector> make_uboot_selector(const config::UbootSelector& configuration,
                                                            CommandRunner& runner);

} // namespace fwupdate::agent
