#include "bmc-agent/daemon/state_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

namespace fwupdate::agent
{

Result<StateLock> StateLock::take(const std::filesystem::path& directory)
{
    auto file = File::open(directory / "lock", O_RDWR | O_CREAT);
    if (!file)
    {
        return file.error();
    }
    if (::flock(file->descriptor(), LOCK_EX | LOCK_NB) != 0)
    {
        return errno == EWOULDBLOCK
                   ? fail(ErrorKind::wrong_state, "another agent uses " + directory.string() +
                                                      "; stop it, or give this one a staging directory of its own")
                   : system_error("lock", file->path());
    }
    return StateLock{std::move(*file)};
}

} // namespace fwupdate::agent
