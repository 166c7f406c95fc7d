#include "ipmitool-plugin/port/shim_port.hpp"

#include "ipmitool-plugin/port/command_line.hpp"
#include "ipmitool-plugin/port/lan_stream.hpp"
#include "protocol-spec/messages.hpp"

#include <algorithm>
#include <array>
#include <netdb.h>
#include <string_view>
#include <sys/socket.h>

namespace fwupdate::plugin
{
namespace
{

constexpr int rmcp_port = 623;
constexpr std::size_t largest_device_message = 270; ///< data bytes of /dev/ipmi0
constexpr std::size_t smallest_message = 32;        ///< every interface carries that

/// The other end of the LAN session.
struct Peer
{
    bool ipv6{};
    std::string address; ///< numeric; empty: not known
};

Peer peer_of(fwupdate_interface* interface)
{
    fwupdate_lan_session session{};
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    if (fwupdate_shim_lan_session(interface, &session) != 0 ||
        ::getpeername(session.fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    {
        return {};
    }
    std::array<char, NI_MAXHOST> text{};
    const int failed = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, text.data(),
                                     static_cast<socklen_t>(text.size()), nullptr, 0, NI_NUMERICHOST);
    return {address.ss_family == AF_INET6, failed == 0 ? text.data() : ""};
}

client::PortFacts own_facts(fwupdate_interface* interface)
{
    fwupdate_facts facts{};
    fwupdate_shim_facts(interface, &facts);
    const Peer peer = peer_of(interface);
    client::PortFacts own = facts_of(facts, peer.ipv6);
    own.host = own.host.empty() || peer.address.empty() ? own.host : peer.address;
    return own;
}

} // namespace

client::PortFacts facts_of(const fwupdate_facts& facts, bool ipv6)
{
    const std::string_view name{facts.interface_name};
    const bool lan = name == "lanplus" || name == "lan";
    client::PortFacts own;
    own.peer = facts.host;
    own.user = facts.user;
    if (own.peer.empty() || !lan)
    {
        own.peer = name;
    }
    else if (facts.port != 0 && facts.port != rmcp_port)
    {
        own.peer += ":" + std::to_string(facts.port);
    }
    own.host = lan && facts.bridged == 0 ? facts.host : "";
    const std::size_t told = std::max<std::size_t>(facts.max_request, smallest_message);
    if (facts.bridged != 0)
    {
        own.kind = client::LinkKind::bridged;
        own.max_message = own.max_write = told;
    }
    else if (name == "lanplus")
    {
        own.kind = client::LinkKind::lan;
        own.max_message = ipv6 ? protocol::largest_lan_message_ipv6 : protocol::largest_lan_message;
        own.max_write = std::max(own.max_message, told); // beyond a packet only at the user's wish: -z
    }
    else if (name == "open")
    {
        own.kind = client::LinkKind::system_interface;
        own.max_message = protocol::largest_system_interface_message;
        own.max_write = std::clamp(told, own.max_message, largest_device_message);
    }
    else
    {
        own.kind = lan ? client::LinkKind::lan : client::LinkKind::system_interface;
        own.max_message = own.max_write = std::min(told, protocol::largest_system_interface_message);
    }
    return own;
}

ShimPort::ShimPort(fwupdate_interface* interface) : interface_{interface}, facts_{own_facts(interface)}
{
    facts_.command_line = own_command_line();
}

Result<ipmi::Response> ShimPort::exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data,
                                          client::Patience patience)
{
    fwupdate_response response{};
    if (fwupdate_shim_exchange(interface_, static_cast<std::uint8_t>(net_fn), command, data.data(),
                               static_cast<std::uint16_t>(data.size()), patience.tries, patience.seconds,
                               &response) != 0)
    {
        return fail(ErrorKind::timeout, "no answer to command " + to_hex(ConstBytes{&command, 1}) + "h");
    }
    const ConstBytes answer = ConstBytes{response.data}.first(response.length);
    return ipmi::Response{static_cast<ipmi::CompletionCode>(response.completion_code), {answer.begin(), answer.end()}};
}

Result<void> ShimPort::reopen(int seconds)
{
    if (fwupdate_shim_reopen(interface_, seconds) != 0)
    {
        return fail(ErrorKind::timeout, "no session");
    }
    return {};
}

std::unique_ptr<client::StreamLink> ShimPort::open_stream()
{
    return lend_session(interface_);
}

} // namespace fwupdate::plugin
