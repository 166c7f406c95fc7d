#include "bmc-agent/daemon/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace fwupdate::agent
{

void notify_service_manager(std::string_view message)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread, and nobody calls setenv
    const char* const name = std::getenv("NOTIFY_SOCKET");
    const std::string_view path = name != nullptr ? name : "";
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof(address.sun_path))
    {
        return;
    }
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    if (path.front() == '@') // the abstract namespace
    {
        address.sun_path[0] = '\0';
    }
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
    {
        return;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    // The service manager times out by itself if this gets lost.
    (void)::sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&address), size);
    ::close(descriptor);
}

} // namespace fwupdate::agent
