#include "transports/network/bmc/sender_filter.hpp"

#include <linux/filter.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

namespace fwupdate::network
{
namespace
{

constexpr std::uint32_t v4_source = 12; ///< bytes into the IPv4 header (RFC 791)
constexpr std::uint32_t v6_source = 8;  ///< bytes into the IPv6 header (RFC 8200)
constexpr std::uint32_t whole_packet = 0xFFFFFFFF;

/// For each word of the address: load it, compare it, drop the packet where it differs.
template <class Bytes> std::vector<sock_filter> make_filter(const Bytes& address, std::uint32_t source)
{
    std::vector<sock_filter> filter;
    for (std::uint32_t at = 0; at < address.size(); at += 4)
    {
        const std::uint32_t word = std::uint32_t{address[at]} << 24 | std::uint32_t{address[at + 1]} << 16 |
                                   std::uint32_t{address[at + 2]} << 8 | std::uint32_t{address[at + 3]};
        const auto place = static_cast<std::uint32_t>(SKF_NET_OFF) + source + at;
        filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place));
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word, 1, 0));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, whole_packet));
    return filter;
}

} // namespace

Result<void> take_only_from(int socket, const Address& sender)
{
    std::vector<sock_filter> filter = sender.is_v4() ? make_filter(sender.to_v4().to_bytes(), v4_source)
                                                     : make_filter(sender.to_v6().to_bytes(), v6_source);
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    {
        return fail(ErrorKind::input_output,
                    "cannot keep other senders off a UDP socket: " + std::generic_category().message(errno));
    }
    return {};
}

} // namespace fwupdate::network
