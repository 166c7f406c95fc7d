#include "bmc-agent/actions/file_watch.hpp"

#include <sys/inotify.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace fwupdate::agent
{
namespace
{

constexpr std::uint32_t interesting = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                      IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

Error failure(const std::filesystem::path& directory, int error)
{
    return fail(ErrorKind::input_output, "cannot watch the directory " + directory.string() + ": " +
                                             std::generic_category().message(error) +
                                             "; check that it is there and that the agent may read it");
}

} // namespace

Result<void> FileWatch::begin(const std::filesystem::path& file, std::function<void()> changed)
{
    stop();
    const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : ".";
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0)
    {
        return failure(directory, errno);
    }
    descriptor_.assign(descriptor);
    if (::inotify_add_watch(descriptor, directory.c_str(), interesting) < 0)
    {
        const int error = errno;
        stop();
        return failure(directory, error);
    }
    name_ = file.filename();
    changed_ = std::move(changed);
    watching_ = std::make_shared<char>();
    wait();
    return {};
}

void FileWatch::stop() noexcept
{
    watching_.reset();
    boost::system::error_code ignored;
    descriptor_.close(ignored);
}

void FileWatch::wait()
{
    descriptor_.async_read_some(
        boost::asio::buffer(buffer_),
        [this, watching = std::weak_ptr<void>{watching_}](boost::system::error_code error, std::size_t count)
        {
            if (error || watching.expired())
            {
                return;
            }
            if (concerns_us(count))
            {
                const std::function<void()> changed = changed_;
                changed();
            }
            if (!watching.expired())
            {
                wait();
            }
        });
}

/// Of whole events, as inotify(7) has them. An event without a name is the directory's own, or says that events were
/// lost.
bool FileWatch::concerns_us(std::size_t count) const
{
    std::size_t at = 0;
    while (at + sizeof(inotify_event) <= count)
    {
        inotify_event event{};
        std::memcpy(&event, &buffer_[at], sizeof event);
        const char* const name = &buffer_[at] + sizeof event;
        if (event.len == 0 || name_ == name)
        {
            return true;
        }
        at += sizeof event + event.len;
    }
    return false;
}

} // namespace fwupdate::agent
