#include "bmc-agent/targets/device_place.hpp"

#include "common/bytes.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <system_error>

namespace fwupdate::agent
{
namespace
{

constexpr unsigned mtd_character_major = 90; ///< Documentation/admin-guide/devices.txt of Linux
constexpr unsigned mtd_block_major = 31;
constexpr std::uint64_t sector = 512; ///< bytes, of sysfs whatever the device has

/// A file of sysfs or procfs; empty: not there.
std::string text_of(const std::filesystem::path& path)
{
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::optional<std::uint64_t> number_in(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} ? std::optional{number} : std::nullopt;
}

std::string_view first_line(std::string_view text)
{
    return text.substr(0, text.find('\n'));
}

std::optional<struct ::stat> status_of(const std::filesystem::path& path)
{
    struct ::stat status
    {
    };
    return ::stat(path.c_str(), &status) == 0 ? std::optional{status} : std::nullopt;
}

std::filesystem::path sysfs_of(dev_t device)
{
    return "/sys/dev/block/" + std::to_string(gnu_dev_major(device)) + ":" + std::to_string(gnu_dev_minor(device));
}

} // namespace

std::optional<Obstacle> block_obstacle(const std::filesystem::path& path)
{
    const auto status = status_of(path);
    if (!status)
    {
        return Obstacle{"is not there", "connect the device, or load its driver", true};
    }
    if (!S_ISBLK(status->st_mode))
    {
        return Obstacle{"is no block device", "name a disk or a partition, such as /dev/disk/by-partlabel/bios", false};
    }
    return std::nullopt;
}

std::optional<Obstacle> mtd_obstacle(const std::filesystem::path& path)
{
    const auto device = mtd_path(path);
    if (!device)
    {
        const bool missing = device.error().kind == ErrorKind::not_found;
        return Obstacle{missing ? "is not there" : "is the name of several devices",
                        missing ? "load the flash's driver, or compare the name with /proc/mtd"
                                : "name the device itself, such as /dev/mtd3",
                        missing};
    }
    const auto status = status_of(*device);
    if (!status)
    {
        return Obstacle{"is not there", "load the flash's driver, or compare the number with /proc/mtd", true};
    }
    if (!S_ISCHR(status->st_mode) || gnu_dev_major(status->st_rdev) != mtd_character_major)
    {
        return Obstacle{"is no MTD character device", "name one, such as /dev/mtd3 or mtd:bios", false};
    }
    return std::nullopt;
}

Result<unsigned> find_mtd(std::string_view name, const std::filesystem::path& sysfs)
{
    std::optional<unsigned> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{sysfs, ignored})
    {
        const std::string device = entry.path().filename().string(); // mtd3, and mtd3ro beside it
        if (!device.starts_with("mtd") || device.ends_with("ro") || first_line(text_of(entry.path() / "name")) != name)
        {
            continue;
        }
        const auto number = number_in(std::string_view{device}.substr(3));
        if (number && found)
        {
            return fail(ErrorKind::wrong_state, "several MTD devices are called " + printable(name));
        }
        found = number ? static_cast<unsigned>(*number) : found;
    }
    return found ? Result<unsigned>{*found}
                 : Result<unsigned>{fail(ErrorKind::not_found, "no MTD device is called " + printable(name))};
}

Result<std::filesystem::path> mtd_path(const std::filesystem::path& path)
{
    const std::string text = path.string();
    if (!text.starts_with(mtd_name_prefix))
    {
        return path;
    }
    const auto number = find_mtd(std::string_view{text}.substr(mtd_name_prefix.size()));
    return number ? Result<std::filesystem::path>{"/dev/mtd" + std::to_string(*number)}
                  : Result<std::filesystem::path>{number.error()};
}

std::optional<std::string> mounted_at(unsigned major, unsigned minor, std::string_view mountinfo)
{
    const std::string wanted = std::to_string(major) + ":" + std::to_string(minor);
    std::istringstream lines{std::string{mountinfo}};
    for (std::string line; std::getline(lines, line);)
    {
        std::istringstream fields{line};
        std::string id;
        std::string parent;
        std::string device;
        std::string root;
        std::string place;
        if (fields >> id >> parent >> device >> root >> place && device == wanted)
        {
            return printable(place);
        }
    }
    return std::nullopt;
}

std::string mount_remark(const std::filesystem::path& block_device)
{
    const auto status = status_of(block_device);
    const auto place = status ? mounted_at(gnu_dev_major(status->st_rdev), gnu_dev_minor(status->st_rdev),
                                           text_of("/proc/self/mountinfo"))
                              : std::nullopt;
    return place ? " (mounted at " + *place + ")" : "";
}

std::optional<std::string> user_of_mtd(unsigned number)
{
    // A partitioned device has its partitions below it: whoever uses one of them uses the device.
    std::error_code no_such_device;
    const std::string name = "mtd" + std::to_string(number);
    for (const auto& entry : std::filesystem::directory_iterator{"/sys/class/mtd/" + name, no_such_device})
    {
        const std::string part = entry.path().filename().string();
        const auto part_number = part.starts_with("mtd") && part != name ? number_in(part.substr(3)) : std::nullopt;
        if (const auto user = part_number ? user_of_mtd(static_cast<unsigned>(*part_number)) : std::nullopt)
        {
            return *user + " (its part " + part + ")";
        }
    }
    if (const auto place = mounted_at(mtd_block_major, number, text_of("/proc/self/mountinfo")))
    {
        return "is mounted at " + *place;
    }
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{"/sys/class/ubi", ignored})
    {
        if (number_in(text_of(entry.path() / "mtd_num")) == number)
        {
            return "is attached to " + entry.path().filename().string();
        }
    }
    return std::nullopt;
}

std::optional<DiskExtent> disk_extent(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t size)
{
    const auto status = status_of(path);
    if (!status || !S_ISBLK(status->st_mode))
    {
        return std::nullopt;
    }
    constexpr std::uint64_t to_the_end = std::numeric_limits<std::uint64_t>::max();
    const std::filesystem::path device = sysfs_of(status->st_rdev);
    const auto sectors = number_in(text_of(device / "size"));
    const auto start = number_in(text_of(device / "start")); // of a partition
    const auto length = size != 0 ? size : sectors ? *sectors * sector - std::min(offset, *sectors * sector) : 0;
    DiskExtent extent{status->st_rdev, offset + start.value_or(0) * sector, to_the_end};
    extent.end = length != 0 ? extent.begin + length : to_the_end;
    if (start)
    {
        std::error_code error;
        const std::string disk = text_of(std::filesystem::canonical(device, error).parent_path() / "dev");
        const std::size_t colon = disk.find(':');
        const auto major = number_in(disk);
        const auto minor = number_in(std::string_view{disk}.substr(std::min(colon, disk.size() - 1) + 1));
        extent.disk = major && minor ? gnu_dev_makedev(static_cast<unsigned>(*major), static_cast<unsigned>(*minor))
                                     : extent.disk;
    }
    return extent;
}

} // namespace fwupdate::agent
