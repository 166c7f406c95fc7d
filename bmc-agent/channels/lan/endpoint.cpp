#include "bmc-agent/channels/lan/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace fwupdate::agent::lan
{

AddressGroup group_of(const Peer& peer)
{
    AddressGroup group;
    group.ipv6 = peer.ipv6;
    std::copy_n(peer.address.begin(), peer.ipv6 ? 8 : 4, group.bytes.begin());
    return group;
}

std::string to_text(const Peer& peer)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(peer.ipv6 ? AF_INET6 : AF_INET, peer.address.data(), text.data(), text.size());
    const std::string port = ":" + std::to_string(peer.port);
    return peer.ipv6 ? "[" + std::string{text.data()} + "]" + port : text.data() + port;
}

} // namespace fwupdate::agent::lan
