#include "bmc-agent/channels/system-interface/vm_connection.hpp"

namespace fwupdate::agent::system_interface
{
namespace
{

constexpr std::size_t request_header = 3; ///< sequence, NetFn and LUN, command
constexpr std::uint8_t lun_mask = 0x03;
constexpr std::uint8_t set_global_enables = 0x2E;
constexpr std::uint8_t message_queue_interrupt = 0x01; ///< of BMC Global Enables (IPMI 2.0 section 22.1)

/// The emulator raises interrupts only after it was told to; without them every message waits for a poll.
void follow_global_enables(const ipmi::Request& request, ipmi::CompletionCode code, Bytes& out)
{
    if (request.net_fn == ipmi::NetFn::app && request.command == set_global_enables && code == ipmi::CompletionCode::ok)
    {
        const bool wanted = (request.data.front() & message_queue_interrupt) != 0;
        append_command(wanted ? VmCommand::enable_interrupt : VmCommand::disable_interrupt, {}, out);
    }
}

} // namespace

Bytes VmConnection::greeting()
{
    Bytes out;
    append_command(VmCommand::version, Bytes{vm_protocol_version}, out);
    return out;
}

Bytes VmConnection::receive(ConstBytes bytes, TimePoint now)
{
    Bytes out;
    for (const VmUnit& unit : decoder_.take(bytes))
    {
        if (!unit.command) // the emulator's commands ask for nothing
        {
            serve(unit.bytes, now, out);
        }
    }
    return out;
}

void VmConnection::serve(ConstBytes message, TimePoint now, Bytes& out) const
{
    if (message.size() < request_header)
    {
        return;
    }
    const ipmi::Request request{static_cast<ipmi::NetFn>(message[1] >> 2),
                                static_cast<std::uint8_t>(message[1] & lun_mask), message[2],
                                message.subspan(request_header)};
    const ipmi::Response response = channel_.answer(request, now);
    follow_global_enables(request, response.completion_code, out);
    Bytes answer{message[0], static_cast<std::uint8_t>(message[1] | 1U << 2), message[2],
                 static_cast<std::uint8_t>(response.completion_code)};
    answer.insert(answer.end(), response.data.begin(), response.data.end());
    append_message(answer, out);
}

} // namespace fwupdate::agent::system_interface
