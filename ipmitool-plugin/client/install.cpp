#include "ipmitool-plugin/client/install.hpp"

#include "ipmitool-plugin/client/conclusion.hpp"
#include "ipmitool-plugin/client/lease.hpp"
#include "ipmitool-plugin/client/preparation.hpp"
#include "ipmitool-plugin/client/transfer.hpp"
#include "ipmitool-plugin/client/usb_transfer.hpp"
#include "ipmitool-plugin/client/verdict.hpp"
#include "ipmitool-plugin/client/watch.hpp"

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

constexpr int exit_tries = 3;

/// One update. A pass goes from acquiring the mode to ready; what breaks a pass is remedied and the next pass finds
/// what is staged.
class Install
{
  public:
    Install(const Context& context, const Image& image, const protocol::GetCapabilitiesResponse& capabilities,
            const Notes& notes)
        : context_{context},
          image_{image},
          capabilities_{capabilities},
          notes_{notes},
          transfer_{context, image, capabilities}
    {
    }

    Outcome run()
    {
        Attempt<Preparation> prepared = prepare(context_, image_, capabilities_);
        if (!prepared)
        {
            return conclude_install(context_, image_, notes_, Keeps::nothing_yet, prepared.error());
        }
        target_ = std::move(prepared->target);
        before_ = std::move(prepared->before);
        const Attempt<void> ready = passes();
        if (!ready)
        {
            release(ready.error());
            return conclude_install(context_, image_, notes_, keeps(), ready.error());
        }
        return conclude_install(context_, image_, notes_, Keeps::blocks, leave());
    }

  private:
    [[nodiscard]] Keeps keeps() const
    {
        return completed_ || adopted_ || transfer_.arrived() != 0 ? Keeps::blocks : Keeps::nothing_yet;
    }

    // ---- passes

    Attempt<void> passes()
    {
        int fruitless = 0;
        while (true)
        {
            const std::uint64_t arrived = transfer_.arrived();
            const Attempt<void> pass = this->pass();
            if (pass || context_.environment.interrupted())
            {
                return pass ? Attempt<void>{} : interrupted();
            }
            fruitless = transfer_.arrived() > arrived ? 0 : fruitless + 1;
            Outcome outcome = pass.error();
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
        if (const std::optional<Outcome> end = taken_over(context_, transfer_.number()))
        {
            held_ = false;
            return *end;
        }
        context_.reporter.notice(outcome.text + "; beginning again, what is staged counts");
        return pause(context_, 500ms) ? Attempt<void>{} : interrupted_outcome();
    }

    Attempt<void> pass()
    {
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
        if (const Attempt<void> set = set_parameters(); !set)
        {
            return set.error();
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
        const Attempt<bool> same = is_about(context_, session, target_, image_);
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

    Attempt<void> set_parameters() const
    {
        const Keywords& words = context_.keywords;
        protocol::SetUpdateParametersRequest request;
        const auto choose = [&request](std::uint16_t bit, bool value)
        {
            request.mask.bits |= bit;
            request.value.bits = static_cast<std::uint16_t>(request.value.bits | (value ? bit : 0));
        };
        choose(protocol::parameter_no_downgrade, words.no_downgrade);
        choose(protocol::parameter_defer_restart, words.defer_reboot);
        choose(protocol::parameter_debug, words.debug);
        choose(protocol::parameter_force, words.force);
        request.apply_time = words.defer_reboot ? protocol::ApplyTime::on_reset : protocol::ApplyTime::immediate;
        request.target = target_.target;
        const auto set =
            demand<protocol::SetUpdateParametersResponse>(context_, Command::set_update_parameters, request);
        return set ? Attempt<void>{} : set.error();
    }

    Attempt<void> carry()
    {
        if (const Attempt<void> begun = transfer_.begin(target_.target); !begun)
        {
            return begun.error();
        }
        if (!noted_)
        {
            keep_note(context_, image_, notes_);
            noted_ = true;
        }
        if (transfer_.arrived() != 0)
        {
            context_.reporter.notice("resuming: " + size_text(transfer_.arrived()) + " of " + size_text(image_.size()) +
                                     " are on the BMC already");
        }
        if (transfer_.arrived() == image_.size())
        {
            return {};
        }
        if (!way_)
        {
            choose_way();
        }
        return way_ == Way::usb ? carry_by_drive() : transfer_.send(meter_);
    }

    void choose_way()
    {
        way_ = context_.keywords.transport.value_or(Way::stream);
        if (context_.keywords.transport)
        {
            return;
        }
        const std::string better = prefer_drive(context_, capabilities_, image_.size() - transfer_.arrived());
        if (!better.empty())
        {
            context_.reporter.notice(better + ": using the drive");
            way_ = Way::usb;
        }
    }

    /// A drive that nobody asked for and that does not work out is no failure: the image is streamed.
    Attempt<void> carry_by_drive()
    {
        Attempt<void> sent = send_by_drive(context_, image_, meter_);
        const bool asked_for = context_.keywords.transport.has_value();
        if (sent || asked_for || sent.error().remedy != Remedy::none || context_.environment.interrupted())
        {
            return sent;
        }
        context_.reporter.notice(sent.error().text + "; streaming over IPMI");
        way_ = Way::stream;
        return transfer_.send(meter_);
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
        if (completed_)
        {
            outcome.text += "; the BMC has the whole image and goes on, resume waits for it";
        }
        return outcome;
    }

    Outcome leave()
    {
        const auto verdict = ask<protocol::GetVerdictResponse>(context_, Command::get_verdict,
                                                               protocol::GetVerdictRequest{target_.target});
        if (verdict && verdict->ok())
        {
            before_.boot_id = verdict->message.boot_id;
            before_.instance_id = verdict->message.instance_id;
        }
        for (int round = 0; round < exit_tries; ++round)
        {
            const auto left =
                ask<protocol::EmptyResponse>(context_, Command::exit_update_mode, protocol::EmptyRequest{});
            if (left)
            {
                return left->ok() ? wait_for_verdict(context_, before_, target_)
                                  : refused_outcome(context_, Command::exit_update_mode, left->code);
            }
            // No answer: the BMC may be restarting already, or the line broke.
            if (!reconnect(context_, return_limit) || !still_ready())
            {
                break;
            }
        }
        return wait_for_verdict(context_, before_, target_);
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
    const Image& image_;
    const protocol::GetCapabilitiesResponse& capabilities_;
    const Notes& notes_;
    Transfer transfer_;
    protocol::GetTargetInfoResponse target_;
    Before before_;
    ProgressMeter meter_;
    Claim claim_{Claim::fresh};
    std::optional<Way> way_; ///< none: not chosen yet
    bool completed_{false};  ///< this command has said that the image is whole
    bool noted_{false};
    bool adopted_{false}; ///< the BMC was past the transfer already
    bool held_{false};    ///< this command owns update mode
};

} // namespace

Outcome install(const Context& context, const Image& image, const protocol::GetCapabilitiesResponse& capabilities,
                const Notes& notes)
{
    return Install{context, image, capabilities, notes}.run();
}

} // namespace fwupdate::client
