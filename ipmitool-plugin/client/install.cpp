#include "ipmitool-plugin/client/install.hpp"

#include "ipmitool-plugin/client/conclusion.hpp"
#include "ipmitool-plugin/client/ending.hpp"
#include "ipmitool-plugin/client/lease.hpp"
#include "ipmitool-plugin/client/plan.hpp"
#include "ipmitool-plugin/client/preparation.hpp"
#include "ipmitool-plugin/client/signature.hpp"
#include "ipmitool-plugin/client/watch.hpp"

#include <optional>
#include <utility>

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using Session = protocol::GetUpdateSessionResponse;

constexpr std::chrono::seconds return_limit = 5min; ///< for a BMC that is silent in mid-update
constexpr int fruitless_passes = 4; ///< passes in a row without anything new on the BMC until it is given up

/// One update. A pass goes from acquiring the mode to ready; what breaks a pass is remedied and the next pass finds
/// what is staged.
class Install
{
  public:
    Install(const Context& context, const Update& update, const protocol::GetCapabilitiesResponse& capabilities,
            const Notes& notes)
        : context_{context},
          subject_{update.subject},
          carrier_{update.carrier},
          resumed_{update.resumed},
          capabilities_{capabilities},
          notes_{notes}
    {
        if (!update.signature.empty())
        {
            signature_.emplace(context, update.signature, capabilities);
        }
    }

    Outcome run()
    {
        Attempt<TargetChoice> prepared = prepare(context_, subject_, capabilities_);
        if (!prepared)
        {
            return conclude_install(context_, subject_, notes_, Keeps::nothing_yet, prepared.error());
        }
        choice_ = std::move(*prepared);
        const Attempt<void> ready = passes();
        carrier_.finish();
        if (!ready)
        {
            release(ready.error());
            return conclude_install(context_, subject_, notes_, keeps(), ready.error());
        }
        return conclude_install(context_, subject_, notes_, Keeps::blocks, end_update(context_, subject_, choice_));
    }

  private:
    [[nodiscard]] Keeps keeps() const
    {
        if (!subject_.has_name())
        {
            return Keeps::nameless;
        }
        // Said to be whole, it may still be about to be fetched.
        const bool something = adopted_ || carrier_.arrived() != 0 || (completed_ && meter_.moved());
        return something ? Keeps::blocks : Keeps::nothing_yet;
    }

    // ---- passes

    Attempt<void> passes()
    {
        int fruitless = 0;
        while (true)
        {
            const std::uint64_t arrived = carrier_.arrived();
            const Attempt<void> pass = this->pass();
            if (pass || context_.environment.interrupted())
            {
                return pass ? Attempt<void>{} : interrupted();
            }
            fruitless = carrier_.arrived() > arrived ? 0 : fruitless + 1;
            Outcome outcome = carrier_.explained(pass.error());
            if (outcome.remedy == Remedy::none || fruitless >= fruitless_passes)
            {
                outcome.code = outcome.remedy == Remedy::none ? outcome.code : ExitCode::transfer_failed;
                return outcome;
            }
            if (const Attempt<void> remedied = remedy(outcome); !remedied)
            {
                return remedied.error();
            }
            claim_ = held_ ? Claim::again : claim_;
        }
    }

    Attempt<void> remedy(const Outcome& outcome)
    {
        if (outcome.remedy == Remedy::reconnect)
        {
            return reconnect(context_, return_limit);
        }
        if (const std::optional<Outcome> end = taken_over(context_, carrier_.number()))
        {
            held_ = false;
            return *end;
        }
        context_.reporter.notice(outcome.text + "; beginning again, what is staged counts");
        return pause(context_, 500ms) ? Attempt<void>{} : interrupted_outcome();
    }

    Attempt<void> pass()
    {
        const bool stale = may_keep_signature();
        const Attempt<Session> session = acquire(context_, claim_);
        if (!session)
        {
            return session.error();
        }
        if (is_past_transfer(session->state))
        {
            const Attempt<void> same = check_same_image(*session);
            held_ = adopted_ = same.has_value();
            return same ? watch_until_ready(context_, meter_) : same.error();
        }
        held_ = true;
        const Attempt<bool> fetches = is_fetching_ours(*session);
        if (!fetches || *fetches)
        {
            return fetches ? watch_until_ready(context_, meter_) : fetches.error();
        }
        if (const Attempt<void> cleared = clear(*session); !cleared)
        {
            return cleared.error();
        }
        if (const Attempt<void> set = stale ? leave_stale("may have left a signature in it") : set_parameters(); !set)
        {
            return set.error();
        }
        if (const Attempt<void> sent = signature_ ? signature_->send() : Attempt<void>{}; !sent)
        {
            return sent.error();
        }
        if (const Attempt<void> carried = carry(); !carried)
        {
            return carried.error();
        }
        if (const Attempt<void> completed = complete(); !completed)
        {
            return completed.error();
        }
        completed_ = true;
        return watch_until_ready(context_, meter_);
    }

    Attempt<void> complete() const
    {
        const auto completed = ask<protocol::UpdateControlResponse>(
            context_, Command::update_control,
            protocol::UpdateControlRequest{protocol::Control::transfer_complete, std::nullopt});
        if (!completed)
        {
            return completed.error();
        }
        if (completed->ok())
        {
            return {};
        }
        Outcome outcome = refused_outcome(context_, Command::update_control, completed->code);
        // 82h: staged blocks were lost after all; D5h: the transfer or the mode was. The next pass finds what is left.
        if (completed->code == protocol::transfer_incomplete ||
            completed->code == ipmi::CompletionCode::not_supported_in_present_state)
        {
            outcome.remedy = Remedy::repeat;
        }
        return outcome;
    }

    /// The BMC is past the transfer already: by this command before its session broke, or by another one.
    Attempt<void> check_same_image(const Session& session) const
    {
        if (completed_)
        {
            return {};
        }
        const Attempt<bool> same = is_ours(session);
        if (!same)
        {
            return same.error();
        }
        if (*same)
        {
            context_.reporter.notice("this image is at '" + name_of(session.state) + "' already; going on from there");
            return {};
        }
        return Outcome{ExitCode::refused, "another update is at '" + name_of(session.state) +
                                              "': let it end and leave it with 'fwupdate exit'"};
    }

    /// Without a SHA-256 nothing tells what the BMC is at: then resume takes it for what was interrupted.
    [[nodiscard]] Attempt<bool> is_ours(const Session& session) const
    {
        return subject_.sha256 || !resumed_ ? is_about(context_, session, choice_, subject_)
                                            : may_be_for(context_, session, choice_);
    }

    /// Whether the BMC is in the midst of fetching this very image: since this command told it to, or another one that
    /// is gone.
    Attempt<bool> is_fetching_ours(const Session& session)
    {
        if (session.state != protocol::UpdateState::download || session.transport != protocol::Transport::uri ||
            !fetch_runs())
        {
            return false;
        }
        if (completed_ && session.transfer == carrier_.number())
        {
            return true;
        }
        if (!carrier_.outlives_us())
        {
            return false;
        }
        Attempt<bool> ours = is_ours(session);
        if (ours && *ours)
        {
            context_.reporter.notice("the BMC is fetching this image already; going on from there");
            adopted_ = true;
        }
        return ours;
    }

    [[nodiscard]] bool fetch_runs() const
    {
        const auto flags = context_.bmc.control(protocol::Control::get_flags);
        return flags && flags->ok() && flags->message.flags.has(protocol::flag_completed);
    }

    /// What another transfer has left behind and would be in the way: an error, a fetch, another target, a name. Named
    /// blocks stay.
    Attempt<void> clear(const Session& session) const
    {
        using protocol::UpdateState;
        const bool in_the_way = session.state == UpdateState::download &&
                                (session.transport == protocol::Transport::uri ||
                                 session.target != choice_.target().target || !subject_.has_name());
        if (session.state != UpdateState::error && !in_the_way)
        {
            return {};
        }
        const auto aborted = demand<protocol::UpdateControlResponse>(
            context_, Command::update_control,
            protocol::UpdateControlRequest{protocol::Control::transfer_abort, std::nullopt});
        return aborted ? Attempt<void>{} : aborted.error();
    }

    Attempt<void> set_parameters() const
    {
        const Keywords& words = context_.keywords;
        protocol::SetUpdateParametersRequest request;
        request.mask.bits = protocol::parameter_no_downgrade | protocol::parameter_defer_restart |
                            protocol::parameter_debug | protocol::parameter_force;
        request.value.bits = parameters_of(words);
        request.apply_time = words.defer_reboot ? protocol::ApplyTime::on_reset : protocol::ApplyTime::immediate;
        request.target = named_target(context_, choice_);
        const auto set =
            demand<protocol::SetUpdateParametersResponse>(context_, Command::set_update_parameters, request);
        if (!set)
        {
            return set.error();
        }
        const std::uint8_t in_force = set->message.target;
        const bool as_wanted = words.target || in_force == choice_.target().target || in_force == protocol::no_target;
        // Where none is named, FFh leaves the former choice in force.
        return as_wanted ? Attempt<void>{} : leave_stale("chose another target");
    }

    /// Whether the mode may be one that an earlier command has left, with a signature in it that is none of this image.
    [[nodiscard]] bool may_keep_signature() const
    {
        if (held_ || signature_ || !capabilities_.features.has(protocol::feature_signature))
        {
            return false;
        }
        const auto session = context_.bmc.call<Session>(Command::get_update_session);
        return session && session->ok() && session->message.flags.has(protocol::session_in_mode);
    }

    /// Nothing but the mode's end takes back what was said in it before.
    Attempt<void> leave_stale(const std::string& what) const
    {
        const auto left = demand<protocol::EmptyResponse>(context_, Command::exit_update_mode);
        return left ? Outcome{ExitCode::transfer_failed,
                              "an earlier command entered this update mode and " + what + ": left it", Remedy::repeat}
                    : left.error();
    }

    Attempt<void> carry()
    {
        if (const Attempt<void> begun = carrier_.begin(named_target(context_, choice_)); !begun)
        {
            return begun.error();
        }
        if (!noted_)
        {
            keep_note(context_, subject_, notes_);
            noted_ = true;
        }
        if (carrier_.arrived() != 0)
        {
            context_.reporter.notice("resuming: " + size_text(carrier_.arrived()) + " of " + size_text(subject_.size) +
                                     " are on the BMC already");
        }
        return carrier_.arrived() != 0 && carrier_.arrived() == subject_.size ? Attempt<void>{}
                                                                              : carrier_.carry(meter_);
    }

    // ---- the end

    /// Leaves update mode after a failure, so that nobody has to wait for the lease; what is staged stays. Not past
    /// the transfer: from ready, exit would restart, and nobody asked for that any more.
    void release(const Outcome& outcome) const
    {
        if (!held_ || outcome.remedy == Remedy::reconnect)
        {
            return;
        }
        const auto session = context_.bmc.call<Session>(Command::get_update_session);
        if (session && session->ok() && !is_past_transfer(session->message.state))
        {
            static_cast<void>(context_.bmc.call<protocol::EmptyResponse>(Command::exit_update_mode));
        }
    }

    /// ^C: past the transfer the BMC goes on by itself.
    [[nodiscard]] Outcome interrupted() const
    {
        Outcome outcome = interrupted_outcome();
        const auto session = context_.bmc.call<Session>(Command::get_update_session);
        const bool fetching = session && session->ok() && session->message.state == protocol::UpdateState::download;
        if (completed_ && !fetching)
        {
            outcome.text += "; the BMC has the whole image and goes on, resume waits for it";
        }
        return outcome;
    }

    const Context& context_;
    const Subject& subject_;
    Carrier& carrier_;
    bool resumed_;
    const protocol::GetCapabilitiesResponse& capabilities_;
    const Notes& notes_;
    std::optional<SignatureSender> signature_; ///< none: there is none to be sent
    TargetChoice choice_;
    ProgressMeter meter_;
    Claim claim_{Claim::fresh};
    bool completed_{false}; ///< this command has said that the image is whole
    bool noted_{false};
    bool adopted_{false}; ///< the BMC was past the transfer already
    bool held_{false};    ///< this command owns update mode
};

} // namespace

Outcome install(const Context& context, const Update& update, const protocol::GetCapabilitiesResponse& capabilities,
                const Notes& notes)
{
    return Install{context, update, capabilities, notes}.run();
}

} // namespace fwupdate::client
