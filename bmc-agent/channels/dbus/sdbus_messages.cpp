#include "bmc-agent/channels/dbus/sdbus_messages.hpp"

namespace fwupdate::agent::dbus_ipmi
{
namespace
{

OptionValue to_option(const sdbus::Variant& value)
{
    if (value.containsValueOfType<std::int32_t>())
    {
        return value.get<std::int32_t>();
    }
    if (value.containsValueOfType<std::uint32_t>())
    {
        return value.get<std::uint32_t>();
    }
    return {};
}

} // namespace

ExecuteRequest read_execute(sdbus::Message& message)
{
    ExecuteRequest request;
    std::map<std::string, sdbus::Variant> options;
    message >> request.net_fn >> request.lun >> request.command >> request.data >> options;
    for (const auto& [key, value] : options)
    {
        request.options.emplace(key, to_option(value));
    }
    return request;
}

void write_reply(const ExecuteReply& reply, sdbus::Message& out)
{
    out.openStruct("yyyyay");
    out << reply.net_fn << reply.lun << reply.command << reply.completion_code << reply.data;
    out.closeStruct();
}

ReceivedMessage read_received_message(sdbus::Message& message)
{
    ReceivedMessage received;
    message >> received.sequence >> received.net_fn >> received.lun >> received.command >> received.data;
    return received;
}

void write_send_message(const SendMessage& message, sdbus::Message& out)
{
    const ExecuteReply& reply = message.reply;
    out << message.sequence << reply.net_fn << reply.lun << reply.command << reply.completion_code << reply.data;
}

} // namespace fwupdate::agent::dbus_ipmi
