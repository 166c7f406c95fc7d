#include "ipmitool-plugin/client/steps.hpp"

#include "ipmitool-plugin/client/base_transfer.hpp"
#include "ipmitool-plugin/client/lease.hpp"
#include "ipmitool-plugin/client/preparation.hpp"
#include "ipmitool-plugin/client/refusal.hpp"
#include "ipmitool-plugin/client/signature.hpp"
#include "ipmitool-plugin/client/target.hpp"

namespace fwupdate::client
{
namespace
{

using protocol::Command;
using protocol::Control;

/// With the keyword force: takes the mode from whoever holds it.
Attempt<void> claim(const Context& context, const std::optional<Capabilities>& capabilities)
{
    if (!context.keywords.force || !capabilities)
    {
        return {};
    }
    const auto session = acquire(context, Claim::fresh);
    return session ? Attempt<void>{} : session.error();
}

Profile profile_of(const std::optional<Capabilities>& capabilities)
{
    return capabilities ? Profile::extended : Profile::base;
}

/// Asks; any completion code but 00h ends the step, explained.
template <class Response, class Request>
Attempt<Answer<Response>> step(const Context& context, const std::optional<Capabilities>& capabilities, Command command,
                               const Request& request)
{
    Attempt<Answer<Response>> answer = ask<Response>(context, command, request);
    if (answer && !answer->ok())
    {
        return explained_refusal(context, profile_of(capabilities), command, answer->code);
    }
    return answer;
}

Attempt<void> control(const Context& context, const std::optional<Capabilities>& capabilities, Control control)
{
    const auto answer = step<protocol::UpdateControlResponse>(context, capabilities, Command::update_control,
                                                              protocol::UpdateControlRequest{control, std::nullopt});
    return answer ? Attempt<void>{} : answer.error();
}

Outcome exit_mode(const Context& context, const std::optional<Capabilities>& capabilities, const std::string& text)
{
    const auto left =
        step<protocol::EmptyResponse>(context, capabilities, Command::exit_update_mode, protocol::EmptyRequest{});
    return left ? Outcome{ExitCode::done, text} : left.error();
}

Outcome abort_and_leave(const Context& context, const std::optional<Capabilities>& capabilities)
{
    const Attempt<void> aborted = control(context, capabilities, Control::transfer_abort);
    return aborted ? exit_mode(context, capabilities, "the transfer is given up; left update mode") : aborted.error();
}

/// An interrupted transfer is staged outside of update mode too: enters it for that.
Outcome discard_and_leave(const Context& context, const std::optional<Capabilities>& capabilities)
{
    const auto session = acquire(context, Claim::fresh);
    if (!session)
    {
        return session.error();
    }
    if (is_past_transfer(session->state))
    {
        if (const Attempt<void> aborted = control(context, capabilities, Control::transfer_abort); !aborted)
        {
            return aborted.error();
        }
    }
    const Attempt<void> discarded = discard_staged(context);
    const Outcome left = exit_mode(context, capabilities,
                                   session->state == protocol::UpdateState::idle
                                       ? "no transfer was under way; what was staged is dropped"
                                       : "the transfer is given up, what was staged is dropped; left update mode");
    return discarded ? left : discarded.error();
}

/// What goes with a URI, by 4Dh.
Attempt<void> tell_companions(const Context& context, const Source& source, const Subject& subject,
                              const std::optional<Capabilities>& capabilities)
{
    if (!capabilities)
    {
        return source.pin || source.credentials || subject.sha256
                   ? Outcome{ExitCode::refused,
                             "this BMC knows the base profile only: it takes nothing but the URI; the "
                             "SHA-256 goes by 'fwupdate options'"}
                   : Attempt<void>{};
    }
    if (source.uri.scheme_bit != protocol::scheme_usb)
    {
        if (const std::optional<Outcome> end = refuse_source(*capabilities, source))
        {
            return *end;
        }
    }
    if (subject.sha256)
    {
        if (const Attempt<void> told = tell_expectation(context, subject.size, *subject.sha256); !told)
        {
            return told.error();
        }
    }
    return tell_companions(context, *capabilities, source);
}

/// What only the extended profile has a word for.
Attempt<void> extended_options(const Context& context)
{
    const Keywords& words = context.keywords;
    protocol::SetUpdateParametersRequest request;
    request.mask.bits = protocol::parameter_debug | protocol::parameter_force;
    request.value.bits = static_cast<std::uint16_t>((words.debug ? protocol::parameter_debug : 0) |
                                                    (words.force ? protocol::parameter_force : 0));
    if (words.target)
    {
        const auto target = pick_target(context);
        if (!target)
        {
            return target.error();
        }
        request.target = target->target;
    }
    const auto set = demand<protocol::SetUpdateParametersResponse>(context, Command::set_update_parameters, request);
    return set ? Attempt<void>{} : set.error();
}

} // namespace

Outcome step_enter(const Context& context, const std::optional<Capabilities>& capabilities)
{
    if (context.keywords.force && capabilities)
    {
        const auto session = acquire(context, Claim::fresh);
        return session ? Outcome{ExitCode::done, "in update mode"} : session.error();
    }
    const auto code = capabilities ? enter_when_free(context) : enter_update_mode(context);
    if (!code)
    {
        return code.error();
    }
    return *code == ipmi::CompletionCode::ok
               ? Outcome{ExitCode::done, "in update mode"}
               : explained_refusal(context, profile_of(capabilities), Command::enter_update_mode, *code);
}

Outcome step_options(const Context& context, const std::optional<Capabilities>& capabilities)
{
    const Keywords& words = context.keywords;
    if (!capabilities && (words.debug || words.force || words.target))
    {
        return {ExitCode::refused, "this BMC knows the base profile only: it has no debug, force or target"};
    }
    const auto value = static_cast<std::uint8_t>((words.no_downgrade ? protocol::option_no_downgrade : 0) |
                                                 (words.defer_reboot ? protocol::option_defer_restart : 0) |
                                                 (words.sha256 ? protocol::option_digest_check : 0));
    const auto set =
        step<protocol::SetUpdateOptionsResponse>(context, capabilities, Command::set_update_options,
                                                 protocol::SetUpdateOptionsRequest{{0x07}, {value}, words.sha256});
    if (!set)
    {
        return set.error();
    }
    if (capabilities)
    {
        if (const Attempt<void> extended = extended_options(context); !extended)
        {
            return extended.error();
        }
    }
    const std::uint8_t bits = set->message.options.bits;
    context.reporter.item("options", {{"no_downgrade", (bits & protocol::option_no_downgrade) != 0},
                                      {"defer_reboot", (bits & protocol::option_defer_restart) != 0},
                                      {"sha256_check", (bits & protocol::option_digest_check) != 0}});
    return {};
}

Outcome step_signature(const Context& context, ConstBytes signature, const Capabilities& capabilities)
{
    const Attempt<void> sent = SignatureSender{context, signature, capabilities}.send();
    return sent ? Outcome{ExitCode::done, std::to_string(signature.size()) +
                                              " bytes of signature sent; the BMC keeps them until update mode is left"}
                : sent.error();
}

Outcome step_write(const Context& context, const Image& image, const std::optional<Capabilities>& capabilities)
{
    const auto channels = get_channels(context);
    if (!channels)
    {
        return channels.error();
    }
    if (const auto started = control(context, capabilities, Control::transfer_start); !started)
    {
        return started.error();
    }
    ProgressMeter meter;
    const Attempt<void> written =
        write_image(context, image, choose_write_size(context.bmc.port().facts(), *channels), !capabilities, meter);
    if (!written)
    {
        return written.error();
    }
    return {ExitCode::done, std::to_string(image.size()) + " bytes written; 'fwupdate complete' goes on"};
}

Outcome step_usb_in(const Context& context, const std::optional<Capabilities>& capabilities)
{
    for (const Control what : {Control::transfer_start, Control::usb_attach})
    {
        if (const Attempt<void> done = control(context, capabilities, what); !done)
        {
            return done.error();
        }
    }
    if (capabilities && capabilities->features.has(protocol::feature_usb))
    {
        const auto drive = demand<protocol::GetUsbDriveResponse>(context, Command::get_usb_drive);
        if (!drive)
        {
            return drive.error();
        }
        context.reporter.item("drive", {{"serial", printable(drive->message.serial.value)},
                                        {"label", printable(drive->message.label.value)},
                                        {"size", drive->message.size}});
    }
    const bool here = context.bmc.port().facts().kind == LinkKind::system_interface;
    return {ExitCode::done, std::string{"the USB drive is plugged in, at "} +
                                (here ? "this host" : "the BMC's host, not at this console") +
                                ": copy the image onto it, unmount it, then 'fwupdate usb-out', 'fwupdate uri "
                                "usb://FILE', 'fwupdate complete'"};
}

Outcome step_usb_out(const Context& context, const std::optional<Capabilities>& capabilities)
{
    const Attempt<void> done = control(context, capabilities, Control::usb_detach);
    return done ? Outcome{ExitCode::done, "the USB drive is plugged out; 'fwupdate uri usb://FILE' goes on"}
                : done.error();
}

Outcome step_uri(const Context& context, const Source& source, const Subject& subject,
                 const std::optional<Capabilities>& capabilities)
{
    if (const Attempt<void> told = tell_companions(context, source, subject, capabilities); !told)
    {
        return told.error();
    }
    const auto set = ask<protocol::UpdateControlResponse>(
        context, Command::update_control,
        protocol::UpdateControlRequest{Control::set_uri, protocol::Text<255>{source.uri.text}});
    if (!set)
    {
        return set.error();
    }
    if (!set->ok())
    {
        return capabilities ? uri_refusal(context, set->code)
                            : explained_refusal(context, Profile::base, Command::update_control, set->code);
    }
    return {ExitCode::done, "the BMC will read " + printable(source.uri.shown) + "; 'fwupdate complete' goes on"};
}

Outcome step_complete(const Context& context, const std::optional<Capabilities>& capabilities)
{
    const Attempt<void> completed = control(context, capabilities, Control::transfer_complete);
    return completed ? Outcome{ExitCode::done, "the BMC verifies and programs; see 'fwupdate status'"}
                     : completed.error();
}

Outcome leave(const Context& context, const std::optional<Capabilities>& capabilities)
{
    const Attempt<void> claimed = claim(context, capabilities);
    return claimed ? exit_mode(context, capabilities, "left update mode") : claimed.error();
}

Outcome give_up(const Context& context, const std::optional<Capabilities>& capabilities, const Notes& notes)
{
    Outcome outcome = capabilities ? discard_and_leave(context, capabilities) : abort_and_leave(context, capabilities);
    // A BMC with the base profile keeps nothing of an interrupted transfer: what it refuses to abort is over.
    if (outcome.code == ExitCode::done || (!capabilities && outcome.code == ExitCode::refused))
    {
        notes.drop(context.bmc.port().facts().peer);
    }
    return outcome;
}

} // namespace fwupdate::client
