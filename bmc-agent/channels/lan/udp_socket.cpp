#include "bmc-agent/channels/lan/udp_socket.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

namespace fwupdate::agent::lan
{
namespace
{

namespace ip = boost::asio::ip;

constexpr int receive_buffer_bytes = 4 << 20;

/// Options are wishes: an old kernel or missing rights leave the default, which works too.
void wish(int socket, int level, int option, int value)
{
    static_cast<void>(setsockopt(socket, level, option, &value, sizeof(value)));
}

Error cannot_listen(const config::ListenAddress& address, std::string_view reason)
{
    std::string text = "cannot listen on UDP address ";
    text += address.address;
    text += " port " + std::to_string(address.port) + ": ";
    text += reason;
    text += "; check lan.listen in the configuration and whether another server has the port";
    return fail(ErrorKind::input_output, std::move(text));
}

/// Asio's own open makes a descriptor that children inherit: one that outlives us would keep the port.
void open_socket(ip::udp::socket& socket, const ip::udp& protocol, boost::system::error_code& error)
{
    const int descriptor = ::socket(protocol.family(), protocol.type() | SOCK_CLOEXEC, protocol.protocol());
    if (descriptor < 0)
    {
        error.assign(errno, boost::system::system_category());
        return;
    }
    socket.assign(protocol, descriptor, error);
    if (error)
    {
        ::close(descriptor);
    }
}

} // namespace

Result<UdpSocket> UdpSocket::open(boost::asio::io_context& context, const config::ListenAddress& address)
{
    boost::system::error_code error;
    const ip::address literal = ip::make_address(address.address, error);
    if (error)
    {
        return cannot_listen(address, error.message());
    }
    const ip::udp::endpoint wanted{literal, address.port};
    UdpSocket opened{ip::udp::socket{context}};
    open_socket(opened.socket_, wanted.protocol(), error);
    if (!error && literal.is_v6())
    {
        opened.socket_.set_option(ip::v6_only{true}, error);
    }
    if (!error)
    {
        opened.socket_.bind(wanted, error);
    }
    if (!error)
    {
        opened.local_ = opened.socket_.local_endpoint(error);
    }
    if (error)
    {
        return cannot_listen(address, error.message());
    }
    opened.set_options();
    return opened;
}

void UdpSocket::set_options()
{
    const int socket = native();
    // The forced size needs CAP_NET_ADMIN; without it net.core.rmem_max is the limit.
    if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer_bytes, sizeof(receive_buffer_bytes)) != 0)
    {
        wish(socket, SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    }
    wish(socket, SOL_UDP, UDP_GRO, 1);
    // "Probe" sets DF like "do", but forged ICMP messages cannot talk us into a smaller size that then fails to send.
    if (ipv6())
    {
        wish(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        wish(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    }
    else
    {
        wish(socket, IPPROTO_IP, IP_PKTINFO, 1);
        wish(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    }
}

std::string UdpSocket::name() const
{
    std::ostringstream text;
    text << local_;
    return text.str();
}

std::size_t UdpSocket::receive_buffer() const
{
    boost::system::error_code error;
    boost::asio::socket_base::receive_buffer_size size;
    socket_.get_option(size, error);
    return error ? 0 : static_cast<std::size_t>(size.value());
}

} // namespace fwupdate::agent::lan
