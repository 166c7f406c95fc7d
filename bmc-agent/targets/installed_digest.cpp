#include "bmc-agent/targets/installed_digest.hpp"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::uint64_t slice_size = 256UL * 1024; ///< bytes

} // namespace

InstalledDigest::InstalledDigest(std::filesystem::path path) : path_{std::move(path)}
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
    if (::stat(path_.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    {
        identity_.reset();
        installed_.reset();
        file_.close();
        return;
    }
    const Identity identity{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                            status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
    if (identity_ == identity)
    {
        return;
    }
    identity_ = identity;
    installed_.reset();
    hasher_.reset();
    offset_ = 0;
    auto file = File::open(path_, O_RDONLY);
    file_ = file ? std::move(*file) : File{};
}

void InstalledDigest::work()
{
    const std::uint64_t size = identity_ ? identity_->size : 0;
    slice_.resize(std::min(slice_size, size - offset_));
    if (const auto read = file_.read_at(offset_, slice_); !read)
    {
        file_.close(); // unknown until the file changes
        return;
    }
    hasher_.update(slice_);
    offset_ += slice_.size();
    if (offset_ == size)
    {
        installed_ = Installed{size, hasher_.digest()};
        file_.close();
        slice_ = {};
    }
}

} // namespace fwupdate::agent
