#include "transports/usb-mass-storage/host/host_drives.hpp"

#include <fstream>
#include <system_error>

namespace fwupdate::usb
{
namespace
{

namespace fs = std::filesystem;

constexpr std::uint64_t sysfs_sector = 512; ///< bytes; whatever the disk's own sectors are

std::string first_line(const fs::path& file)
{
    std::ifstream stream{file};
    std::string line;
    std::getline(stream, line);
    return line;
}

/// The serial number of the USB device that the disk belongs to; empty: it belongs to none.
std::string usb_serial_of(const fs::path& disk)
{
    std::error_code ignored;
    for (fs::path place = fs::canonical(disk, ignored); place.has_relative_path(); place = place.parent_path())
    {
        if (fs::exists(place / "idVendor", ignored) && fs::exists(place / "idProduct", ignored))
        {
            return first_line(place / "serial");
        }
    }
    return {};
}

std::uint64_t number_in(const fs::path& file)
{
    std::ifstream stream{file};
    std::uint64_t number = 0;
    stream >> number;
    return stream ? number : 0;
}

} // namespace

std::optional<Disk> find_disk(const fs::path& sysfs, std::string_view serial)
{
    std::error_code error;
    std::optional<Disk> found;
    for (const auto& entry : fs::directory_iterator{sysfs / "block", error})
    {
        const std::uint64_t size = number_in(entry.path() / "size") * sysfs_sector;
        if (size != 0 && !serial.empty() && usb_serial_of(entry.path()) == serial)
        {
            if (found)
            {
                return std::nullopt;
            }
            found = Disk{entry.path().filename().string(), size};
        }
    }
    return found;
}

} // namespace fwupdate::usb
