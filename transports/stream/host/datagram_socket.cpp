#include "transports/stream/host/datagram_socket.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace fwupdate::stream
{
namespace
{

constexpr int buffer_size = 1 << 20;           ///< bytes asked for
constexpr std::size_t most_segments = 44;      ///< of one UDP_SEGMENT send: the kernel's limit is 64 and 65,507 bytes
constexpr std::size_t most_run_bytes = 65'000; ///< the same limit in bytes
constexpr std::size_t runs_per_call = 64;
constexpr std::size_t datagrams_per_call = 32;
constexpr std::size_t datagram_room = 2048; ///< an acknowledgement is at most some 1,000 bytes
constexpr int batches_per_receive = 8;
constexpr int send_patience = 100; ///< ms to wait for room in the socket's buffer
constexpr int most_failures = 50;

Error system_error(const char* what)
{
    return {ErrorKind::input_output,
            std::string{what} + ": " + std::error_code{errno, std::generic_category()}.message() + "."};
}

/// The control message that asks for segmentation.
struct SegmentControl
{
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes{};

    void attach(msghdr& message, std::size_t size)
    {
        message.msg_control = bytes.data();
        message.msg_controllen = bytes.size();
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
        const auto value = static_cast<std::uint16_t>(size);
        std::memcpy(CMSG_DATA(header), &value, sizeof value);
    }
};

} // namespace

Result<DatagramSocket> DatagramSocket::borrow(int descriptor)
{
    DatagramSocket result{descriptor};
    if (const auto tuned = result.tune(); !tuned)
    {
        return tuned.error();
    }
    return result;
}

DatagramSocket::DatagramSocket(DatagramSocket&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)},
      ipv6_{other.ipv6_},
      segments_{other.segments_},
      saved_{std::exchange(other.saved_, {})},
      runs_{std::move(other.runs_)},
      received_{std::move(other.received_)}
{
}

DatagramSocket::~DatagramSocket()
{
    for (const Saved& saved : saved_)
    {
        ::setsockopt(descriptor_, saved.level, saved.name, &saved.value, sizeof saved.value);
    }
}

Result<void> DatagramSocket::tune()
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    {
        return system_error("The session's socket cannot be used for streaming");
    }
    ipv6_ = address.ss_family == AF_INET6;
    change(ipv6_ ? IPPROTO_IPV6 : IPPROTO_IP, ipv6_ ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
           IP_PMTUDISC_DO); // IPV6_PMTUDISC_DO is the same number
    change(SOL_SOCKET, SO_SNDBUF, buffer_size);
    change(SOL_SOCKET, SO_RCVBUF, buffer_size);
    received_.resize(datagrams_per_call * datagram_room);
    return {};
}

/// A setting that cannot be changed stays as it is: streaming is slower then, not wrong.
void DatagramSocket::change(int level, int name, int value)
{
    int before = 0;
    socklen_t size = sizeof before;
    if (::getsockopt(descriptor_, level, name, &before, &size) != 0)
    {
        return;
    }
    // The kernel reports buffers at twice the size they were asked for (socket(7)).
    const bool buffer = level == SOL_SOCKET;
    const int asked = buffer ? before / 2 : before;
    if ((!buffer || asked < value) && ::setsockopt(descriptor_, level, name, &value, sizeof value) == 0)
    {
        saved_.push_back({level, name, asked});
    }
}

Result<void> DatagramSocket::send(ConstBytes packets, std::span<const std::size_t> ends)
{
    gather_runs(ends);
    int failures = 0; // in a row
    for (std::size_t done = 0; done < runs_.size();)
    {
        const std::size_t sent = send_runs(packets, done);
        done += sent;
        failures = sent > 0 ? 0 : failures + 1;
        if (sent > 0)
        {
            continue;
        }
        const auto recovery = failures <= most_failures ? recover(runs_[done])
                                                        : Result<Recovery>{system_error("Sending to the BMC failed")};
        if (!recovery)
        {
            return recovery.error();
        }
        if (*recovery == Recovery::cut)
        {
            segments_ = false;
            const auto next = std::ranges::upper_bound(ends, runs_[done].start);
            gather_runs(ends);
            done = static_cast<std::size_t>(next - ends.begin());
        }
        done += *recovery == Recovery::skip ? 1 : 0;
    }
    return {};
}

void DatagramSocket::gather_runs(std::span<const std::size_t> ends)
{
    runs_.clear();
    std::size_t start = 0;
    bool open = false; // the last run may take another datagram
    for (const std::size_t end : ends)
    {
        const std::size_t size = end - start;
        const bool joins = open && size <= runs_.back().size &&
                           end - runs_.back().start <= std::min(most_run_bytes, most_segments * runs_.back().size);
        if (joins)
        {
            runs_.back().end = end;
        }
        else
        {
            runs_.push_back({start, size, end});
        }
        open = segments_ && size == runs_.back().size;
        start = end;
    }
}

/// Gives the number of runs sent; 0: errno says why.
std::size_t DatagramSocket::send_runs(ConstBytes packets, std::size_t first) const
{
    std::array<mmsghdr, runs_per_call> messages{};
    std::array<iovec, runs_per_call> parts{};
    std::array<SegmentControl, runs_per_call> controls{};
    const std::size_t count = std::min(runs_per_call, runs_.size() - first);
    for (std::size_t at = 0; at < count; ++at)
    {
        const Run& run = runs_[first + at];
        parts[at] = {const_cast<std::uint8_t*>(packets.data() + run.start), run.end - run.start};
        msghdr& message = messages[at].msg_hdr;
        message.msg_iov = &parts[at];
        message.msg_iovlen = 1;
        if (run.end - run.start > run.size)
        {
            controls[at].attach(message, run.size);
        }
    }
    const int sent = ::sendmmsg(descriptor_, messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

Result<DatagramSocket::Recovery> DatagramSocket::recover(const Run& run)
{
    const int error = errno;
    const bool segmented = run.end - run.start > run.size;
    switch (error)
    {
    case EAGAIN:
    case ENOBUFS:
    {
        pollfd waiting{descriptor_, POLLOUT, 0};
        ::poll(&waiting, 1, send_patience);
        return Recovery::again;
    }
    case EINTR:
    case ECONNREFUSED: // an earlier datagram met a closed port; the BMC may be starting again
        return Recovery::again;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EPERM: // a packet filter of this machine
        return Recovery::skip;
    case EINVAL:
    case EIO:
    case EMSGSIZE:
        if (segmented)
        {
            return Recovery::cut; // not this kernel or device, or the MTU: one by one will tell
        }
        if (error == EMSGSIZE)
        {
            return fail(ErrorKind::length, "Messages of " + std::to_string(run.size) +
                                               " bytes do not fit the path to the BMC: smaller fragments are needed.");
        }
        break;
    default:
        break;
    }
    return system_error("Sending to the BMC failed");
}

Result<void> DatagramSocket::receive(TimePoint deadline, const std::function<void(MutableBytes)>& take)
{
    const Duration patience = std::max(deadline - Clock::now(), Duration::zero());
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(patience);
    const timespec timeout{whole.count(), static_cast<long>(std::chrono::nanoseconds{patience - whole}.count())};
    pollfd waiting{descriptor_, POLLIN, 0};
    if (::ppoll(&waiting, 1, &timeout, nullptr) < 0 && errno != EINTR)
    {
        return system_error("Waiting for the BMC failed");
    }
    bool more = waiting.revents != 0;
    for (int batch = 0; more && batch < batches_per_receive; ++batch)
    {
        const auto received = receive_batch(take);
        if (!received)
        {
            return received.error();
        }
        more = *received;
    }
    return {};
}

/// Whether more may be waiting.
Result<bool> DatagramSocket::receive_batch(const std::function<void(MutableBytes)>& take)
{
    std::array<mmsghdr, datagrams_per_call> messages{};
    std::array<iovec, datagrams_per_call> parts{};
    for (std::size_t at = 0; at < datagrams_per_call; ++at)
    {
        parts[at] = {received_.data() + at * datagram_room, datagram_room};
        messages[at].msg_hdr.msg_iov = &parts[at];
        messages[at].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(descriptor_, messages.data(), datagrams_per_call, MSG_DONTWAIT, nullptr);
    if (count < 0)
    {
        // What the network reports of earlier datagrams is no failure of receiving; the next send() meets it again.
        constexpr std::array harmless{EAGAIN, EINTR, ECONNREFUSED, EMSGSIZE, EHOSTUNREACH, ENETUNREACH, ENETDOWN};
        return std::ranges::find(harmless, errno) != harmless.end()
                   ? Result<bool>{false}
                   : Result<bool>{system_error("Receiving from the BMC failed")};
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(count); ++at)
    {
        if ((messages[at].msg_hdr.msg_flags & MSG_TRUNC) == 0)
        {
            take(MutableBytes{received_}.subspan(at * datagram_room, messages[at].msg_len));
        }
    }
    return static_cast<std::size_t>(count) == datagrams_per_call;
}

std::optional<std::size_t> DatagramSocket::largest_payload() const
{
    constexpr std::size_t udp = 8;
    const std::size_t headers = udp + (ipv6_ ? 40 : 20);
    int mtu = 0;
    socklen_t size = sizeof mtu;
    if (::getsockopt(descriptor_, ipv6_ ? IPPROTO_IPV6 : IPPROTO_IP, ipv6_ ? IPV6_MTU : IP_MTU, &mtu, &size) != 0 ||
        static_cast<std::size_t>(mtu) <= headers)
    {
        return std::nullopt;
    }
    return static_cast<std::size_t>(mtu) - headers;
}

} // namespace fwupdate::stream
