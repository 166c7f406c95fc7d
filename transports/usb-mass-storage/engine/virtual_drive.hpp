// The virtual drive as the update session sees it.
#pragma once

#include "common/result.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace fwupdate::usb
{

/// How the host tells this drive from every other one: random for every plug-in.
struct DriveIdentity
{
    std::string serial; ///< of the USB device, 16 hexadecimal digits
    std::string label;  ///< of the FAT volume, 11 characters

    bool operator==(const DriveIdentity&) const = default;
};

/// A drive that is plugged in.
struct Drive
{
    DriveIdentity identity;
    std::uint64_t size{}; ///< bytes
};

class VirtualDrive
{
  public:
    virtual ~VirtualDrive() = default;

    /// Makes an empty drive with room for an image of `image_size` bytes and shows it to the host; takes some
    /// milliseconds. What an earlier drive held is gone. Errors: input_output, no_space, timeout.
    [[nodiscard]] virtual Result<void> plug_in(std::uint64_t image_size) = 0;

    /// The drive counts as plugged out at once. It disappears from the host when the host's writes have settled, at the
    /// latest after some seconds; from then on nothing changes what it holds.
    virtual void plug_out() = 0;

    /// Plugs out without waiting, and forgets what the drive holds. Without a drive nothing happens.
    virtual void drop() noexcept = 0;

    /// The drive as the host sees it; none: plugged out.
    [[nodiscard]] virtual std::optional<Drive> plugged_in() const = 0;

    /// Called from the loop when the host has written something.
    virtual void on_written(std::function<void(TimePoint)> listener) = 0;
};

} // namespace fwupdate::usb
