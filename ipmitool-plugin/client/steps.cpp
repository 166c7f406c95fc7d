#include "ipmitool-plugin/client/steps.hpp"

#include "ipmitool-plugin/client/base_transfer.hpp"
#include "ipmitool-plugin/client/lease.hpp"
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

Attempt<std::uint8_t> control(const Context& context, Control control)
{
    const auto answer = demand<protocol::UpdateControlResponse>(context, Command::update_control,
                                                                protocol::UpdateControlRequest{control, std::nullopt});
    if (!answer)
    {
        return answer.error();
    }
    return answer->message.flags.bits;
}

Outcome exit_mode(const Context& context, const std::string& text)
{
    const auto left = demand<protocol::EmptyResponse>(context, Command::exit_update_mode);
    return left ? Outcome{ExitCode::done, text} : left.error();
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
    return *code == ipmi::CompletionCode::ok ? Outcome{ExitCode::done, "in update mode"}
                                             : refused_outcome(context, Command::enter_update_mode, *code);
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
    const auto set = demand<protocol::SetUpdateOptionsResponse>(
        context, Command::set_update_options, protocol::SetUpdateOptionsRequest{{0x07}, {value}, words.sha256});
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

Outcome step_write(const Context& context, const Image& image, const std::optional<Capabilities>& capabilities)
{
    const auto channels = get_channels(context);
    if (!channels)
    {
        return channels.error();
    }
    if (const auto started = control(context, Control::transfer_start); !started)
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

Outcome step_complete(const Context& context)
{
    const auto flags = control(context, Control::transfer_complete);
    return flags ? Outcome{ExitCode::done, "the BMC verifies and programs; see 'fwupdate status'"} : flags.error();
}

Outcome leave(const Context& context, const std::optional<Capabilities>& capabilities)
{
    const Attempt<void> claimed = claim(context, capabilities);
    return claimed ? exit_mode(context, "left update mode") : claimed.error();
}

Outcome give_up(const Context& context, const std::optional<Capabilities>& capabilities)
{
    if (const Attempt<void> claimed = claim(context, capabilities); !claimed)
    {
        return claimed.error();
    }
    if (const auto aborted = control(context, Control::transfer_abort); !aborted)
    {
        return aborted.error();
    }
    return exit_mode(context, "the transfer is given up; left update mode");
}

} // namespace fwupdate::client
