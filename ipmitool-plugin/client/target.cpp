#include "ipmitool-plugin/client/target.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::client
{
namespace
{

using protocol::GetTargetInfoResponse;

bool is_named(const GetTargetInfoResponse& target, const std::string& name)
{
    return target.name.value == name || std::to_string(target.target) == name;
}

std::string names_of(const std::vector<GetTargetInfoResponse>& targets)
{
    std::string names;
    for (const GetTargetInfoResponse& target : targets)
    {
        names += (names.empty() ? "" : ", ") + printable(target.name.value);
    }
    return names.empty() ? "none" : names;
}

} // namespace

Attempt<std::vector<GetTargetInfoResponse>> list_targets(const Context& context)
{
    std::vector<GetTargetInfoResponse> targets;
    for (unsigned index = 0, count = 1; index < count; ++index)
    {
        auto answer = ask<GetTargetInfoResponse>(context, protocol::Command::get_target_info,
                                                 protocol::GetTargetInfoRequest{static_cast<std::uint8_t>(index)});
        if (!answer)
        {
            return answer.error();
        }
        if (answer->code == ipmi::CompletionCode::not_present)
        {
            break; // there is none, or the list became shorter meanwhile
        }
        if (!answer->ok())
        {
            return refused_outcome(context, protocol::Command::get_target_info, answer->code);
        }
        count = answer->message.count;
        targets.push_back(std::move(answer->message));
    }
    return targets;
}

Attempt<TargetChoice> choose_target(const Context& context)
{
    auto targets = list_targets(context);
    if (!targets)
    {
        return targets.error();
    }
    const std::optional<std::string>& name = context.keywords.target;
    const auto chosen =
        std::ranges::find_if(*targets, [&](const GetTargetInfoResponse& target)
                             { return name ? is_named(target, *name) : target.flags.has(protocol::target_default); });
    if (chosen != targets->end())
    {
        const auto picked = static_cast<std::size_t>(chosen - targets->begin());
        return TargetChoice{std::move(*targets), picked};
    }
    if (!name && targets->size() == 1)
    {
        return TargetChoice{std::move(*targets), 0};
    }
    return Outcome{ExitCode::refused,
                   (name ? "there is no target '" + printable(*name) + "' here" : "the BMC has no default target") +
                       ": choose with 'target' out of: " + names_of(*targets)};
}

Attempt<GetTargetInfoResponse> pick_target(const Context& context)
{
    const auto choice = choose_target(context);
    return choice ? Attempt<GetTargetInfoResponse>{choice->target()} : choice.error();
}

std::uint8_t named_target(const Context& context, const TargetChoice& choice)
{
    return context.keywords.target ? choice.target().target : protocol::no_target;
}

bool package_may_choose(const Context& context, const TargetChoice& choice)
{
    const auto& accepts = choice.target().accepts;
    return !context.keywords.target && (accepts.has(protocol::accepts_pldm) || accepts.has(protocol::accepts_tarball));
}

} // namespace fwupdate::client
