#include "bmc-agent/targets/mtd_device.hpp"

#include "bmc-agent/targets/device_place.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/types.h> // loff_t, which the next one needs

#include <mtd/mtd-user.h>

#include <cerrno>
#include <charconv>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t longest_number = 32; ///< bytes of a file in sysfs

unsigned number_of(dev_t device)
{
    return gnu_dev_minor(device) / 2; // the odd ones are the read-only devices
}

/// MEMGETINFO has 32 bits for it.
std::uint64_t size_of(const struct ::stat& status, const mtd_info_user& info)
{
    const auto text =
        read_file("/sys/class/mtd/mtd" + std::to_string(number_of(status.st_rdev)) + "/size", longest_number);
    std::uint64_t size = info.size;
    if (text)
    {
        std::from_chars(text->data(), text->data() + text->size(), size);
    }
    return size;
}

bool can_be_written(const mtd_info_user& info)
{
    return (info.flags & MTD_WRITEABLE) != 0 && info.type != MTD_ROM && info.type != MTD_ABSENT;
}

} // namespace

Result<std::unique_ptr<MtdDevice>> MtdDevice::open(const std::filesystem::path& path, FlashPlace::Access access)
{
    auto file = File::open(path, access == FlashPlace::Access::writing ? O_RDWR : O_RDONLY);
    if (!file)
    {
        return file.error();
    }
    std::unique_ptr<MtdDevice> device{new MtdDevice{std::move(*file)}};
    if (const auto asked = device->ask_geometry(access); !asked)
    {
        return asked.error();
    }
    return device;
}

Result<void> MtdDevice::ask_geometry(FlashPlace::Access access)
{
    mtd_info_user info{};
    const auto status = file_.status();
    if (!status || ::ioctl(file_.descriptor(), MEMGETINFO, &info) != 0)
    {
        return status ? system_error("ask for the geometry of", file_.path()) : status.error();
    }
    const std::string path = file_.path().string();
    if (access == FlashPlace::Access::writing && !can_be_written(info))
    {
        return fail(ErrorKind::invalid_field, path + " is read-only flash; name one that can be written");
    }
    if (info.erasesize == 0 || info.writesize == 0 || info.erasesize % info.writesize != 0)
    {
        return fail(ErrorKind::invalid_field, path + " has no erase blocks; name flash that has them");
    }
    const bool nand = info.type == MTD_NANDFLASH || info.type == MTD_MLCNANDFLASH;
    geometry_ = {size_of(*status, info) / info.erasesize, info.erasesize, info.writesize, nand};
    overwrites_ = (info.flags & MTD_NO_ERASE) != 0;
    return {};
}

Result<bool> MtdDevice::is_bad(std::uint64_t block)
{
    auto start = static_cast<loff_t>(start_of(block));
    const int bad = ::ioctl(file_.descriptor(), MEMGETBADBLOCK, &start);
    if (bad < 0 && errno != EOPNOTSUPP)
    {
        return system_error("ask for bad blocks of", file_.path());
    }
    return bad > 0;
}

int MtdDevice::erase_range(std::uint64_t start) const
{
    if (wide_erase_)
    {
        erase_info_user64 range{start, geometry_.block_size};
        return ::ioctl(file_.descriptor(), MEMERASE64, &range);
    }
    erase_info_user range{static_cast<std::uint32_t>(start), geometry_.block_size};
    return ::ioctl(file_.descriptor(), MEMERASE, &range);
}

Result<bool> MtdDevice::erase(std::uint64_t block)
{
    if (overwrites_)
    {
        return program(block, Bytes(geometry_.block_size, 0xFF));
    }
    int result = erase_range(start_of(block));
    const bool fits_in_32_bits = start_of(block) + geometry_.block_size <= 1ULL << 32;
    if (result != 0 && errno == ENOTTY && std::exchange(wide_erase_, false) && fits_in_32_bits)
    {
        result = erase_range(start_of(block));
    }
    if (result != 0 && errno != EIO)
    {
        return system_error("erase", file_.path());
    }
    return result == 0;
}

Result<bool> MtdDevice::program(std::uint64_t block, ConstBytes pages)
{
    auto place = static_cast<off_t>(start_of(block));
    while (!pages.empty())
    {
        const ssize_t count = ::pwrite(file_.descriptor(), pages.data(), pages.size(), place);
        if (count < 0 && errno == EIO)
        {
            return false;
        }
        if (count == 0)
        {
            return fail(ErrorKind::input_output,
                        "cannot write " + file_.path().string() + ": the driver takes no bytes");
        }
        if (count < 0 && errno != EINTR)
        {
            return system_error("write", file_.path());
        }
        const std::size_t written = count < 0 ? 0 : static_cast<std::size_t>(count);
        place += static_cast<off_t>(written);
        pages = pages.subspan(written);
    }
    return true;
}

Result<void> MtdDevice::mark_bad(std::uint64_t block)
{
    auto start = static_cast<loff_t>(start_of(block));
    if (::ioctl(file_.descriptor(), MEMSETBADBLOCK, &start) != 0)
    {
        return system_error("mark a worn block of", file_.path());
    }
    return {};
}

Result<void> MtdDevice::read(std::uint64_t block, std::uint64_t offset, MutableBytes out)
{
    return file_.read_at(start_of(block) + offset, out);
}

/// The device knows no fsync; what drivers hold back (block2mtd) they write when a descriptor for writing is closed.
Result<void> MtdDevice::flush()
{
    const auto closing = File::open(file_.path(), O_WRONLY);
    return closing ? Result<void>{} : Result<void>{closing.error()};
}

Result<std::unique_ptr<Flash>> MtdPlace::open(Access access) const
{
    if (const auto obstacle = mtd_obstacle(path_))
    {
        return fail(obstacle->passing ? ErrorKind::not_found : ErrorKind::invalid_field,
                    name_ + " " + obstacle->reason + "; " + obstacle->remedy);
    }
    const auto path = mtd_path(path_);
    if (!path)
    {
        return path.error();
    }
    std::error_code error;
    const std::filesystem::path device = std::filesystem::canonical(*path, error);
    const auto user = access == Access::writing ? user_of_mtd(number_of(*identity())) : std::nullopt;
    if (user)
    {
        return fail(ErrorKind::wrong_state, name_ + " " + *user + "; unmount or detach it, then update again");
    }
    auto opened = MtdDevice::open(device, access);
    return opened ? Result<std::unique_ptr<Flash>>{std::move(*opened)} : Result<std::unique_ptr<Flash>>{opened.error()};
}

std::optional<std::uint64_t> MtdPlace::identity() const
{
    const auto path = mtd_path(path_);
    struct ::stat status
    {
    };
    if (!path || ::stat(path->c_str(), &status) != 0 || !S_ISCHR(status.st_mode))
    {
        return std::nullopt;
    }
    return status.st_rdev;
}

} // namespace fwupdate::agent
