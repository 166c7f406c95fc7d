#include "ipmitool-plugin/client/queries.hpp"

#include "ipmitool-plugin/client/base_transfer.hpp"
#include "ipmitool-plugin/client/plan.hpp"
#include "ipmitool-plugin/client/target.hpp"

#include <array>
#include <ctime>

namespace fwupdate::client
{
namespace
{

using protocol::Command;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::size_t longest_text = 4096; ///< bytes of a log entry's text; more is not believed

constexpr auto feature_names = std::to_array<std::pair<std::uint32_t, std::string_view>>({
    {protocol::feature_window, "window"},
    {protocol::feature_resume, "resume"},
    {protocol::feature_resume_reboot, "resume-reboot"},
    {protocol::feature_fill, "fill"},
    {protocol::feature_copy, "copy"},
    {protocol::feature_zstd, "zstd"},
    {protocol::feature_plan, "plan"},
    {protocol::feature_log, "log"},
    {protocol::feature_usb, "usb"},
    {protocol::feature_uri, "uri"},
    {protocol::feature_signature, "signature"},
    {protocol::feature_confirm, "confirm"},
    {protocol::feature_must_be_signed, "must-be-signed"},
});

constexpr auto scheme_bit_names = std::to_array<std::pair<std::uint32_t, std::string_view>>({
    {protocol::scheme_http, "http"},
    {protocol::scheme_https, "https"},
    {protocol::scheme_tftp, "tftp"},
    {protocol::scheme_ftp, "ftp"},
    {protocol::scheme_ftps, "ftps"},
    {protocol::scheme_usb, "usb"},
});

constexpr auto package_names = std::to_array<std::pair<std::uint32_t, std::string_view>>({
    {protocol::accepts_plain, "plain"},
    {protocol::accepts_pldm, "pldm"},
    {protocol::accepts_tarball, "tarball"},
});

template <std::size_t Size>
Json names_of_bits(std::uint32_t bits, const std::array<std::pair<std::uint32_t, std::string_view>, Size>& names)
{
    Json list = Json::array();
    for (const auto& [bit, name] : names)
    {
        if ((bits & bit) != 0)
        {
            list.push_back(name);
        }
    }
    return list;
}

Json or_null(bool known, Json value)
{
    return known ? std::move(value) : Json(nullptr);
}

std::string time_text(std::uint64_t seconds)
{
    const auto when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    std::array<char, 32> buffer{};
    if (seconds > 253'402'300'799U || ::gmtime_r(&when, &parts) == nullptr) // the end of the year 9999
    {
        return "unknown";
    }
    return {buffer.data(), std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

Fields session_fields(const Session& session)
{
    const bool held = session.flags.has(protocol::session_in_mode);
    return {
        {"state", name_of(session.state)},
        {"percent", session.percent},
        {"integrity", name_of(session.integrity)},
        {"transport", name_of(session.transport)},
        {"target", or_null(session.target != protocol::no_target, session.target)},
        {"size", or_null(session.size != 0, session.size)},
        {"received", session.received},
        {"done", session.done},
        {"update_mode_held", held},
        {"holder", or_null(held, session.holder.value.empty() ? "system interface" : session.holder.value)},
        {"holder_channel", or_null(held, session.holder_channel)},
        {"holder_alive", or_null(held, session.flags.has(protocol::session_holder_alive))},
        {"holder_idle", or_null(held, session.idle)},
        {"lease_remaining", or_null(held, session.lease_remaining)},
        {"restart_pending", session.flags.has(protocol::session_restart_pending)},
        {"resumable", session.flags.has(protocol::session_named)},
        {"acting", session.flags.has(protocol::session_acting)},
    };
}

Outcome foreign_status(const Context& context)
{
    const auto status = demand<protocol::GetUpdateStatusResponse>(context, Command::get_update_status);
    if (!status)
    {
        return status.error();
    }
    const auto flags = demand<protocol::UpdateControlResponse>(
        context, Command::update_control, protocol::UpdateControlRequest{protocol::Control::get_flags, std::nullopt});
    if (!flags)
    {
        return flags.error();
    }
    const std::uint8_t bits = flags->message.flags.bits;
    context.reporter.item("status", {{"state", name_of(status->message.state)},
                                     {"percent", status->message.percent},
                                     {"integrity", name_of(status->message.integrity)},
                                     {"started", (bits & protocol::flag_started) != 0},
                                     {"completed", (bits & protocol::flag_completed) != 0},
                                     {"aborted", (bits & protocol::flag_aborted) != 0},
                                     {"usb_attached", (bits & protocol::flag_usb_attached) != 0}});
    return {};
}

Outcome foreign_info(const Context& context)
{
    const auto channels = get_channels(context);
    if (!channels)
    {
        return channels.error();
    }
    if (!*channels)
    {
        return {ExitCode::refused, "this BMC serves none of the firmware-transfer commands"};
    }
    const Result<DeviceId> device = context.bmc.device_id();
    context.reporter.item("info",
                          {{"profile", "base"},
                           {"version", or_null(device.has_value(), device ? Json(device->version) : Json(nullptr))},
                           {"write_size", choose_write_size(context.bmc.port().facts(), *channels)}});
    return foreign_status(context);
}

/// Reads one log entry, its text whole. `count` becomes the number of entries.
Attempt<bool> show_log_entry(const Context& context, std::uint8_t index, unsigned& count)
{
    std::string text;
    protocol::GetUpdateLogResponse entry;
    for (std::size_t length = 1; text.size() < length;)
    {
        auto answer = ask<protocol::GetUpdateLogResponse>(
            context, Command::get_update_log,
            protocol::GetUpdateLogRequest{index, static_cast<std::uint16_t>(text.size())});
        if (!answer)
        {
            return answer.error();
        }
        if (answer->code == ipmi::CompletionCode::not_present)
        {
            return false;
        }
        if (!answer->ok())
        {
            return refused_outcome(context, Command::get_update_log, answer->code);
        }
        const ConstBytes piece = answer->message.text.view;
        text += as_text(piece);
        entry = answer->message;
        entry.text = {};
        count = entry.count;
        length = piece.empty() ? 0 : std::min<std::size_t>(entry.text_length, longest_text);
    }
    context.reporter.item("log", {{"index", index},
                                  {"result", name_of(entry.result)},
                                  {"target", or_null(entry.target != protocol::no_target, entry.target)},
                                  {"transport", name_of(entry.transport)},
                                  {"phase", name_of(entry.phase)},
                                  {"reason", static_cast<std::uint16_t>(entry.code)},
                                  {"started", time_text(entry.started)},
                                  {"duration", entry.duration},
                                  {"size", or_null(entry.size != 0, entry.size)},
                                  {"sha256", or_null(entry.sha256 != Sha256{}, to_hex(entry.sha256))},
                                  {"text", text}});
    return true;
}

} // namespace

Attempt<std::optional<Capabilities>> find_capabilities(const Context& context)
{
    const Result<Answer<Capabilities>> answer =
        context.bmc.call<Capabilities>(Command::get_capabilities, protocol::EmptyRequest{});
    if (!answer)
    {
        // "peer": too short to be ours, so it is somebody else's 40h
        return answer.error().kind == ErrorKind::peer ? Attempt<std::optional<Capabilities>>{std::nullopt}
                                                      : no_answer_outcome(context, answer.error());
    }
    if (answer->code == ipmi::CompletionCode::insufficient_privilege)
    {
        return refused_outcome(context, Command::get_capabilities, answer->code);
    }
    const Capabilities& found = answer->message;
    if (!answer->ok() || found.signature != protocol::signature)
    {
        return std::optional<Capabilities>{};
    }
    if (found.major != protocol::version_major)
    {
        context.reporter.notice("the BMC speaks version " + std::to_string(found.major) +
                                " of the extended profile, which this program does not know: using the base profile");
        return std::optional<Capabilities>{};
    }
    return std::optional{found};
}

Outcome show_info(const Context& context, const std::optional<Capabilities>& capabilities)
{
    if (!capabilities)
    {
        return foreign_info(context);
    }
    const Capabilities& found = *capabilities;
    context.reporter.item("info",
                          {{"profile", "extended"},
                           {"protocol_version", std::to_string(found.major) + "." + std::to_string(found.minor)},
                           {"features", names_of_bits(found.features.bits, feature_names)},
                           {"schemes", names_of_bits(found.schemes.bits, scheme_bit_names)},
                           {"block_size", found.block_size},
                           {"max_message", found.max_message},
                           {"window", found.window},
                           {"max_image_size", found.max_image_size},
                           {"lease", found.lease},
                           {"retention", found.retention}});
    return show_status(context, capabilities);
}

Outcome show_targets(const Context& context)
{
    const auto targets = list_targets(context);
    if (!targets)
    {
        return targets.error();
    }
    for (const protocol::GetTargetInfoResponse& target : *targets)
    {
        const bool known = target.flags.has(protocol::target_digest_known);
        context.reporter.item("target", {{"id", target.target},
                                         {"name", target.name.value},
                                         {"version", or_null(!target.version.value.empty(), target.version.value)},
                                         {"default", target.flags.has(protocol::target_default)},
                                         {"restart", name_of(target.restart)},
                                         {"restart_pending", target.flags.has(protocol::target_restart_pending)},
                                         {"accepts", names_of_bits(target.accepts.bits, package_names)},
                                         {"max_size", or_null(target.max_size != 0, target.max_size)},
                                         {"installed_size", or_null(known, target.installed_size)},
                                         {"installed_sha256", or_null(known, to_hex(target.installed_sha256))}});
    }
    return {};
}

Outcome show_status(const Context& context, const std::optional<Capabilities>& capabilities)
{
    if (!capabilities)
    {
        return foreign_status(context);
    }
    const auto session = demand<Session>(context, Command::get_update_session);
    if (!session)
    {
        return session.error();
    }
    Fields fields = session_fields(session->message);
    const std::optional<Reason> reason = context.bmc.reason();
    fields.emplace_back("last_reason", reason ? Json(reason->text) : Json(""));
    context.reporter.item("status", fields, "none"); // no holder, no target, no lease: nobody is updating
    return {};
}

Outcome show_log(const Context& context)
{
    unsigned count = 1;
    for (unsigned index = 0; index < count; ++index)
    {
        const Attempt<bool> shown = show_log_entry(context, static_cast<std::uint8_t>(index), count);
        if (!shown)
        {
            return shown.error();
        }
        if (!*shown)
        {
            if (index == 0)
            {
                context.reporter.empty("no updates yet");
            }
            break;
        }
    }
    return {};
}

Outcome show_plan(const Context& context, const Subject& subject, const Capabilities& capabilities)
{
    std::uint8_t number = protocol::no_target;
    if (context.keywords.target)
    {
        const auto target = pick_target(context);
        if (!target)
        {
            return target.error();
        }
        number = target->target;
    }
    const auto plan = ask_plan(context, subject, number, capabilities);
    if (!plan)
    {
        return plan.error();
    }
    if (plan->completion != ipmi::CompletionCode::ok)
    {
        return refused_outcome(context, Command::plan, plan->completion);
    }
    switch (plan->verdict)
    {
    case protocol::PlanVerdict::would_accept:
        return {ExitCode::done, "would be accepted\n" + plan->text};
    case protocol::PlanVerdict::already_current:
        return {ExitCode::already_current, "already current\n" + plan->text};
    default:
        return {ExitCode::refused, "would be refused\n" + plan->text};
    }
}

} // namespace fwupdate::client
