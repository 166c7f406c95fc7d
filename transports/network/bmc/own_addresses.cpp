#include "transports/network/bmc/own_addresses.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

namespace fwupdate::network
{
namespace
{

struct FreeAddresses
{
    void operator()(ifaddrs* list) const
    {
        ::freeifaddrs(list);
    }
};

} // namespace

Result<std::vector<Address>> own_addresses()
{
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0)
    {
        return fail(ErrorKind::input_output, "cannot tell the BMC's own addresses, " +
                                                 std::generic_category().message(errno) +
                                                 ": the agent needs AF_NETLINK sockets");
    }
    const std::unique_ptr<ifaddrs, FreeAddresses> owner{list};
    std::vector<Address> addresses;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next)
    {
        if (entry->ifa_addr == nullptr)
        {
            continue;
        }
        if (entry->ifa_addr->sa_family == AF_INET)
        {
            sockaddr_in address{};
            std::memcpy(&address, entry->ifa_addr, sizeof address);
            addresses.emplace_back(boost::asio::ip::address_v4{ntohl(address.sin_addr.s_addr)});
        }
        else if (entry->ifa_addr->sa_family == AF_INET6)
        {
            sockaddr_in6 address{};
            std::memcpy(&address, entry->ifa_addr, sizeof address);
            boost::asio::ip::address_v6::bytes_type bytes{};
            std::memcpy(bytes.data(), &address.sin6_addr, bytes.size());
            addresses.emplace_back(boost::asio::ip::address_v6{bytes});
        }
    }
    return addresses;
}

} // namespace fwupdate::network
