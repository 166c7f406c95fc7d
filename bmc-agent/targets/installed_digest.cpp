#include "bmc-agent/targets/installed_digest.hpp"

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::uint64_t slice_size = 256UL * 1024; ///< bytes

Result<package::ByteSource> file_source(const std::filesystem::path& path, std::uint64_t size)
{
    auto opened = File::open(path, O_RDONLY);
    if (!opened)
    {
        return opened.error();
    }
    auto file = std::make_shared<File>(std::move(*opened));
    return package::ByteSource{size,
                               [file](std::uint64_t offset, MutableBytes out) { return file->read_at(offset, out); }};
}

} // namespace

InstalledDigest::InstalledDigest(std::filesystem::path path, Opener open)
    : path_{std::move(path)}, open_{std::move(open)}
{
    refresh();
}

void InstalledDigest::move_to(const std::filesystem::path& path)
{
    if (path != path_)
    {
        path_ = path;
        refresh();
    }
}

void InstalledDigest::refresh()
{
    struct ::stat status
    {
    };
    const bool there = ::stat(path_.c_str(), &status) == 0;
    if (there && (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)))
    {
        look_at_device(status.st_rdev);
        return;
    }
    if (!there || !S_ISREG(status.st_mode))
    {
        stop();
        return;
    }
    const Identity identity{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                            status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
    if (identity_ != identity)
    {
        start(identity, file_source(path_, identity.size));
    }
}

void InstalledDigest::look_at_device(std::uint64_t device)
{
    if (expected_ == 0 || !open_)
    {
        stop();
        return;
    }
    const Identity identity{device, generation_, expected_, 0, 0};
    if (identity_ != identity)
    {
        start(identity, open_(expected_));
    }
}

void InstalledDigest::expect(std::uint64_t size)
{
    expected_ = size;
    ++generation_;
    refresh();
}

/// A source that can't be opened leaves it unknown until something changes.
void InstalledDigest::start(Identity identity, Result<package::ByteSource> source)
{
    stop();
    identity_ = identity;
    source_ = source ? std::move(*source) : package::ByteSource{};
}

void InstalledDigest::stop()
{
    identity_.reset();
    installed_.reset();
    source_ = {};
    hasher_.reset();
    offset_ = 0;
}

void InstalledDigest::work()
{
    const std::uint64_t size = identity_ ? identity_->size : 0;
    slice_.resize(std::min(slice_size, size - offset_));
    if (const auto read = source_.read(offset_, slice_); !read)
    {
        source_ = {}; // unknown until it changes
        return;
    }
    hasher_.update(slice_);
    offset_ += slice_.size();
    if (offset_ == size)
    {
        installed_ = Installed{size, hasher_.digest()};
        source_ = {};
        slice_ = {};
    }
}

} // namespace fwupdate::agent
