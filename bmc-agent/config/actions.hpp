// What is started around an update of a target. The types are phosphor-ipmi-flash's, and one of our own.
#pragma once

#include "bmc-agent/config/flash/flash_config.hpp"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace fwupdate::config
{

/// "command": a program of its own, without a shell. It learns of the update from its environment.
struct Command
{
    std::vector<std::string> argv; ///< at least one

    bool operator==(const Command&) const = default;
};

using Action = std::variant<flash::Skip, flash::Systemd, flash::FileSystemd, flash::Reboot, Command>;

/// Around one target. "reboot" is an update's only: it runs at exit and honours deferral.
struct Actions
{
    Action preparation;  ///< when a transfer begins
    Action verification; ///< when every check of the agent's own has passed; before anything bootable changes
    Action update;       ///< when the image is in its place; of a "handover" it is what programs
    std::chrono::seconds patience{std::chrono::minutes{30}}; ///< without progress, until an action counts as failed

    bool operator==(const Actions&) const = default;
};

} // namespace fwupdate::config
