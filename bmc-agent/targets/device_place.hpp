// Where targets of type "block" and "mtd" lie, whether they can, and who uses them: the same answers when the
// configuration is read and when programming begins.
#pragma once

#include "bmc-agent/targets/file_place.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::agent
{

/// A path of that form is an MTD device by its name: its number follows the order in which drivers were loaded.
inline constexpr std::string_view mtd_name_prefix = "mtd:";

/// What stands in the way of a block device at `path`; links are followed. One that is not there is a passing obstacle.
[[nodiscard]] std::optional<Obstacle> block_obstacle(const std::filesystem::path& path);

/// The same of an MTD character device, by path or as "mtd:NAME".
[[nodiscard]] std::optional<Obstacle> mtd_obstacle(const std::filesystem::path& path);

/// The number N of the device mtdN of that name. Errors: not_found; wrong_state (several have it).
[[nodiscard]] Result<unsigned> find_mtd(std::string_view name, const std::filesystem::path& sysfs = "/sys/class/mtd");

/// The device's path: "mtd:NAME" as /dev/mtdN, others as they stand. Errors: find_mtd's.
[[nodiscard]] Result<std::filesystem::path> mtd_path(const std::filesystem::path& path);

/// Where a device is mounted, in the form of /proc/self/mountinfo (proc(5)); none: nowhere.
[[nodiscard]] std::optional<std::string> mounted_at(unsigned major, unsigned minor, std::string_view mountinfo);

/// " (mounted at /mnt)", or nothing.
[[nodiscard]] std::string mount_remark(const std::filesystem::path& block_device);

/// What uses mtdN now: "is mounted at /mnt", "is attached to ubi0"; none: nobody that is known.
[[nodiscard]] std::optional<std::string> user_of_mtd(unsigned number);

/// Part of a disk. Partitions are parts of their disk.
struct DiskExtent
{
    std::uint64_t disk{};  ///< device number
    std::uint64_t begin{}; ///< bytes
    std::uint64_t end{};   ///< bytes

    [[nodiscard]] bool overlaps(const DiskExtent& other) const
    {
        return disk == other.disk && begin < other.end && other.begin < end;
    }
};

/// `size` 0: to the device's end. None: there is no such block device now.
[[nodiscard]] std::optional<DiskExtent> disk_extent(const std::filesystem::path& path, std::uint64_t offset,
                                                    std::uint64_t size);

} // namespace fwupdate::agent
