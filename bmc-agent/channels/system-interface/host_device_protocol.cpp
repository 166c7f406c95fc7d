#include "bmc-agent/channels/system-interface/host_device_protocol.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent::system_interface
{
namespace
{

constexpr std::uint8_t lun_mask = 0x03;
constexpr std::size_t kcs_head = 2; ///< NetFn and LUN, command
constexpr std::size_t bt_head = 4;  ///< length, NetFn and LUN, sequence, command

ipmi::Request request_of(std::uint8_t net_fn_and_lun, std::uint8_t command, ConstBytes data)
{
    return {static_cast<ipmi::NetFn>(net_fn_and_lun >> 2), static_cast<std::uint8_t>(net_fn_and_lun & lun_mask),
            command, data};
}

/// The odd NetFn of the pair, the LUN as it was.
std::uint8_t response_net_fn(std::uint8_t net_fn_and_lun)
{
    return static_cast<std::uint8_t>(net_fn_and_lun | 1U << 2);
}

void append(const ipmi::Response& response, Bytes& out)
{
    out.push_back(static_cast<std::uint8_t>(response.completion_code));
    out.insert(out.end(), response.data.begin(), response.data.end());
}

} // namespace

std::optional<Bytes> HostDeviceProtocol::answer(ConstBytes message, TimePoint now) const
{
    if (type_ == config::HostType::bt)
    {
        const bool whole = message.size() >= bt_head && message[0] == message.size() - 1;
        return whole ? std::optional{answer_bt(message, now)} : std::nullopt;
    }
    return message.size() >= kcs_head ? std::optional{answer_kcs(message, now)} : std::nullopt;
}

Bytes HostDeviceProtocol::answer_kcs(ConstBytes message, TimePoint now) const
{
    const ipmi::Response response = channel_.answer(request_of(message[0], message[1], message.subspan(kcs_head)), now);
    Bytes out{response_net_fn(message[0]), message[1]};
    append(response, out);
    return out;
}

/// The channel keeps a response within the length byte.
Bytes HostDeviceProtocol::answer_bt(ConstBytes message, TimePoint now) const
{
    const ipmi::Response response = channel_.answer(request_of(message[1], message[3], message.subspan(bt_head)), now);
    Bytes out{0, response_net_fn(message[1]), message[2], message[3]};
    append(response, out);
    out[0] = static_cast<std::uint8_t>(out.size() - 1);
    return out;
}

Reopening::Verdict Reopening::failed(std::string_view cause)
{
    const bool tell = cause != cause_;
    cause_ = cause;
    return {std::exchange(delay_, std::min(2 * delay_, longest)), tell};
}

bool Reopening::opened()
{
    return !std::exchange(told_open_, true);
}

bool Reopening::served()
{
    delay_ = shortest;
    return !std::exchange(cause_, {}).empty();
}

} // namespace fwupdate::agent::system_interface
