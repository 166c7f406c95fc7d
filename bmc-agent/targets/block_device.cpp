#include "bmc-agent/targets/block_device.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace fwupdate::agent
{
namespace
{

Result<std::filesystem::path> resolved(const std::filesystem::path& path)
{
    std::error_code error;
    auto real = std::filesystem::canonical(path, error);
    if (error)
    {
        return fail(ErrorKind::not_found, "cannot find " + path.string() + ": " + error.message());
    }
    return real;
}

} // namespace

/// The kernel's cache of a device outlives fadvise where others have it open.
void forget_cached(const File& device)
{
    device.drop_cache();
    (void)::ioctl(device.descriptor(), BLKFLSBUF, 0); // not of a file; what is read back then is the file's cache
}

Result<std::uint64_t> capacity_of(const File& device)
{
    const auto status = device.status();
    if (!status)
    {
        return status.error();
    }
    if (S_ISREG(status->st_mode))
    {
        return static_cast<std::uint64_t>(status->st_size);
    }
    std::uint64_t bytes = 0;
    if (!S_ISBLK(status->st_mode) || ::ioctl(device.descriptor(), BLKGETSIZE64, &bytes) != 0)
    {
        return fail(ErrorKind::invalid_field, device.path().string() + " is no block device");
    }
    return bytes;
}

Result<File> open_exclusively(const std::filesystem::path& path)
{
    const auto real = resolved(path);
    if (!real)
    {
        return real.error();
    }
    const bool device = std::filesystem::is_block_file(*real);
    if (!device && !std::filesystem::is_regular_file(*real))
    {
        return fail(ErrorKind::invalid_field, path.string() + " is no block device");
    }
    auto file = File::open(*real, O_RDWR | (device ? O_EXCL : 0)); // without O_CREAT: nobody else may hold it
    if (!file && errno == EBUSY)
    {
        return fail(ErrorKind::wrong_state, path.string() +
                                                " is in use, mounted for instance; nothing was written: stop "
                                                "what uses it, or update another slot");
    }
    return file;
}

} // namespace fwupdate::agent
