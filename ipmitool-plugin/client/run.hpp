// The whole command: arguments in, exit code out.
#pragma once

#include "ipmitool-plugin/client/port.hpp"

#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>

namespace fwupdate::client
{

/// What the program around knows.
struct Surroundings
{
    std::ostream& out;
    std::ostream& err;
    bool csv{};      ///< ipmitool -c
    bool terminal{}; ///< err is a terminal: the progress line may be redrawn
    std::filesystem::path notes;
};

/// Runs `fwupdate <arguments>` and returns the exit code.
[[nodiscard]] int run(std::span<const std::string> arguments, Port& port, Environment& environment,
                      const Surroundings& surroundings);

} // namespace fwupdate::client
