#include "transports/usb-mass-storage/bmc/drive_image.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>

namespace fwupdate::usb
{
namespace
{

constexpr mode_t ours_only = 0600;
constexpr mode_t readable = 0444; ///< the folder is still ours alone: a reader gets a descriptor
constexpr std::int64_t second = 1'000'000'000;

Error file_error(const std::string& what, const std::filesystem::path& path)
{
    const int error = errno;
    const ErrorKind kind = error == ENOSPC || error == EFBIG ? ErrorKind::no_space : ErrorKind::input_output;
    return fail(kind, "cannot " + what + " " + path.string() + ": " + std::generic_category().message(error));
}

} // namespace

Result<std::shared_ptr<DriveImage>> DriveImage::create(const std::filesystem::path& path, std::uint64_t size)
{
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, ours_only);
    if (descriptor < 0)
    {
        return file_error("make", path);
    }
    auto image = std::make_shared<DriveImage>(descriptor, path);
    if (::ftruncate(descriptor, static_cast<off_t>(size)) != 0)
    {
        return file_error("make a file of " + std::to_string(size) + " bytes at", path);
    }
    return image;
}

DriveImage::~DriveImage()
{
    ::close(descriptor_);
    std::error_code ignored; // the next drive replaces it
    std::filesystem::remove(path_, ignored);
}

std::int64_t DriveImage::written() const
{
    struct ::stat status
    {
    };
    return ::fstat(descriptor_, &status) == 0 ? status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec : 0;
}

Result<void> DriveImage::clear_partition_table() const
{
    constexpr std::array<std::uint8_t, 64> nothing{}; // four entries of 16 bytes
    constexpr off_t place = 446;                      // of the first sector; FAT has boot code there, we have none
    const bool written = ::pwrite(descriptor_, nothing.data(), nothing.size(), place) == std::ssize(nothing);
    return written ? Result<void>{} : file_error("write", path_);
}

bool DriveImage::is_dirty() const
{
    // FAT's boot sector: the sectors per table of FAT12 and FAT16, 0 on FAT32; the state byte of either, whose lowest
    // bit Linux sets when it mounts and clears when it unmounts; reserved sectors and bytes per sector lead to the
    // table, whose second entry has Windows' mark, set when clean.
    constexpr std::size_t table_sectors = 22;
    constexpr std::size_t state_16 = 37;
    constexpr std::size_t state_32 = 65;
    std::array<std::uint8_t, 512> boot{};
    if (::pread(descriptor_, boot.data(), boot.size(), 0) != std::ssize(boot))
    {
        return false; // the reader will say that it is none
    }
    const auto word = [&boot](std::size_t at) { return boot[at] | boot[at + 1] << 8; };
    if (word(510) != 0xAA55)
    {
        return false; // no FAT: the same
    }
    const bool is_32 = word(table_sectors) == 0;
    if ((boot[is_32 ? state_32 : state_16] & 0x01) != 0)
    {
        return true;
    }
    std::array<std::uint8_t, 4> entry{};
    const off_t table = static_cast<off_t>(word(14)) * word(11);
    const bool read = is_32 && ::pread(descriptor_, entry.data(), entry.size(), table + 4) == std::ssize(entry);
    return read && (entry[3] & 0x08) == 0;
}

Result<void> DriveImage::seal()
{
    if (::fsync(descriptor_) != 0 || ::fchmod(descriptor_, readable) != 0)
    {
        return file_error("write", path_);
    }
    const int reader = ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (reader < 0)
    {
        return file_error("read", path_);
    }
    ::close(std::exchange(descriptor_, reader));
    return {};
}

} // namespace fwupdate::usb
