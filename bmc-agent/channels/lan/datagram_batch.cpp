#include "bmc-agent/channels/lan/datagram_batch.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/udp.h>

namespace fwupdate::agent::lan
{
namespace
{

template <class T> T control_data(const cmsghdr& header)
{
    T value{};
    std::memcpy(&value, CMSG_DATA(&header), sizeof(value));
    return value;
}

template <std::size_t N> void copy_address(const void* from, std::array<std::uint8_t, 16>& to)
{
    static_assert(N <= 16);
    std::memcpy(to.data(), from, N);
}

Peer peer_of(const sockaddr_storage& from)
{
    Peer peer;
    if (from.ss_family == AF_INET6)
    {
        sockaddr_in6 address{};
        std::memcpy(&address, &from, sizeof(address));
        copy_address<16>(&address.sin6_addr, peer.address);
        peer.scope = address.sin6_scope_id;
        peer.port = ntohs(address.sin6_port);
        peer.ipv6 = true;
        return peer;
    }
    sockaddr_in address{};
    std::memcpy(&address, &from, sizeof(address));
    copy_address<4>(&address.sin_addr, peer.address);
    peer.port = ntohs(address.sin_port);
    return peer;
}

socklen_t write_address(const Peer& peer, sockaddr_storage& to)
{
    if (peer.ipv6)
    {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(peer.port);
        address.sin6_scope_id = peer.scope;
        std::memcpy(&address.sin6_addr, peer.address.data(), sizeof(address.sin6_addr));
        std::memcpy(&to, &address, sizeof(address));
        return sizeof(address);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(peer.port);
    std::memcpy(&address.sin_addr, peer.address.data(), sizeof(address.sin_addr));
    std::memcpy(&to, &address, sizeof(address));
    return sizeof(address);
}

/// What the kernel tells beside a datagram: the asked address, and the size of the datagrams glued together.
struct Beside
{
    Route route;
    std::size_t segment{};
};

Beside read_control(msghdr& message)
{
    Beside beside;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header))
    {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO)
        {
            const auto info = control_data<in_pktinfo>(*header);
            copy_address<4>(&info.ipi_spec_dst, beside.route.local_address);
        }
        else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO)
        {
            const auto info = control_data<in6_pktinfo>(*header);
            copy_address<16>(&info.ipi6_addr, beside.route.local_address);
            // Elsewhere the routing table knows better than the interface the request came in on.
            beside.route.interface = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
        }
        else if (header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO)
        {
            beside.segment = static_cast<std::size_t>(std::max(control_data<int>(*header), 0));
        }
    }
    return beside;
}

template <class Info> std::size_t write_control(msghdr& message, int level, int type, const Info& info)
{
    message.msg_controllen = CMSG_SPACE(sizeof(info));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof(info));
    std::memcpy(CMSG_DATA(header), &info, sizeof(info));
    return message.msg_controllen;
}

/// Asks the kernel to send from the address that was asked; a multicast one cannot be a source.
void write_source(msghdr& message, const Endpoint& to)
{
    if (to.peer.ipv6)
    {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, to.route.local_address.data(), sizeof(info.ipi6_addr));
        if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
        {
            info.ipi6_addr = in6addr_any;
        }
        info.ipi6_ifindex = to.route.interface;
        write_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
        return;
    }
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, to.route.local_address.data(), sizeof(info.ipi_spec_dst));
    write_control(message, IPPROTO_IP, IP_PKTINFO, info);
}

} // namespace

ReceiveBatch::ReceiveBatch() : memory_(buffers * buffer_size) {}

void ReceiveBatch::prepare()
{
    for (std::size_t index = 0; index < buffers; ++index)
    {
        Slot& slot = slots_[index];
        slot.part = {memory_.data() + index * buffer_size, buffer_size};
        msghdr& message = headers_[index].msg_hdr;
        message.msg_name = &slot.from;
        message.msg_namelen = sizeof(slot.from);
        message.msg_iov = &slot.part;
        message.msg_iovlen = 1;
        message.msg_control = slot.control.data();
        message.msg_controllen = slot.control.size();
        message.msg_flags = 0;
    }
}

int ReceiveBatch::receive(int socket, std::uint8_t socket_number, const Sink& sink)
{
    prepare();
    const int count = recvmmsg(socket, headers_.data(), buffers, MSG_DONTWAIT, nullptr);
    for (int index = 0; index < count; ++index)
    {
        deliver(static_cast<std::size_t>(index), socket_number, sink);
    }
    return count;
}

void ReceiveBatch::deliver(std::size_t index, std::uint8_t socket_number, const Sink& sink)
{
    msghdr& message = headers_[index].msg_hdr;
    if ((message.msg_flags & MSG_TRUNC) != 0)
    {
        return;
    }
    const Beside beside = read_control(message);
    Endpoint from{peer_of(slots_[index].from), beside.route};
    from.route.socket = socket_number;
    MutableBytes rest = MutableBytes{memory_}.subspan(index * buffer_size, headers_[index].msg_len);
    const std::size_t segment = beside.segment != 0 ? beside.segment : rest.size();
    while (!rest.empty())
    {
        const MutableBytes datagram = rest.first(std::min(segment, rest.size()));
        sink(datagram, from);
        rest = rest.subspan(datagram.size());
    }
}

void SendBatch::prepare(std::size_t index, const Outgoing& packet)
{
    Slot& slot = slots_[index];
    msghdr& message = headers_[index].msg_hdr;
    message.msg_name = &slot.to;
    message.msg_namelen = write_address(packet.to.peer, slot.to);
    // The kernel reads only; the field is not const because receiving uses it too.
    slot.part = {const_cast<std::uint8_t*>(packet.bytes.data()), packet.bytes.size()};
    message.msg_iov = &slot.part;
    message.msg_iovlen = 1;
    message.msg_control = slot.control.data();
    message.msg_controllen = slot.control.size();
    message.msg_flags = 0;
    write_source(message, packet.to);
}

void SendBatch::send(int socket, std::span<const Outgoing> packets)
{
    while (!packets.empty())
    {
        const std::size_t count = std::min(packets.size(), most);
        for (std::size_t index = 0; index < count; ++index)
        {
            prepare(index, packets[index]);
        }
        const int sent = sendmmsg(socket, headers_.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
        {
            continue;
        }
        if (sent < 0 && errno == EAGAIN) // the send buffer is full: the rest would not get further either
        {
            return;
        }
        packets = packets.subspan(sent > 0 ? static_cast<std::size_t>(sent) : 1); // what failed is passed over
    }
}

} // namespace fwupdate::agent::lan
