#include "bmc-agent/targets/file_target.hpp"

#include "bmc-agent/targets/beside_file.hpp"
#include "bmc-agent/targets/file_place.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t slice_size = 256UL * 1024; ///< bytes of one step

} // namespace

FileTarget::FileTarget(std::filesystem::path path) : path_{std::move(path)}
{
    remove_abandoned(beside(path_));
}

FileTarget::~FileTarget()
{
    cancel();
}

Result<void> FileTarget::begin(VerifiedImage image)
{
    cancel();
    if (const auto obstacle = obstacle_at(path_))
    {
        return fail(ErrorKind::input_output, path_.string() + " " + obstacle->reason + "; " + obstacle->remedy);
    }
    if (const auto made = make_file(image.bytes.size); !made)
    {
        cancel();
        return made.error();
    }
    image_ = std::move(image);
    hasher_.reset();
    offset_ = 0;
    done_ = 0;
    total_ = 2 * image_.bytes.size;
    phase_ = Phase::writing;
    return {};
}

Result<void> FileTarget::make_file(std::uint64_t size)
{
    struct ::stat old
    {
    };
    const bool replaces = ::lstat(path_.c_str(), &old) == 0;
    // Nobody may open it before it has the old one's permissions.
    auto file = make_locked(beside(path_), replaces ? 0600 : 0644);
    if (!file)
    {
        return file.error();
    }
    file_ = std::move(*file);
    if (const auto kept = replaces ? copy_owner_and_mode(old, file_) : Result<void>{}; !kept)
    {
        return kept.error();
    }
    return file_.reserve(size);
}

Result<bool> FileTarget::step()
{
    auto finished = work();
    if (!finished)
    {
        cancel();
    }
    return finished;
}

Result<bool> FileTarget::work()
{
    if (phase_ == Phase::stopped)
    {
        return fail(ErrorKind::wrong_state, "nothing is being written to " + path_.string());
    }
    const bool writing = phase_ == Phase::writing;
    if (const auto moved = writing ? write_slice() : read_back_slice(); !moved)
    {
        return moved.error();
    }
    if (offset_ < total_ / 2)
    {
        return false;
    }
    if (hasher_.digest() != image_.sha256)
    {
        return fail(ErrorKind::integrity, writing
                                              ? "the staged image changed after it was verified; nothing was replaced"
                                              : "what was written beside " + path_.string() +
                                                    " reads back differently; nothing was replaced, check the medium");
    }
    if (writing)
    {
        const auto started = start_reading_back();
        return started ? Result<bool>{false} : Result<bool>{started.error()};
    }
    if (const auto replaced = put_in_place(); !replaced)
    {
        return replaced.error();
    }
    file_.close();
    phase_ = Phase::stopped;
    image_ = {}; // what unpacks it needs memory
    slice_ = {};
    return true;
}

std::size_t FileTarget::next_slice()
{
    slice_.resize(std::min<std::uint64_t>(slice_size, total_ / 2 - offset_));
    return slice_.size();
}

Result<void> FileTarget::write_slice()
{
    const std::size_t size = next_slice();
    if (const auto read = image_.bytes.read(offset_, slice_); !read)
    {
        return read.error();
    }
    hasher_.update(slice_);
    if (const auto written = file_.write_at(offset_, slice_); !written)
    {
        return written.error();
    }
    file_.start_write_out(offset_, size);
    offset_ += size;
    done_ += size;
    return {};
}

Result<void> FileTarget::start_reading_back()
{
    if (const auto synced = file_.sync(); !synced)
    {
        return synced.error();
    }
    file_.drop_cache();
    hasher_.reset();
    offset_ = 0;
    phase_ = Phase::reading_back;
    return {};
}

Result<void> FileTarget::read_back_slice()
{
    const std::size_t size = next_slice();
    if (const auto read = file_.read_at(offset_, slice_); !read)
    {
        return read.error();
    }
    hasher_.update(slice_);
    offset_ += size;
    done_ += size;
    return {};
}

Result<void> FileTarget::put_in_place()
{
    // What was verified is the open file; what would be renamed is the name.
    if (!still_in_place(file_))
    {
        return fail(ErrorKind::integrity,
                    "somebody replaced " + file_.path().string() +
                        " while it was written; nothing was put in place, find out who works there");
    }
    return replace_file(file_.path(), path_);
}

void FileTarget::cancel() noexcept
{
    if (file_.is_open())
    {
        if (still_in_place(file_)) // else it is somebody else's, or the target already
        {
            ::unlink(file_.path().c_str());
        }
        file_.close();
    }
    phase_ = Phase::stopped;
    image_ = {};
    slice_ = {};
}

} // namespace fwupdate::agent
