#include "ipmitool-plugin/client/bmc.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace fwupdate::client
{
namespace
{

constexpr std::uint8_t get_device_id_command = 0x01;
constexpr std::size_t device_id_length = 11; ///< bytes without the optional auxiliary revision

std::string hexadecimal(std::uint8_t value)
{
    return to_hex(ConstBytes{&value, 1}) + "h";
}

template <std::size_t Size> std::string pick(const std::array<std::string_view, Size>& names, std::size_t index)
{
    return index < Size ? std::string{names[index]} : "unknown (" + hexadecimal(static_cast<std::uint8_t>(index)) + ")";
}

} // namespace

std::string_view name_of(protocol::Command command)
{
    std::string_view name = "command";
    std::apply([&](const auto&... row)
               { static_cast<void>(((row.command == command && (name = row.name, true)) || ...)); },
               protocol::commands);
    return name;
}

std::string describe(protocol::Command command, ipmi::CompletionCode code)
{
    const auto raw = static_cast<std::uint8_t>(code);
    std::string_view meaning = ipmi::describe(code);
    if (code == protocol::usb_failure)
    {
        meaning = "the virtual drive could not be attached";
    }
    else if (code == protocol::unknown_transfer)
    {
        meaning = "this transfer is not the present one";
    }
    else if (code == protocol::transfer_incomplete)
    {
        meaning = "blocks are missing";
    }
    else if (code == protocol::refused_by_policy)
    {
        meaning = "refused by policy";
    }
    return std::string{name_of(command)} + ": " + std::string{meaning} + " (" + hexadecimal(raw) + ")";
}

std::string name_of(protocol::UpdateState state)
{
    constexpr std::array<std::string_view, 6> names{"init", "idle", "download", "verify", "program", "ready"};
    switch (state)
    {
    case protocol::UpdateState::error:
        return "error";
    case protocol::UpdateState::host_restart_required:
        return "ready (host restart required)";
    default:
        return pick(names, static_cast<std::size_t>(state));
    }
}

std::string name_of(protocol::IntegrityCheck check)
{
    constexpr std::array<std::string_view, 3> names{"not requested", "requested", "good"};
    return check == protocol::IntegrityCheck::failed ? "failed" : pick(names, static_cast<std::size_t>(check));
}

std::string name_of(protocol::Transport transport)
{
    constexpr std::array<std::string_view, 7> names{"none", "base stream", "stream", "USB", "URI", "blobs", "local"};
    return pick(names, static_cast<std::size_t>(transport));
}

std::string name_of(protocol::UpdateResult result)
{
    constexpr std::array<std::string_view, 6> names{"none",   "in progress", "programmed",
                                                    "failed", "released",    "fell back"};
    return pick(names, static_cast<std::size_t>(result));
}

std::string name_of(protocol::Restart restart)
{
    constexpr std::array<std::string_view, 3> names{"nothing", "BMC", "host"};
    return pick(names, static_cast<std::size_t>(restart));
}

std::string Bmc::malformed(protocol::Command command)
{
    return std::string{name_of(command)} + ": the BMC's answer is malformed; is its firmware too old or too new?";
}

Result<ipmi::Response> Bmc::exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data, Patience patience) const
{
    Result<ipmi::Response> response = port_.exchange(net_fn, command, data, patience);
    if (response && response->completion_code == ipmi::CompletionCode::initialization_in_progress)
    {
        return fail(ErrorKind::timeout,
                    "the BMC is starting (" + hexadecimal(static_cast<std::uint8_t>(response->completion_code)) + ")");
    }
    return response;
}

Result<Answer<protocol::UpdateControlResponse>> Bmc::control(protocol::Control control) const
{
    return call<protocol::UpdateControlResponse>(protocol::Command::update_control,
                                                 protocol::UpdateControlRequest{control, std::nullopt});
}

std::optional<Reason> Bmc::reason() const
{
    Reason reason;
    std::string text;
    for (std::size_t length = 1; text.size() < length;)
    {
        const auto answer = call<protocol::GetReasonResponse>(
            protocol::Command::get_reason, protocol::GetReasonRequest{static_cast<std::uint16_t>(text.size())});
        if (!answer || !answer->ok())
        {
            break;
        }
        reason.code = answer->message.code;
        reason.phase = answer->message.phase;
        length = std::min<std::size_t>(answer->message.text_length, protocol::largest_response);
        text += as_text(answer->message.text.view);
        if (answer->message.text.view.empty())
        {
            break;
        }
    }
    reason.text = printable(std::string_view{text}.substr(0, protocol::largest_response));
    return reason.code == protocol::ReasonCode::none ? std::nullopt : std::optional{reason};
}

Result<DeviceId> Bmc::device_id(Patience patience) const
{
    Result<ipmi::Response> response = exchange(ipmi::NetFn::app, get_device_id_command, {}, patience);
    if (!response)
    {
        return response.error();
    }
    if (response->completion_code != ipmi::CompletionCode::ok || response->data.size() < device_id_length)
    {
        return fail(ErrorKind::peer, "Get Device ID: the BMC gives no valid answer");
    }
    const ConstBytes data = response->data;
    DeviceId device;
    // Byte 3 without its "update in progress" bit is the major revision, byte 4 the minor one in BCD.
    const ConstBytes auxiliary = data.subspan(device_id_length);
    device.revision.reserve(2 + auxiliary.size());
    device.revision.push_back(data[2] & 0x7F);
    device.revision.push_back(data[3]);
    std::ranges::copy(auxiliary, std::back_inserter(device.revision));
    std::array<char, 16> version{};
    static_cast<void>(std::snprintf(version.data(), version.size(), "%u.%02x", device.revision[0], device.revision[1]));
    device.version = version.data();
    return device;
}

} // namespace fwupdate::client
