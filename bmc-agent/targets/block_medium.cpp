#include "bmc-agent/targets/block_medium.hpp"

#include "bmc-agent/targets/device_place.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::uint64_t most_unsynced = 4UL * 1024 * 1024; ///< bytes; keeps a step short on slow media

/// Without O_EXCL on reading: what is installed may well be in use.
Result<File> open_device(const std::filesystem::path& path, int flags)
{
    if (const auto obstacle = block_obstacle(path))
    {
        return fail(obstacle->passing ? ErrorKind::not_found : ErrorKind::invalid_field,
                    path.string() + " " + obstacle->reason + "; " + obstacle->remedy);
    }
    std::error_code error;
    const std::filesystem::path device = std::filesystem::canonical(path, error);
    auto file = File::open(device, flags);
    if (!file && file.error().kind == ErrorKind::wrong_state)
    {
        return fail(ErrorKind::wrong_state, path.string() + " is in use" + mount_remark(path) +
                                                "; unmount or stop what uses it, then update again");
    }
    return file;
}

Result<std::uint64_t> size_of(const File& device)
{
    std::uint64_t size = 0;
    if (::ioctl(device.descriptor(), BLKGETSIZE64, &size) != 0)
    {
        return system_error("ask for the size of", device.path());
    }
    return size;
}

/// Bytes from the part's start on.
Result<std::uint64_t> room_in(const File& device, const DevicePart& part)
{
    const auto size = size_of(device);
    if (!size)
    {
        return size.error();
    }
    if (part.offset >= *size || part.size > *size - part.offset)
    {
        return fail(ErrorKind::no_space, device.path().string() + " has " + std::to_string(*size) +
                                             " bytes: the target's part of it, from byte " +
                                             std::to_string(part.offset) + " on, lies beyond its end");
    }
    return part.size != 0 ? part.size : *size - part.offset;
}

Result<package::ByteSource> open_part(const std::filesystem::path& path, const DevicePart& part, std::uint64_t size)
{
    auto device = open_device(path, O_RDONLY);
    if (!device)
    {
        return device.error();
    }
    const auto room = room_in(*device, part);
    if (!room || *room < size)
    {
        return room ? fail(ErrorKind::length, path.string() + " is shorter than " + std::to_string(size) + " bytes")
                    : room.error();
    }
    const auto file = std::make_shared<File>(std::move(*device));
    return package::ByteSource{size, [file, start = part.offset](std::uint64_t offset, MutableBytes out)
                               { return file->read_at(start + offset, out); }};
}

} // namespace

BlockMedium::BlockMedium(std::filesystem::path path, DevicePart part)
    : path_{std::move(path)}, name_{path_.string()}, part_{part}
{
}

Result<void> BlockMedium::open(std::uint64_t size)
{
    auto device = open_device(path_, O_RDWR | O_EXCL);
    if (!device)
    {
        return device.error();
    }
    device_ = std::move(*device);
    unsynced_ = 0;
    return find_room(size);
}

Result<void> BlockMedium::find_room(std::uint64_t size)
{
    const auto room = room_in(device_, part_);
    if (!room)
    {
        return room.error();
    }
    int read_only = 0;
    if (::ioctl(device_.descriptor(), BLKROGET, &read_only) == 0 && read_only != 0) // it opens, and refuses each write
    {
        return fail(ErrorKind::denied,
                    name_ + " is write-protected; take the protection off, as with blockdev --setrw");
    }
    room_ = *room;
    if (size > room_)
    {
        return fail(ErrorKind::no_space, "the image has " + std::to_string(size) + " bytes, and " + name_ + " takes " +
                                             std::to_string(room_));
    }
    return {};
}

void BlockMedium::close() noexcept
{
    device_.close();
}

Result<Placed> BlockMedium::clear_head()
{
    const Bytes zeros(std::min<std::uint64_t>(chunk, room_));
    if (const auto written = device_.write_at(part_.offset, zeros); !written)
    {
        return written.error();
    }
    const auto synced = device_.sync();
    return synced ? Result<Placed>{Placed::written} : Result<Placed>{synced.error()};
}

Result<Placed> BlockMedium::write(std::uint64_t index, ConstBytes bytes)
{
    const std::uint64_t place = part_.offset + index * chunk;
    if (const auto written = device_.write_at(place, bytes); !written)
    {
        return written.error();
    }
    device_.start_write_out(place, bytes.size());
    unsynced_ += bytes.size();
    const auto synced = unsynced_ >= most_unsynced ? device_.sync() : Result<void>{};
    unsynced_ = unsynced_ >= most_unsynced ? 0 : unsynced_;
    return synced ? Result<Placed>{Placed::written} : Result<Placed>{synced.error()};
}

Result<void> BlockMedium::flush()
{
    unsynced_ = 0;
    if (auto synced = device_.sync(); !synced)
    {
        return synced;
    }
    // Both only as far as the kernel lets: what stays cached is compared all the same.
    device_.drop_cache();
    (void)::ioctl(device_.descriptor(), BLKFLSBUF, 0);
    return {};
}

Result<void> BlockMedium::read(std::uint64_t index, MutableBytes out)
{
    return device_.read_at(part_.offset + index * chunk, out);
}

std::optional<InstalledContent> BlockMedium::installed(std::uint64_t size) const
{
    struct ::stat status
    {
    };
    if (::stat(path_.c_str(), &status) != 0 || !S_ISBLK(status.st_mode))
    {
        return std::nullopt;
    }
    return InstalledContent{{status.st_rdev, 0, size, 0, 0},
                            [path = path_, part = part_, size] { return open_part(path, part, size); }};
}

} // namespace fwupdate::agent
