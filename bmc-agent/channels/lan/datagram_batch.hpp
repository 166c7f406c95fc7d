// Many datagrams per system call: recvmmsg with generic receive offload one way, sendmmsg the other.
#pragma once

#include "bmc-agent/channels/lan/endpoint.hpp"
#include "bmc-agent/channels/lan/outbox.hpp"
#include "common/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

namespace fwupdate::agent::lan
{

/// Receives up to eight buffers of 64 KiB at a time; with offload one buffer holds up to 64 datagrams of one sender.
class ReceiveBatch
{
  public:
    ReceiveBatch();
    ReceiveBatch(const ReceiveBatch&) = delete;
    ReceiveBatch& operator=(const ReceiveBatch&) = delete;

    using Sink = std::function<void(MutableBytes datagram, const Endpoint& from)>;

    /// Takes what is there without waiting and hands over each datagram; gives the number of buffers filled, negative:
    /// nothing was there, or errno tells why.
    int receive(int socket, std::uint8_t socket_number, const Sink& sink);

  private:
    static constexpr std::size_t buffers = 8;
    static constexpr std::size_t buffer_size = 1 << 16;
    static constexpr std::size_t control_size = 128; ///< packet information and segment size

    struct Slot
    {
        sockaddr_storage from{};
        iovec part{};
        alignas(cmsghdr) std::array<std::uint8_t, control_size> control{};
    };

    void prepare();
    void deliver(std::size_t index, std::uint8_t socket_number, const Sink& sink);

    std::vector<std::uint8_t> memory_;
    std::array<Slot, buffers> slots_{};
    std::array<mmsghdr, buffers> headers_{};
};

/// Sends packets from the addresses that were asked. What the kernel refuses is lost, as any datagram may be.
class SendBatch
{
  public:
    SendBatch() = default;
    SendBatch(const SendBatch&) = delete;
    SendBatch& operator=(const SendBatch&) = delete;

    void send(int socket, std::span<const Outgoing> packets);

  private:
    static constexpr std::size_t most = 64;
    static constexpr std::size_t control_size = 64;

    struct Slot
    {
        sockaddr_storage to{};
        iovec part{};
        alignas(cmsghdr) std::array<std::uint8_t, control_size> control{};
    };

    void prepare(std::size_t index, const Outgoing& packet);

    std::array<Slot, most> slots_{};
    std::array<mmsghdr, most> headers_{};
};

} // namespace fwupdate::agent::lan
