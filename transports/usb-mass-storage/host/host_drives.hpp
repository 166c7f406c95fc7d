// The host's side of the virtual drive: finding exactly this one, and writing a file onto it.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::usb
{

/// A disk of this host.
struct Disk
{
    std::string name;     ///< in /dev and /sys/block: "sdb"
    std::uint64_t size{}; ///< bytes

    bool operator==(const Disk&) const = default;
};

/// What is to be written: a file of `size` bytes, read piece by piece.
struct DriveFile
{
    std::string name; ///< on the drive, in its root
    std::uint64_t size{};
    std::function<Result<Bytes>(std::uint64_t offset, std::size_t count)> read;
    std::function<bool(std::uint64_t written)> progress; ///< bytes that are on the drive, often the same; false: stop
};

class HostDrives
{
  public:
    virtual ~HostDrives() = default;

    /// Whether this program can use USB drives on this host at all. Errors: denied (not root), unsupported.
    [[nodiscard]] virtual Result<void> check() const = 0;

    /// The one disk with a medium whose USB device has this serial number. None: it is not there (yet), or there are
    /// two.
    [[nodiscard]] virtual std::optional<Disk> find(std::string_view serial) const = 0;

    /// Writes the file and waits until it is on the drive. `progress` is called several times a second all the while,
    /// also where the drive makes the host wait, and on the caller's thread; `read` may be called on another. Nothing
    /// of the drive stays mounted, whatever happens to this program. Errors: input_output, no_space, timeout (stopped
    /// by `progress`).
    [[nodiscard]] virtual Result<void> write(const Disk& disk, const DriveFile& file) = 0;
};

/// The disk in a tree like /sys.
[[nodiscard]] std::optional<Disk> find_disk(const std::filesystem::path& sysfs, std::string_view serial);

/// The kernel's own drivers: sysfs, and a mount that only this process sees.
class SystemDrives final : public HostDrives
{
  public:
    [[nodiscard]] Result<void> check() const override;
    [[nodiscard]] std::optional<Disk> find(std::string_view serial) const override
    {
        return find_disk("/sys", serial);
    }
    [[nodiscard]] Result<void> write(const Disk& disk, const DriveFile& file) override;
};

} // namespace fwupdate::usb
