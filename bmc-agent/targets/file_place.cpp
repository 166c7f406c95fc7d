#include "bmc-agent/targets/file_place.hpp"

#include "common/bytes.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fwupdate::agent
{
namespace
{

Obstacle link_obstacle(const std::filesystem::path& path)
{
    std::error_code ignored;
    const std::string to = printable(std::filesystem::read_symlink(path, ignored).string());
    return {"is a symbolic link to " + to, "name " + to + " itself", false};
}

/// Something else than a regular file is there.
Obstacle kind_obstacle(const std::filesystem::path& path, mode_t mode)
{
    const std::string rule = "type \"file\" replaces regular files";
    switch (mode & S_IFMT)
    {
    case S_IFLNK:
        return link_obstacle(path);
    case S_IFDIR:
        return {"is a directory", rule + ": name a file in it", false};
    case S_IFCHR:
    case S_IFBLK:
        return {"is a device", rule + ": name one, the device would be lost", false};
    default:
        return {"is a pipe or a socket", rule + ": name one", false};
    }
}

std::optional<Obstacle> directory_obstacle(const std::filesystem::path& directory)
{
    const std::string name = directory.string();
    struct ::stat status
    {
    };
    if (::stat(directory.c_str(), &status) == 0 && !S_ISDIR(status.st_mode))
    {
        return Obstacle{"lies in no directory", "look at what " + name + " is", false};
    }
    if (::access(directory.c_str(), W_OK | X_OK) == 0)
    {
        return std::nullopt;
    }
    const int error = errno;
    if (error == ENOENT)
    {
        return Obstacle{"lies in a directory that is not there", "make or mount " + name, true};
    }
    return Obstacle{"lies in a directory that can't be written: " + std::generic_category().message(error),
                    "let the agent write to " + name + ", it needs to put the new file beside the old one", true};
}

} // namespace

std::filesystem::path beside(const std::filesystem::path& target)
{
    return target.string() + ".fwupdate-new";
}

std::optional<Obstacle> obstacle_at(const std::filesystem::path& path)
{
    struct ::stat status
    {
    };
    if (::lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    {
        return kind_obstacle(path, status.st_mode);
    }
    return directory_obstacle(path.parent_path());
}

} // namespace fwupdate::agent
