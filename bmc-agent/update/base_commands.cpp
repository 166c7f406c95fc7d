// The base profile, byte for byte (specification: base-profile).
#include "bmc-agent/update/command_row.hpp"
#include "bmc-agent/update/firmware_commands.hpp"

namespace fwupdate::agent
{
namespace
{

using ipmi::CompletionCode;
using protocol::Command;
using protocol::Control;

constexpr std::uint8_t context_linux = 0x10;
constexpr std::uint8_t partition_unknown = 0x00;

/// What one 2Ch may carry on the caller's channel: in a session large writes are taken though we never send IP
/// fragments.
std::uint32_t largest_write(const Caller& caller)
{
    const bool session = caller.kind == ChannelKind::lan || caller.session != 0;
    return session ? protocol::largest_base_write_lan : caller.max_message;
}

CompletionCode control(UpdateSession& session, const protocol::UpdateControlRequest& request, const Caller& caller,
                       TimePoint now)
{
    if (request.uri.has_value() != (request.control == Control::set_uri))
    {
        return CompletionCode::invalid_data_field;
    }
    switch (request.control)
    {
    case Control::get_flags:
        return CompletionCode::ok;
    case Control::transfer_start:
        return session.start(caller, now);
    case Control::transfer_complete:
        return session.complete(caller, now);
    case Control::transfer_abort:
        return session.abort(caller, now);
    case Control::set_uri:
        return session.set_uri(caller, request.uri->value, now);
    case Control::usb_attach:
        return session.attach_usb(caller, now);
    case Control::usb_detach:
        return session.detach_usb(caller, now);
    }
    return CompletionCode::invalid_data_field;
}

Outcome write(UpdateSession& session, const protocol::WriteImageDataRequest& request, const Caller& caller,
              TimePoint now)
{
    const ConstBytes data = request.data.view;
    if (data.size() > largest_write(caller))
    {
        return refuse(CompletionCode::data_length_exceeded);
    }
    return answer_if_ok(session.write(caller, data, now),
                        protocol::WriteImageDataResponse{static_cast<std::uint32_t>(data.size())});
}

} // namespace

void add_base_commands(CommandTable& table, UpdateSession& session)
{
    UpdateSession* const update = &session;
    table.add(make_row<Command::get_update_channel_info>(
        update,
        [](const protocol::EmptyRequest&, const Caller& caller, TimePoint)
        {
            protocol::GetUpdateChannelInfoResponse response;
            response.channels.items = {
                {protocol::UpdateChannel::kcs, caller.kind == ChannelKind::system_interface
                                                   ? largest_write(caller)
                                                   : std::uint32_t{protocol::largest_system_interface_message}},
                {protocol::UpdateChannel::rmcp_plus, protocol::largest_base_write_lan}};
            return answer(codec::encode(response));
        }));
    table.add(make_row<Command::get_execution_context>(
        update,
        [](const protocol::EmptyRequest&, const Caller&, TimePoint) {
            return answer(codec::encode(protocol::GetExecutionContextResponse{context_linux, partition_unknown}));
        }));
    table.add(make_row<Command::get_random_number>(
        update, [update](const protocol::EmptyRequest&, const Caller& caller, TimePoint now)
        { return answer(codec::encode(protocol::GetRandomNumberResponse{update->issue_challenge(caller, now)})); }));
    table.add(make_row<Command::enter_update_mode>(
        update, [update](const protocol::EnterUpdateModeRequest& request, const Caller& caller, TimePoint now)
        { return refuse(update->enter(caller, request.challenge, now)); }));
    table.add(make_row<Command::exit_update_mode>(
        update, [update](const protocol::EmptyRequest&, const Caller& caller, TimePoint now)
        { return refuse(update->exit(caller, now)); }));
    table.add(make_row<Command::update_control>(
        update,
        [update](const protocol::UpdateControlRequest& request, const Caller& caller, TimePoint now)
        {
            const CompletionCode code = control(*update, request, caller, now);
            return answer_if_ok(code, protocol::UpdateControlResponse{{update->flags()}});
        }));
    table.add(make_row<Command::get_update_status>(update,
                                                   [update](const protocol::EmptyRequest&, const Caller&, TimePoint)
                                                   { return answer(codec::encode(update->status())); }));
    table.add(make_row<Command::set_update_options>(
        update,
        [update](const protocol::SetUpdateOptionsRequest& request, const Caller& caller, TimePoint now)
        {
            const CompletionCode code = update->set_options(caller, request, now);
            return answer_if_ok(code, protocol::SetUpdateOptionsResponse{{update->options()}});
        }));
    table.add(make_row<Command::write_image_data>(
        update, [update](const protocol::WriteImageDataRequest& request, const Caller& caller, TimePoint now)
        { return write(*update, request, caller, now); }));
}

} // namespace fwupdate::agent
