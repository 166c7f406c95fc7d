#include "bmc-agent/targets/block_target.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t slice_size = 256UL * 1024; ///< bytes of one step

/// The kernel's cache of a device outlives fadvise where others have it open.
void forget_cached(const File& device)
{
    device.drop_cache();
    (void)::ioctl(device.descriptor(), BLKFLSBUF, 0); // not of a file; what is read back then is the file's cache
}

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

Result<void> BlockTarget::begin(VerifiedImage image)
{
    cancel();
    auto device = open_exclusively(path_);
    const auto capacity = device ? capacity_of(*device) : Result<std::uint64_t>{device.error()};
    if (!capacity)
    {
        return capacity.error();
    }
    if (image.bytes.size > *capacity)
    {
        return fail(ErrorKind::no_space, "the image has " + std::to_string(image.bytes.size) + " bytes, " +
                                             path_.string() + " holds " + std::to_string(*capacity) +
                                             "; nothing was written");
    }
    device_ = std::move(*device);
    image_ = std::move(image);
    image_size_ = image_.bytes.size;
    hasher_.reset();
    offset_ = 0;
    done_ = 0;
    phase_ = Phase::taking_head;
    return {};
}

Result<bool> BlockTarget::step()
{
    auto finished = work();
    if (!finished || *finished)
    {
        cancel();
    }
    return finished;
}

Result<bool> BlockTarget::work()
{
    Result<void> moved;
    switch (phase_)
    {
    case Phase::stopped:
        return fail(ErrorKind::wrong_state, "nothing is being written to " + path_.string());
    case Phase::taking_head:
        moved = take_head();
        break;
    case Phase::writing:
        moved = write_slice();
        break;
    case Phase::writing_head:
        moved = write_head();
        break;
    case Phase::reading_back:
        moved = read_back_slice();
        break;
    }
    if (!moved)
    {
        return moved.error();
    }
    if (phase_ != Phase::reading_back || offset_ < image_size_)
    {
        return false;
    }
    if (hasher_.digest() != image_.sha256)
    {
        return fail(ErrorKind::integrity,
                    "what was written to " + path_.string() + " reads back differently; check the medium");
    }
    return true;
}

Result<void> BlockTarget::take_head()
{
    head_.resize(std::min<std::uint64_t>(head_size, image_size_));
    if (const auto read = image_.bytes.read(0, head_); !read)
    {
        return read.error();
    }
    slice_.assign(head_.size(), 0);
    if (const auto written = device_.write_at(0, slice_); !written)
    {
        return written.error();
    }
    offset_ = head_.size();
    done_ = head_.size();
    phase_ = offset_ < image_size_ ? Phase::writing : Phase::writing_head;
    return device_.sync(); // before anything else changes
}

Result<void> BlockTarget::write_slice()
{
    slice_.resize(std::min<std::uint64_t>(slice_size, image_size_ - offset_));
    if (const auto read = image_.bytes.read(offset_, slice_); !read)
    {
        return read.error();
    }
    if (const auto written = device_.write_at(offset_, slice_); !written)
    {
        return written.error();
    }
    device_.start_write_out(offset_, slice_.size());
    offset_ += slice_.size();
    done_ += slice_.size();
    phase_ = offset_ < image_size_ ? Phase::writing : Phase::writing_head;
    return {};
}

/// Only when the rest is on the medium.
Result<void> BlockTarget::write_head()
{
    if (const auto synced = device_.sync(); !synced)
    {
        return synced.error();
    }
    if (const auto written = device_.write_at(0, head_); !written)
    {
        return written.error();
    }
    if (const auto synced = device_.sync(); !synced)
    {
        return synced.error();
    }
    forget_cached(device_);
    offset_ = 0;
    phase_ = Phase::reading_back;
    return {};
}

Result<void> BlockTarget::read_back_slice()
{
    slice_.resize(std::min<std::uint64_t>(slice_size, image_size_ - offset_));
    if (const auto read = device_.read_at(offset_, slice_); !read)
    {
        return read.error();
    }
    hasher_.update(slice_);
    offset_ += slice_.size();
    done_ += slice_.size();
    return {};
}

void BlockTarget::cancel() noexcept
{
    device_.close();
    phase_ = Phase::stopped;
    image_ = {};
    head_ = {};
    slice_ = {};
}

Result<package::ByteSource> BlockTarget::installed_bytes(std::uint64_t size) const
{
    const auto real = resolved(path_);
    if (!real)
    {
        return real.error();
    }
    auto opened = File::open(*real, O_RDONLY);
    const auto capacity = opened ? capacity_of(*opened) : Result<std::uint64_t>{opened.error()};
    if (!capacity)
    {
        return capacity.error();
    }
    if (size > *capacity)
    {
        return fail(ErrorKind::length, path_.string() + " is smaller than what was programmed");
    }
    auto device = std::make_shared<File>(std::move(*opened));
    return package::ByteSource{size, [device](std::uint64_t offset, MutableBytes out)
                               { return device->read_at(offset, out); }};
}

} // namespace fwupdate::agent
