// The extended profile's commands (specification: extended-profile).
#include "bmc-agent/update/command_row.hpp"
#include "bmc-agent/update/firmware_commands.hpp"
#include "bmc-agent/verification/image_limit.hpp"

#include <algorithm>
#include <iterator>

namespace fwupdate::agent
{
namespace
{

using ipmi::CompletionCode;
using protocol::Command;

/// The part of a text from `offset` on that fits behind `head` bytes of other fields on the caller's channel.
ConstBytes text_part(std::string_view text, std::uint16_t offset, std::size_t head, const Caller& caller)
{
    const std::size_t room = caller.max_response > head ? caller.max_response - head : 0;
    return as_bytes(text.substr(std::min<std::size_t>(offset, text.size()), room));
}

template <codec::Message Response> std::size_t size_without_text(const Response& response)
{
    return codec::encode(response).size();
}

protocol::GetCapabilitiesResponse capabilities(const UpdateSession& session, const Caller& caller)
{
    const UpdateSettings& settings = session.settings();
    const bool lan = caller.kind == ChannelKind::lan;
    std::uint32_t features =
        protocol::feature_resume | protocol::feature_fill | protocol::feature_plan | protocol::feature_log;
    features |= lan ? protocol::feature_window : 0;
    features |= session.transports().drive != nullptr ? protocol::feature_usb : 0;
    features |= session.transports().fetches_uris() ? protocol::feature_uri : 0;
    features |= settings.takes_signatures ? protocol::feature_signature : 0;
    features |= settings.wants_cms ? protocol::feature_must_be_signed : 0;
    features |= settings.persistent_staging ? protocol::feature_resume_reboot : 0;
    features |= session.trials().any() ? protocol::feature_confirm : 0;
    return {.signature = protocol::signature,
            .major = protocol::version_major,
            .minor = protocol::version_minor,
            .features = {features},
            .block_size = protocol::block_size,
            .max_message = caller.max_message,
            .window = lan ? UpdateSession::window : std::uint16_t{1},
            .window_blocks = UpdateSession::window_blocks,
            .max_image_size = settings.max_image_size,
            .lease = static_cast<std::uint16_t>(settings.lease.extended.count()),
            .retention = static_cast<std::uint32_t>(settings.retention.count()),
            .schemes = {session.transports().schemes()}};
}

Outcome transfer_map(const UpdateSession& session, const protocol::GetTransferMapRequest& request, const Caller& caller)
{
    const auto& map = session.staging().map();
    const protocol::BeginTransferResponse transfer = session.transfer();
    if (!map || request.transfer == 0 || request.transfer != transfer.transfer)
    {
        return refuse(protocol::unknown_transfer);
    }
    if (request.first_block % 8 != 0 || request.first_block >= map->blocks())
    {
        return refuse(CompletionCode::parameter_out_of_range);
    }
    protocol::GetTransferMapResponse response{
        request.transfer, request.first_block, map->blocks(), map->blocks_present(), {}};
    const std::size_t room = caller.max_response - size_without_text(response);
    Bytes bitmap(std::min<std::size_t>(room, (map->blocks() - request.first_block + 7) / 8));
    for (std::uint32_t at = 0; at < bitmap.size() * 8; ++at)
    {
        const unsigned bit = map->has(request.first_block + at) ? 1U : 0U;
        bitmap[at / 8] = static_cast<std::uint8_t>(bitmap[at / 8] | bit << at % 8);
    }
    response.bitmap.view = bitmap;
    return answer(codec::encode(response));
}

Outcome reason(const UpdateSession& session, const protocol::GetReasonRequest& request, const Caller& caller)
{
    const Reason& reason = session.reason();
    protocol::GetReasonResponse response{reason.code, reason.phase, static_cast<std::uint16_t>(reason.text.size()), {}};
    response.text.view = text_part(reason.text, request.offset, size_without_text(response), caller);
    return answer(codec::encode(response));
}

Outcome update_log(UpdateSession& session, const protocol::GetUpdateLogRequest& request, const Caller& caller)
{
    const auto& entries = session.history().entries();
    if (request.index >= entries.size())
    {
        return refuse(CompletionCode::not_present);
    }
    const HistoryEntry& entry = entries[request.index];
    const Target* target = session.targets().find(entry.target);
    const std::string text = (entry.user.empty() ? "host" : entry.user) + ": " + entry.text;
    protocol::GetUpdateLogResponse response{.count = static_cast<std::uint8_t>(entries.size()),
                                            .index = request.index,
                                            .result = entry.result,
                                            .target =
                                                target == nullptr ? protocol::no_target : target->configuration().id,
                                            .transport = entry.transport,
                                            .code = entry.code,
                                            .phase = entry.phase,
                                            .started = entry.started,
                                            .duration = entry.duration,
                                            .size = entry.size,
                                            .sha256 = entry.sha256,
                                            .text_length = static_cast<std::uint16_t>(text.size()),
                                            .text = {}};
    response.text.view = text_part(text, request.offset, size_without_text(response), caller);
    return answer(codec::encode(response));
}

bool waits_for_restart(const UpdateSession& session, const Target& target)
{
    return session.history().restart_pending(target.configuration().name);
}

Outcome target_info(UpdateSession& session, const protocol::GetTargetInfoRequest& request)
{
    auto& targets = session.targets().all();
    if (request.index >= targets.size())
    {
        return refuse(CompletionCode::not_present);
    }
    Target& target = targets[request.index];
    target.installed().refresh();
    const config::Target& configuration = target.configuration();
    const auto& installed = target.installed().get();
    const bool is_default = configuration.id == session.targets().default_id();
    const auto flags =
        static_cast<std::uint8_t>((is_default ? protocol::target_default : 0) |
                                  (waits_for_restart(session, target) ? protocol::target_restart_pending : 0) |
                                  (installed ? protocol::target_digest_known : 0));
    const std::uint64_t limit = session.settings().max_image_size;
    return answer(
        codec::encode(protocol::GetTargetInfoResponse{.count = static_cast<std::uint8_t>(targets.size()),
                                                      .index = request.index,
                                                      .target = configuration.id,
                                                      .flags = {flags},
                                                      .restart = configuration.restart.what,
                                                      .accepts = {configuration.accepts},
                                                      .max_size = image_limit(configuration, limit),
                                                      .installed_size = installed ? installed->size : 0,
                                                      .installed_sha256 = installed ? installed->sha256 : Sha256{},
                                                      .name = {configuration.name},
                                                      .version = {target.version()}}));
}

/// Whether the image, or everything of it that is for this BMC (of a package not asked to go to one target), was the
/// last thing programmed and is installed still.
bool is_current(UpdateSession& session, Target& target, const protocol::PlanRequest& request)
{
    const auto& installed = target.installed().get();
    if (installed && installed->sha256 == request.sha256 && installed->size == request.size)
    {
        return true;
    }
    const auto in_place = [&](Target& where)
    {
        const HistoryEntry* const entry = session.history().last_with(where.configuration().name, request.sha256);
        where.installed().refresh();
        const auto& now = where.installed().get();
        return entry != nullptr && now && entry->put_in_place(now->sha256) ? entry : nullptr;
    };
    const HistoryEntry* const here = in_place(target);
    if (request.target != protocol::no_target || (here != nullptr && here->parts == 0))
    {
        return here != nullptr;
    }
    std::uint32_t parts = 0;
    std::uint32_t wanted = 0;
    for (Target& each : session.targets().all())
    {
        const HistoryEntry* const entry = in_place(each);
        const bool counts = entry != nullptr && entry->parts != 0 && entry->whole;
        parts += counts ? 1 : 0;
        wanted = counts ? entry->parts : wanted;
    }
    return parts != 0 && parts == wanted;
}

Outcome plan(UpdateSession& session, const protocol::PlanRequest& request, const Caller& caller)
{
    Target* target = session.targets().find(request.target);
    if (target == nullptr)
    {
        return refuse(CompletionCode::not_present);
    }
    target->installed().refresh();
    const bool current = is_current(session, *target, request);
    const UpdateRequest asked{.target = target,
                              .target_chosen = request.target != protocol::no_target,
                              .parameters = request.parameters.bits,
                              .size = request.size,
                              .sha256 = request.sha256,
                              .signature = {},
                              .base_profile = false,
                              .is_current = current};
    std::vector<Finding> findings = session.plan(asked, request.header.view);
    std::ranges::move(session.find_circumstances(caller, *target, request.size), std::back_inserter(findings));
    const Finding* refusal = first_refusal(findings);
    const std::string text = describe(findings);
    protocol::PlanResponse response{.verdict = refusal != nullptr ? protocol::PlanVerdict::would_refuse
                                               : current          ? protocol::PlanVerdict::already_current
                                                                  : protocol::PlanVerdict::would_accept,
                                    .code = refusal != nullptr ? refusal->code : protocol::ReasonCode::none,
                                    .target = target->configuration().id,
                                    .text_length = static_cast<std::uint16_t>(text.size()),
                                    .text = {}};
    response.text.view = text_part(text, request.offset, size_without_text(response), caller);
    return answer(codec::encode(response));
}

Outcome verdict(UpdateSession& session, const protocol::GetVerdictRequest& request, TimePoint now)
{
    Target* target = session.targets().find(request.target);
    if (target == nullptr)
    {
        return refuse(CompletionCode::not_present);
    }
    target->installed().refresh();
    const UpdateSettings& settings = session.settings();
    const auto& installed = target->installed().get();
    const HistoryEntry* last = session.history().last_of(target->configuration().name);
    const auto flags = static_cast<std::uint8_t>(
        (waits_for_restart(session, *target) ? protocol::verdict_restart_pending : 0) |
        (session.trials().on_trial(*target) ? protocol::verdict_provisional : 0) |
        (installed ? protocol::verdict_digest_known : 0) |
        (installed && last != nullptr && last->put_in_place(installed->sha256) ? protocol::verdict_last_installed : 0));
    return answer(codec::encode(protocol::GetVerdictResponse{
        .target = target->configuration().id,
        .flags = {flags},
        .boot_id = settings.boot_id,
        .instance_id = settings.instance_id,
        .uptime = static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now - settings.started).count()),
        .last_result = last == nullptr ? protocol::UpdateResult::none : last->result,
        .last_sha256 = last == nullptr ? Sha256{} : last->sha256,
        .installed_sha256 = installed ? installed->sha256 : Sha256{},
        .version = {target->version()}}));
}

Outcome usb_drive(const usb::VirtualDrive& drive)
{
    const auto plugged_in = drive.plugged_in();
    return answer(codec::encode(plugged_in ? protocol::GetUsbDriveResponse{1,
                                                                           plugged_in->size,
                                                                           {plugged_in->identity.serial},
                                                                           {plugged_in->identity.label}}
                                           : protocol::GetUsbDriveResponse{}));
}

} // namespace

void add_extended_commands(CommandTable& table, UpdateSession& session)
{
    UpdateSession* const update = &session;
    table.add(make_row<Command::get_capabilities>(
        update, [update](const protocol::EmptyRequest&, const Caller& caller, TimePoint)
        { return answer(codec::encode(capabilities(*update, caller))); }));
    table.add(make_row<Command::get_update_session>(
        update, [update](const protocol::EmptyRequest&, const Caller& caller, TimePoint now)
        { return answer(codec::encode(update->describe(caller, now))); }));
    table.add(make_row<Command::take_over>(
        update, [update](const protocol::TakeOverRequest& request, const Caller& caller, TimePoint now)
        { return refuse(update->take_over(caller, request, now)); }));
    table.add(make_row<Command::set_update_parameters>(
        update,
        [update](const protocol::SetUpdateParametersRequest& request, const Caller& caller, TimePoint now)
        {
            const CompletionCode code = update->set_parameters(caller, request, now);
            const std::uint16_t parameters = update->parameters();
            const bool deferred = (parameters & protocol::parameter_defer_restart) != 0;
            return answer_if_ok(code, protocol::SetUpdateParametersResponse{{parameters},
                                                                            deferred ? protocol::ApplyTime::on_reset
                                                                                     : protocol::ApplyTime::immediate,
                                                                            update->target_id()});
        }));
    table.add(make_row<Command::begin_transfer>(
        update,
        [update](const protocol::BeginTransferRequest& request, const Caller& caller, TimePoint now)
        {
            const CompletionCode code = update->begin_transfer(caller, request, now);
            return answer_if_ok(code, update->transfer());
        }));
    CommandRow fragments = make_row<Command::write_fragment>(
        update, [update](const protocol::WriteFragmentRequest& request, const Caller& caller, TimePoint now)
        { return update->write_fragment(caller, request, now); });
    fragments.idempotent = true;
    table.add(std::move(fragments));
    table.add(make_row<Command::get_transfer_map>(
        update, [update](const protocol::GetTransferMapRequest& request, const Caller& caller, TimePoint)
        { return transfer_map(*update, request, caller); }));
    table.add(
        make_row<Command::get_reason>(update, [update](const protocol::GetReasonRequest& request, const Caller& caller,
                                                       TimePoint) { return reason(*update, request, caller); }));
    table.add(make_row<Command::get_update_log>(
        update, [update](const protocol::GetUpdateLogRequest& request, const Caller& caller, TimePoint)
        { return update_log(*update, request, caller); }));
    table.add(make_row<Command::get_target_info>(
        update, [update](const protocol::GetTargetInfoRequest& request, const Caller&, TimePoint)
        { return target_info(*update, request); }));
    table.add(make_row<Command::plan>(update, [update](const protocol::PlanRequest& request, const Caller& caller,
                                                       TimePoint) { return plan(*update, request, caller); }));
    table.add(
        make_row<Command::get_verdict>(update, [update](const protocol::GetVerdictRequest& request, const Caller&,
                                                        TimePoint now) { return verdict(*update, request, now); }));
    if (const usb::VirtualDrive* drive = session.transports().drive)
    {
        table.add(make_row<Command::get_usb_drive>(
            update, [drive](const protocol::EmptyRequest&, const Caller&, TimePoint) { return usb_drive(*drive); }));
    }
    if (session.settings().takes_signatures)
    {
        table.add(make_row<Command::write_signature_part>(
            update, [update](const protocol::WriteSignaturePartRequest& request, const Caller& caller, TimePoint now)
            { return refuse(update->write_signature(caller, request, now)); }));
    }
    if (session.trials().any())
    {
        table.add(make_row<Command::confirm_update>(
            update, [update](const protocol::ConfirmUpdateRequest& request, const Caller& caller, TimePoint now)
            { return refuse(update->confirm_update(caller, request, now)); }));
    }
    if (session.transports().fetches_uris())
    {
        table.add(make_row<Command::set_uri_parameters>(
            update,
            [update](const protocol::SetUriParametersRequest& request, const Caller& caller, TimePoint now)
            {
                const auto parameters = parse_uri_parameters(request);
                return refuse(parameters ? update->set_uri_parameters(caller, *parameters, now)
                                         : ipmi::completion_code(parameters.error().kind));
            }));
    }
}

} // namespace fwupdate::agent
