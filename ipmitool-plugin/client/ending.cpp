#include "ipmitool-plugin/client/ending.hpp"

#include "ipmitool-plugin/client/lease.hpp"
#include "ipmitool-plugin/client/preparation.hpp"
#include "ipmitool-plugin/client/verdict.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using protocol::GetTargetInfoResponse;
using protocol::GetVerdictResponse;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::chrono::seconds return_limit = 5min; ///< for a BMC that is silent
constexpr int exit_tries = 3;

Programmed programmed(const GetTargetInfoResponse& target, const Sha256& image, const GetVerdictResponse& now)
{
    Programmed one{.target = target.target, .name = printable(target.name.value), .before = {}};
    one.before.image = image;
    if (target.flags.has(protocol::target_digest_known))
    {
        one.before.installed = target.installed_sha256;
    }
    one.before.version = target.version.value;
    one.before.boot_id = now.boot_id;
    one.before.instance_id = now.instance_id;
    one.before.restart = target.restart;
    return one;
}

class Ending
{
  public:
    Ending(const Context& context, const Subject& subject, const TargetChoice& choice)
        : context_{context}, subject_{subject}, choice_{choice}
    {
    }

    Outcome run()
    {
        const std::vector<Programmed> targets = find_programmed();
        for (int round = 0; round < exit_tries && !gone_; ++round)
        {
            const auto left =
                ask<protocol::EmptyResponse>(context_, Command::exit_update_mode, protocol::EmptyRequest{});
            // CCh: the mode is left already, by a request whose answer was lost, or because the agent restarted.
            if (left && (left->ok() || left->code == ipmi::CompletionCode::invalid_data_field))
            {
                break;
            }
            if (left)
            {
                return refused_outcome(context_, Command::exit_update_mode, left->code);
            }
            // No answer: the BMC may be restarting already, or the line broke.
            if (!reconnect(context_, return_limit) || !still_ready())
            {
                break;
            }
        }
        return wait_for_verdict(context_, targets);
    }

  private:
    /// One more session where the wire has lost this one: the update is done, only who got it is not known.
    [[nodiscard]] std::optional<GetVerdictResponse> verdict_of(std::uint8_t target)
    {
        for (int round = 0; round < 2 && !gone_; ++round)
        {
            const auto answer =
                ask<GetVerdictResponse>(context_, Command::get_verdict, protocol::GetVerdictRequest{target});
            if (answer)
            {
                return answer->ok() ? std::optional{answer->message} : std::nullopt;
            }
            gone_ = !reconnect(context_, return_limit);
        }
        return std::nullopt;
    }

    /// The image's SHA-256; where nobody knew it, as the BMC has it by now from the target that it programmed last.
    [[nodiscard]] Sha256 image()
    {
        if (subject_.sha256)
        {
            return *subject_.sha256;
        }
        const auto session = ask<Session>(context_, Command::get_update_session, protocol::EmptyRequest{});
        const bool told = session && session->ok() && may_be_for(context_, session->message, choice_);
        const auto verdict = verdict_of(told ? session->message.target : choice_.target().target);
        return verdict ? verdict->last_sha256 : Sha256{};
    }

    /// A package may have programmed other targets than the picked one: those whose last update was with this image.
    [[nodiscard]] std::vector<Programmed> find_programmed()
    {
        const Sha256 image = this->image();
        std::vector<Programmed> found;
        GetVerdictResponse picked{};
        for (std::size_t at = 0; at < choice_.all.size(); ++at)
        {
            const bool is_picked = at == choice_.picked;
            if (!is_picked && !package_may_choose(context_, choice_))
            {
                continue;
            }
            const auto now = verdict_of(choice_.all[at].target);
            picked = now && is_picked ? *now : picked;
            if (now && now->last_sha256 == image && image != Sha256{})
            {
                found.push_back(programmed(choice_.all[at], image, *now));
            }
        }
        return found.empty() ? std::vector{programmed(choice_.target(), image, picked)} : found;
    }

    [[nodiscard]] bool still_ready() const
    {
        const auto answer = context_.bmc.call<Session>(Command::get_update_session);
        if (!answer || !answer->ok() || !is_past_transfer(answer->message.state))
        {
            return false; // not to be entered again
        }
        const Attempt<Session> session = acquire(context_, Claim::again);
        return session && is_past_transfer(session->state);
    }

    const Context& context_;
    const Subject& subject_;
    const TargetChoice& choice_;
    bool gone_{false}; ///< no session could be opened for a long time
};

} // namespace

Outcome end_update(const Context& context, const Subject& subject, const TargetChoice& choice)
{
    return Ending{context, subject, choice}.run();
}

} // namespace fwupdate::client
