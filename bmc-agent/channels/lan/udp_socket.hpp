// One UDP socket of the LAN channel, set up for bursts: large receive buffer, generic receive offload, the asked
// address told with every datagram, and nothing of ours ever fragmented.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "common/result.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace fwupdate::agent::lan
{

class UdpSocket
{
  public:
    /// Opens and binds; the error names address, port, reason and remedy.
    [[nodiscard]] static Result<UdpSocket> open(boost::asio::io_context& context, const config::ListenAddress& address);

    [[nodiscard]] boost::asio::ip::udp::socket& asio()
    {
        return socket_;
    }
    [[nodiscard]] int native()
    {
        return socket_.native_handle();
    }
    [[nodiscard]] bool ipv6() const
    {
        return local_.address().is_v6();
    }
    /// The port that was given out where the configuration says 0.
    [[nodiscard]] std::uint16_t port() const
    {
        return local_.port();
    }
    /// "192.0.2.1:623", "[::]:623".
    [[nodiscard]] std::string name() const;

    /// Bytes that the kernel holds for us; it counts its own bookkeeping in.
    [[nodiscard]] std::size_t receive_buffer() const;

  private:
    explicit UdpSocket(boost::asio::ip::udp::socket socket) : socket_{std::move(socket)} {}
    void set_options();

    boost::asio::ip::udp::socket socket_;
    boost::asio::ip::udp::endpoint local_;
};

} // namespace fwupdate::agent::lan
