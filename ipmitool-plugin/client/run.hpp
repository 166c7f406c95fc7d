// The whole command: arguments in, exit code out.
#pragma once

#include "ipmitool-plugin/client/port.hpp"
#include "transports/usb-mass-storage/host/host_drives.hpp"

#include <filesystem>
#include <iosfwd>
#include <optional>
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
    usb::HostDrives& drives;
};

/// The exit code of what needs no BMC: help, wrong arguments, an image that cannot be used. None: go on with run().
[[nodiscard]] std::optional<int> run_locally(std::span<const std::string> arguments, const Surroundings& surroundings);

/// Runs `fwupdate <arguments>` and returns the exit code.
[[nodiscard]] int run(std::span<const std::string> arguments, Port& port, Environment& environment,
                      const Surroundings& surroundings);

} // namespace fwupdate::client
