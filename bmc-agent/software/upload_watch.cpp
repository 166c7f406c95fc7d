#include "bmc-agent/software/upload_watch.hpp"

#include "bmc-agent/staging/file.hpp"

#include <boost/asio/buffer.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace fwupdate::agent::software
{

Result<std::unique_ptr<UploadWatch>> UploadWatch::start(boost::asio::io_context& loop,
                                                        const std::filesystem::path& directory, Listener listener)
{
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0)
    {
        return system_error("watch", directory);
    }
    if (::inotify_add_watch(descriptor, directory.c_str(), IN_CLOSE_WRITE | IN_ONLYDIR | IN_DONT_FOLLOW) < 0)
    {
        Error error = system_error("watch", directory);
        ::close(descriptor);
        return error;
    }
    std::unique_ptr<UploadWatch> watch{new UploadWatch{loop, descriptor, std::move(listener)}};
    watch->wait();
    return watch;
}

UploadWatch::UploadWatch(boost::asio::io_context& loop, int descriptor, Listener listener)
    : descriptor_{loop, descriptor}, listener_{std::move(listener)}
{
}

/// Ends with the watch: closing the descriptor cancels it.
void UploadWatch::wait()
{
    descriptor_.async_read_some(boost::asio::buffer(buffer_),
                                [this](const boost::system::error_code& error, std::size_t size)
                                {
                                    if (!error)
                                    {
                                        take(size);
                                        wait();
                                    }
                                });
}

/// The kernel writes whole events, each with its name padded with NULs (inotify(7)).
void UploadWatch::take(std::size_t size)
{
    std::size_t at = 0;
    while (size - at >= sizeof(::inotify_event))
    {
        ::inotify_event event{};
        std::memcpy(&event, buffer_.data() + at, sizeof event);
        at += sizeof event;
        if (event.len > size - at)
        {
            return;
        }
        const std::string padded{reinterpret_cast<const char*>(buffer_.data() + at), event.len};
        at += event.len;
        const std::string name = padded.substr(0, padded.find('\0'));
        if ((event.mask & IN_CLOSE_WRITE) != 0 && !name.empty())
        {
            listener_(name);
        }
    }
}

} // namespace fwupdate::agent::software
