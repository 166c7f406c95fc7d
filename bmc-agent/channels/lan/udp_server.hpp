// The LAN channel's shell: sockets and a timer around the engine. No protocol decision is made here.
#pragma once

#include "bmc-agent/channels/lan/datagram_batch.hpp"
#include "bmc-agent/channels/lan/lan_server.hpp"
#include "bmc-agent/channels/lan/udp_socket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace fwupdate::agent::lan
{

class UdpServer
{
  public:
    /// Opens every address of the configuration, or none; from then on it serves whenever `context` runs. Everything
    /// must outlive the server. Errors: input_output, with the address.
    [[nodiscard]] static Result<std::unique_ptr<UdpServer>> create(boost::asio::io_context& context,
                                                                   const config::Lan& lan, LanServer& engine, Log& log);

    UdpServer(const UdpServer&) = delete;
    UdpServer& operator=(const UdpServer&) = delete;
    ~UdpServer() = default;

    /// One port per configured address, in their order.
    [[nodiscard]] std::vector<std::uint16_t> ports() const;

    /// The smallest receive buffer among the sockets, in bytes.
    [[nodiscard]] std::size_t receive_buffer() const;

    /// Stops serving; what is under way ends at once.
    void stop();

  private:
    UdpServer(boost::asio::io_context& context, LanServer& engine, Log& log);

    void wait_for_datagrams(std::size_t number);
    void serve(std::size_t number);
    void wait_for_deadline();

    LanServer& engine_;
    Log& log_;
    std::vector<UdpSocket> sockets_;
    boost::asio::steady_timer timer_;
    std::optional<TimePoint> armed_; ///< when the timer goes off
    ReceiveBatch incoming_;
    SendBatch outgoing_;
    Outbox outbox_;
    bool stopped_{false};
};

} // namespace fwupdate::agent::lan
