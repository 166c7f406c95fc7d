#include "transports/network/host/local_address.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace fwupdate::network
{
namespace
{

constexpr const char* any_port = "623"; // a UDP socket that is only connected sends nothing

struct FreeAddresses
{
    void operator()(addrinfo* list) const
    {
        ::freeaddrinfo(list);
    }
};

std::string numeric(const sockaddr_storage& address, socklen_t length)
{
    std::array<char, INET6_ADDRSTRLEN + 24> text{}; // room for a zone
    const int failed = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, text.data(),
                                     static_cast<socklen_t>(text.size()), nullptr, 0, NI_NUMERICHOST);
    return failed == 0 ? std::string{text.data()} : std::string{};
}

/// Both ends of a socket connected to `peer`; empty: there is no route.
Route try_route(const addrinfo& peer)
{
    const int descriptor = ::socket(peer.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage local{};
    socklen_t length = sizeof(local);
    const bool known = descriptor >= 0 && ::connect(descriptor, peer.ai_addr, peer.ai_addrlen) == 0 &&
                       ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &length) == 0;
    const int problem = errno;
    sockaddr_storage remote{};
    socklen_t remote_length = sizeof(remote);
    const bool both = known && ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&remote), &remote_length) == 0;
    if (descriptor >= 0)
    {
        ::close(descriptor);
    }
    errno = problem;
    return both ? Route{numeric(local, length), numeric(remote, remote_length)} : Route{};
}

} // namespace

Result<Route> route_to(const std::string& host)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), any_port, &hints, &found); failed != 0)
    {
        return fail(ErrorKind::not_found, host + ": " + ::gai_strerror(failed));
    }
    const std::unique_ptr<addrinfo, FreeAddresses> list{found};
    for (const addrinfo* peer = list.get(); peer != nullptr; peer = peer->ai_next)
    {
        Route route = try_route(*peer);
        if (route.local.find('%') != std::string::npos || route.peer.find('%') != std::string::npos)
        {
            return fail(ErrorKind::unsupported,
                        host + " is reached from the link-local address " + route.local + ", which no URI can name");
        }
        if (!route.local.empty() && !route.peer.empty())
        {
            return route;
        }
    }
    return fail(ErrorKind::input_output, "no route to " + host + ": " + std::generic_category().message(errno));
}

std::string uri_host(std::string_view address)
{
    return address.find(':') == std::string_view::npos ? std::string{address} : "[" + std::string{address} + "]";
}

bool is_numeric_address(std::string_view text)
{
    const std::string terminated{text};
    in6_addr address{};
    return ::inet_pton(AF_INET, terminated.c_str(), &address) == 1 ||
           ::inet_pton(AF_INET6, terminated.c_str(), &address) == 1;
}

} // namespace fwupdate::network
