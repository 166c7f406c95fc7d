#include "bmc-agent/channels/lan/udp_server.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace fwupdate::agent::lan
{
namespace
{

constexpr std::size_t comfortable_receive_buffer = 1 << 20; // bytes; less drops packets of a fast stream

} // namespace

UdpServer::UdpServer(boost::asio::io_context& context, LanServer& engine, Log& log)
    : engine_{engine}, log_{log}, timer_{context}
{
}

Result<std::unique_ptr<UdpServer>> UdpServer::create(boost::asio::io_context& context, const config::Lan& lan,
                                                     LanServer& engine, Log& log)
{
    std::unique_ptr<UdpServer> server{new UdpServer{context, engine, log}};
    for (const config::ListenAddress& address : lan.listen)
    {
        auto socket = UdpSocket::open(context, address);
        if (!socket)
        {
            return socket.error();
        }
        log.event(Level::info, "Listening", {{"address", socket->name()}});
        if (socket->receive_buffer() < comfortable_receive_buffer)
        {
            log.event(Level::warning,
                      "The receive buffer is small, fast streams will lose packets: raise "
                      "net.core.rmem_max or run with CAP_NET_ADMIN",
                      {{"bytes", std::to_string(socket->receive_buffer())}});
        }
        server->sockets_.push_back(std::move(*socket));
    }
    for (std::size_t number = 0; number < server->sockets_.size(); ++number)
    {
        server->wait_for_datagrams(number);
    }
    return server;
}

std::vector<std::uint16_t> UdpServer::ports() const
{
    std::vector<std::uint16_t> ports;
    std::ranges::transform(sockets_, std::back_inserter(ports), &UdpSocket::port);
    return ports;
}

std::size_t UdpServer::receive_buffer() const
{
    std::size_t least = sockets_.empty() ? 0 : sockets_.front().receive_buffer();
    for (const UdpSocket& socket : sockets_)
    {
        least = std::min(least, socket.receive_buffer());
    }
    return least;
}

void UdpServer::stop()
{
    stopped_ = true;
    timer_.cancel();
    for (UdpSocket& socket : sockets_)
    {
        boost::system::error_code ignored;
        socket.asio().close(ignored);
    }
}

void UdpServer::wait_for_datagrams(std::size_t number)
{
    sockets_[number].asio().async_wait(boost::asio::socket_base::wait_read,
                                       [this, number](const boost::system::error_code& error)
                                       {
                                           if (!error && !stopped_)
                                           {
                                               serve(number);
                                               wait_for_datagrams(number);
                                           }
                                       });
}

/// One batch, then back to the loop: timers and the rest of the agent get their turn between two batches of a burst.
void UdpServer::serve(std::size_t number)
{
    const int socket = sockets_[number].native();
    const TimePoint now = Clock::now();
    const int received = incoming_.receive(socket, static_cast<std::uint8_t>(number),
                                           [&](MutableBytes datagram, const Endpoint& from)
                                           { engine_.receive(datagram, from, now, outbox_); });
    if (received < 0 && errno != EAGAIN && errno != EINTR)
    {
        log_.event(Level::warning, "Receiving failed",
                   {{"address", sockets_[number].name()}, {"reason", std::generic_category().message(errno)}});
    }
    outgoing_.send(socket, outbox_.packets());
    outbox_.clear();
    wait_for_deadline();
}

/// Sessions that are used push their deadline back with every packet: the timer is only ever moved forward, and going
/// off early costs one look.
void UdpServer::wait_for_deadline()
{
    const auto due = engine_.next_deadline();
    if (stopped_ || !due || (armed_ && *armed_ <= *due))
    {
        return;
    }
    armed_ = *due;
    timer_.expires_at(*due);
    timer_.async_wait(
        [this](const boost::system::error_code& error)
        {
            if (!error && !stopped_)
            {
                armed_.reset();
                engine_.on_timer(Clock::now());
                wait_for_deadline();
            }
        });
}

} // namespace fwupdate::agent::lan
