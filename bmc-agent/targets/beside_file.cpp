#include "bmc-agent/targets/beside_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace fwupdate::agent
{
namespace
{

bool lock(const File& file) noexcept
{
    return ::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0;
}

bool is_there(const std::filesystem::path& path) noexcept
{
    struct ::stat status
    {
    };
    return ::lstat(path.c_str(), &status) == 0;
}

Error in_the_way(const std::filesystem::path& path)
{
    return fail(ErrorKind::wrong_state, path.string() + " is in the way: another agent is writing it, or it can't be "
                                                        "removed; give each agent targets of its own, or remove it");
}

} // namespace

void remove_abandoned(const std::filesystem::path& path)
{
    auto file = File::open(path, O_RDWR | O_NONBLOCK); // NFS locks only what is open for writing
    if (!file)
    {
        file = File::open(path, O_RDONLY | O_NONBLOCK);
    }
    struct ::stat status
    {
    };
    // A link is nobody's work, and can't be opened here.
    const bool link = ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    if (link || (file && lock(*file) && still_in_place(*file)))
    {
        ::unlink(path.c_str());
    }
}

Result<File> make_locked(const std::filesystem::path& path, mode_t mode)
{
    // Between making and locking it, an agent that just starts may find the file abandoned and remove it: once more.
    for (int attempt = 0; attempt < 3; ++attempt)
    {
        remove_abandoned(path);
        auto file = File::open(path, O_RDWR | O_CREAT | O_EXCL, mode);
        if (!file && !is_there(path))
        {
            return file.error();
        }
        if (file && lock(*file) && still_in_place(*file))
        {
            return file;
        }
    }
    return in_the_way(path);
}

Result<void> copy_owner_and_mode(const struct ::stat& from, const File& to)
{
    constexpr mode_t permissions = S_IRWXU | S_IRWXG | S_IRWXO; // set-id bits say nothing on an image
    const auto ours = to.status();
    if (!ours)
    {
        return ours.error();
    }
    // The mode first: it is the owner's to change.
    if (((ours->st_mode ^ from.st_mode) & permissions) != 0 &&
        ::fchmod(to.descriptor(), from.st_mode & permissions) != 0)
    {
        return system_error("keep the permissions of the old file for", to.path());
    }
    const bool same_owner = ours->st_uid == from.st_uid && ours->st_gid == from.st_gid;
    if (!same_owner && ::fchown(to.descriptor(), from.st_uid, from.st_gid) != 0)
    {
        Error error = system_error("keep the owner of the old file for", to.path());
        error.text += "; let the agent change owners (CAP_CHOWN), or give it the old file";
        return error;
    }
    return {};
}

bool still_in_place(const File& file) noexcept
{
    struct ::stat there
    {
    };
    struct ::stat ours
    {
    };
    return ::lstat(file.path().c_str(), &there) == 0 && ::fstat(file.descriptor(), &ours) == 0 &&
           there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

} // namespace fwupdate::agent
