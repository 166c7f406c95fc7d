#include "transports/usb-mass-storage/host/beside.hpp"
#include "transports/usb-mass-storage/host/host_drives.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

namespace fwupdate::usb
{
namespace
{

constexpr std::uint64_t piece = 512U << 10; ///< bytes between two reports
constexpr std::uint64_t ahead = 8 * piece;  ///< bytes on their way to the drive
constexpr std::chrono::milliseconds report_interval{200};

Error drive_error(const std::string& what)
{
    const int error = errno;
    return fail(error == ENOSPC ? ErrorKind::no_space : ErrorKind::input_output,
                "cannot " + what + ": " + std::generic_category().message(error));
}

/// A mount in a name space of this thread: nobody else sees it, and it ends with the process, however that ends.
class Mount
{
  public:
    Mount() = default;
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;
    ~Mount()
    {
        static_cast<void>(end());
    }

    Result<void> begin(const std::string& device)
    {
        std::string place = "/tmp/fwupdate-drive-XXXXXX";
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
        {
            return drive_error("make a name space for mounting (it takes root)");
        }
        if (::mkdtemp(place.data()) == nullptr)
        {
            return drive_error("make " + place);
        }
        place_ = place;
        if (::mount(device.c_str(), place_.c_str(), "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, nullptr) !=
            0)
        {
            const Error error = errno == ENODEV ? fail(ErrorKind::unsupported, "this system's kernel has no vfat")
                                                : drive_error("mount the drive as vfat");
            ::rmdir(place_.c_str());
            place_.clear();
            return error;
        }
        return {};
    }

    /// Unmounts, which waits until everything is on the drive.
    Result<void> end()
    {
        const std::string place = std::exchange(place_, {});
        if (place.empty())
        {
            return {};
        }
        const bool unmounted = ::umount(place.c_str()) == 0;
        Result<void> result = unmounted ? Result<void>{} : drive_error("unmount the drive");
        if (!unmounted)
        {
            ::umount2(place.c_str(), MNT_DETACH);
        }
        ::rmdir(place.c_str());
        return result;
    }

    [[nodiscard]] const std::string& place() const
    {
        return place_;
    }

  private:
    std::string place_;
};

class OpenFile
{
  public:
    explicit OpenFile(int descriptor) : descriptor_{descriptor} {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile()
    {
        if (descriptor_ >= 0)
        {
            ::close(descriptor_);
        }
    }
    [[nodiscard]] int get() const
    {
        return descriptor_;
    }

  private:
    int descriptor_;
};

Result<void> write_all(int descriptor, ConstBytes bytes)
{
    while (!bytes.empty())
    {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR)
        {
            return drive_error("write to the drive");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    return {};
}

/// Waits until a part of the file is on the drive; without `wait` it is only sent on its way.
Result<void> sync_part(int descriptor, std::uint64_t offset, std::uint64_t count, bool wait)
{
    const unsigned flags =
        wait ? SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER : SYNC_FILE_RANGE_WRITE;
    const int result = ::sync_file_range(descriptor, static_cast<off64_t>(offset), static_cast<off64_t>(count), flags);
    return result == 0 ? Result<void>{} : drive_error("write to the drive");
}

/// Progress is what the BMC has, not what waits in memory: a piece counts when it is on the drive. Some pieces are on
/// their way at a time, so that the drive always has work.
class Copy
{
  public:
    Copy(const DriveFile& file, int descriptor) : file_{file}, descriptor_{descriptor} {}

    Result<void> run()
    {
        for (std::uint64_t offset = 0; offset < file_.size; offset += piece)
        {
            if (auto sent = send(offset); !sent)
            {
                return sent;
            }
            if (offset < ahead)
            {
                continue;
            }
            if (auto arrived = wait_for(offset - ahead + piece); !arrived)
            {
                return arrived;
            }
        }
        if (auto arrived = wait_for(file_.size); !arrived)
        {
            return arrived;
        }
        return ::fsync(descriptor_) == 0 ? Result<void>{} : drive_error("write to the drive");
    }

  private:
    Result<void> send(std::uint64_t offset)
    {
        const std::uint64_t count = std::min<std::uint64_t>(piece, file_.size - offset);
        const auto bytes = file_.read(offset, static_cast<std::size_t>(count));
        if (!bytes)
        {
            return bytes.error();
        }
        if (auto written = write_all(descriptor_, *bytes); !written)
        {
            return written;
        }
        return sync_part(descriptor_, offset, count, false);
    }

    /// Until the file's first `end` bytes are on the drive.
    Result<void> wait_for(std::uint64_t end)
    {
        if (auto synced = sync_part(descriptor_, done_, end - done_, true); !synced)
        {
            return synced;
        }
        done_ = end;
        return file_.progress(done_) ? Result<void>{} : fail(ErrorKind::timeout, "interrupted");
    }

    const DriveFile& file_;
    int descriptor_;
    std::uint64_t done_{0};
};

/// The device's descriptor, after a look that the name in /dev is this disk and no other. Errors: input_output.
Result<int> open_device(const Disk& disk)
{
    const std::string path = "/dev/" + disk.name;
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct ::stat status
    {
    };
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0)
    {
        return drive_error("open " + path);
    }
    std::ifstream stream{"/sys/block/" + disk.name + "/dev"};
    std::string number;
    std::getline(stream, number);
    if (!S_ISBLK(status.st_mode) ||
        number != std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev)))
    {
        ::close(descriptor);
        return fail(ErrorKind::input_output, path + " is not the disk that the kernel calls " + disk.name);
    }
    return descriptor;
}

/// Lets the kernel let go of the disk: it empties the disk's cache now, and not when the drive is gone.
void release(const Disk& disk)
{
    const OpenFile control{::open(("/sys/block/" + disk.name + "/device/delete").c_str(), O_WRONLY | O_CLOEXEC)};
    if (control.get() >= 0)
    {
        (void)!::write(control.get(), "1", 1); // only tidier
    }
}

/// Blocks: each step may wait for the drive as long as the kernel does.
Result<void> write_file(const Disk& disk, const DriveFile& file)
{
    const auto device = open_device(disk);
    if (!device)
    {
        return device.error();
    }
    const OpenFile held{*device};
    Mount mount;
    if (auto mounted = mount.begin("/proc/self/fd/" + std::to_string(held.get())); !mounted)
    {
        return mounted;
    }
    const std::string path = mount.place() + "/" + file.name;
    {
        const OpenFile target{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
        if (target.get() < 0)
        {
            return drive_error("make the file " + file.name + " on the drive");
        }
        if (auto copied = Copy(file, target.get()).run(); !copied)
        {
            return copied;
        }
    }
    auto ended = mount.end();
    if (ended)
    {
        release(disk);
    }
    return ended;
}

} // namespace

Result<void> SystemDrives::check() const
{
    if (::geteuid() != 0)
    {
        return fail(ErrorKind::denied, "mounting the drive takes root");
    }
    std::error_code ignored;
    if (!std::filesystem::is_directory("/sys/block", ignored))
    {
        return fail(ErrorKind::unsupported, "this system shows no disks in /sys/block");
    }
    return {};
}

Result<void> SystemDrives::write(const Disk& disk, const DriveFile& file)
{
    std::atomic<std::uint64_t> on_drive{0};
    std::atomic<bool> wanted{true};
    DriveFile blocking = file;
    blocking.progress = [&](std::uint64_t written)
    {
        on_drive = written;
        return wanted.load();
    };
    return run_beside([&] { return write_file(disk, blocking); }, report_interval,
                      [&] { wanted = file.progress(on_drive) && wanted; });
}

} // namespace fwupdate::usb
