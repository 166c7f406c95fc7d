#include "ipmitool-plugin/client/foreign.hpp"

#include "ipmitool-plugin/client/base_transfer.hpp"
#include "ipmitool-plugin/client/conclusion.hpp"
#include "ipmitool-plugin/client/lease.hpp"

namespace fwupdate::client
{
namespace
{

using namespace std::chrono_literals;
using protocol::Command;
using protocol::Control;
using protocol::UpdateState;
using Status = protocol::GetUpdateStatusResponse;

constexpr int restarts = 5; ///< of the transfer after a lost answer, until it is given up
constexpr Patience single_question{1, 2};
constexpr std::chrono::milliseconds poll_period = 1s;
constexpr std::chrono::seconds stall_limit = 10min;
constexpr std::chrono::seconds return_limit = 5min;
constexpr std::chrono::seconds going_limit = 2min; ///< until it must have begun to restart
constexpr std::chrono::seconds restart_limit = 10min;

/// One update of a foreign BMC.
class ForeignInstall
{
  public:
    ForeignInstall(const Context& context, const Image& image, const Notes& notes)
        : context_{context}, image_{image}, notes_{notes}
    {
    }

    Outcome run()
    {
        if (const std::optional<Outcome> unfit = check_keywords())
        {
            return *unfit;
        }
        if (const Result<DeviceId> device = context_.bmc.device_id())
        {
            before_ = *device;
        }
        if (!confirmed(context_, "Install " + image_.file().string() + " (" + size_text(image_.size()) + ") on " +
                                     context_.bmc.port().facts().peer +
                                     (before_ ? ", which runs version " + before_->version : std::string{}) + "?"))
        {
            return {ExitCode::cancelled, "nothing was changed"};
        }
        const Attempt<void> entered = enter();
        if (!entered)
        {
            return entered.error();
        }
        const Attempt<void> ready = update();
        return conclude_install(context_, subject_of(image_), notes_, Keeps::nothing,
                                ready ? leave_and_wait() : give_up(ready.error()));
    }

  private:
    /// What such a BMC would silently do wrong is refused.
    [[nodiscard]] std::optional<Outcome> check_keywords() const
    {
        const auto refuse = [](const std::string& text) { return Outcome{ExitCode::refused, text}; };
        if (context_.keywords.defer_reboot)
        {
            return refuse("this BMC knows the base profile only: there 'defer-reboot' skips the activation altogether");
        }
        if (context_.keywords.no_downgrade)
        {
            return refuse("this BMC knows the base profile only: it accepts 'no-downgrade' and does not enforce it");
        }
        if (context_.keywords.target)
        {
            return refuse("this BMC knows the base profile only: it has one target, which can't be named");
        }
        return std::nullopt;
    }

    Attempt<void> enter() const
    {
        auto code = enter_update_mode(context_);
        if (code && *code == ipmi::CompletionCode::node_busy)
        {
            if (!context_.keywords.force)
            {
                return Outcome{ExitCode::refused, "the BMC is in update mode already, and can't tell who holds it. If "
                                                  "nobody else is updating it, add 'force'"};
            }
            context_.reporter.notice("the BMC is in update mode already: leaving it and entering again");
            static_cast<void>(context_.bmc.call<protocol::EmptyResponse>(Command::exit_update_mode));
            code = enter_update_mode(context_);
        }
        if (code && *code == ipmi::CompletionCode::invalid_data_field)
        {
            code = enter_update_mode(context_); // the number expired on the way
        }
        if (!code)
        {
            return code.error();
        }
        return *code == ipmi::CompletionCode::ok ? Attempt<void>{}
                                                 : refused_outcome(context_, Command::enter_update_mode, *code);
    }

    Attempt<void> set_options() const
    {
        // Options and flags survive from earlier updates there: every bit is set, every time.
        const auto set = demand<protocol::SetUpdateOptionsResponse>(
            context_, Command::set_update_options,
            protocol::SetUpdateOptionsRequest{{0x07}, {protocol::option_digest_check}, image_.sha256()});
        return set ? Attempt<void>{} : set.error();
    }

    /// Transfers, again from the start after a lost answer, then waits until it is ready.
    Attempt<void> update()
    {
        const auto channels = get_channels(context_);
        if (!channels)
        {
            return channels.error();
        }
        const std::size_t write_size = choose_write_size(context_.bmc.port().facts(), *channels);
        keep_note(context_, subject_of(image_), notes_);
        for (int round = 0;; ++round)
        {
            const Attempt<void> sent = transfer(write_size);
            if (sent)
            {
                return complete();
            }
            Outcome outcome = sent.error();
            if (outcome.remedy == Remedy::none || round == restarts)
            {
                outcome.code = outcome.remedy == Remedy::none ? outcome.code : ExitCode::transfer_failed;
                return outcome;
            }
            context_.reporter.notice(outcome.text +
                                     "; this BMC can't tell how much arrived: starting the transfer again");
            if (const Attempt<void> alive = make_sure_of_session(); !alive)
            {
                return alive.error();
            }
        }
    }

    Attempt<void> transfer(std::size_t write_size)
    {
        if (const Attempt<void> set = set_options(); !set)
        {
            return set.error();
        }
        const auto started = demand<protocol::UpdateControlResponse>(
            context_, Command::update_control, protocol::UpdateControlRequest{Control::transfer_start, std::nullopt});
        return started ? write_image(context_, image_, write_size, true, meter_) : started.error();
    }

    Attempt<void> make_sure_of_session() const
    {
        return context_.bmc.device_id() ? Attempt<void>{} : reconnect(context_, return_limit);
    }

    Attempt<void> complete()
    {
        const auto completed = ask<protocol::UpdateControlResponse>(
            context_, Command::update_control,
            protocol::UpdateControlRequest{Control::transfer_complete, std::nullopt});
        if (!completed)
        {
            // A repeated 29h-2 does no harm, but whether the first one arrived is in the status.
            const Attempt<void> alive = make_sure_of_session();
            return alive ? watch() : alive.error();
        }
        if (completed->code == ipmi::CompletionCode::unspecified)
        {
            return Outcome{ExitCode::verification_failed,
                           "the BMC found another SHA-256 than that of " + image_.file().string()};
        }
        if (completed->ok() ||
            (completed->code == ipmi::CompletionCode::not_supported_in_present_state && is_past_download()))
        {
            completed_ = true;
            return watch();
        }
        return refused_outcome(context_, Command::update_control, completed->code);
    }

    /// Whether a refused 29h-2 was the repetition of one that took effect and whose answer got lost.
    [[nodiscard]] bool is_past_download() const
    {
        const auto status = ask<Status>(context_, Command::get_update_status, protocol::EmptyRequest{});
        return status && status->ok() && status->message.state != UpdateState::init &&
               status->message.state != UpdateState::idle && status->message.state != UpdateState::download;
    }

    /// Its percentage is partly a timer: any change counts as progress.
    Attempt<void> watch()
    {
        Status last;
        TimePoint moved = context_.environment.now();
        while (pause(context_, poll_period))
        {
            const auto status = ask<Status>(context_, Command::get_update_status, protocol::EmptyRequest{});
            if (!status || !status->ok())
            {
                const Attempt<void> alive = make_sure_of_session();
                if (!alive)
                {
                    return alive.error();
                }
                continue;
            }
            if (const std::optional<Attempt<void>> end = judge_status(status->message))
            {
                return *end;
            }
            moved = status->message == last ? moved : context_.environment.now();
            last = status->message;
            if (context_.environment.now() - moved >= stall_limit)
            {
                return Outcome{ExitCode::program_failed,
                               "the BMC has been at '" + name_of(last.state) + "' for " + minutes_text(stall_limit)};
            }
        }
        return interrupted_outcome();
    }

    std::optional<Attempt<void>> judge_status(const Status& status)
    {
        const TimePoint now = context_.environment.now();
        if (status.integrity == protocol::IntegrityCheck::failed)
        {
            return Outcome{ExitCode::verification_failed,
                           "the BMC found another SHA-256 than that of " + image_.file().string()};
        }
        switch (status.state)
        {
        case UpdateState::ready:
        case UpdateState::host_restart_required:
            return Attempt<void>{};
        case UpdateState::error:
            return Outcome{ExitCode::program_failed, "the BMC reports an error and no reason"};
        case UpdateState::init:
            return restarted();
        case UpdateState::download:
            // 29h-2 got lost both ways: it has no effect twice.
            static_cast<void>(context_.bmc.control(Control::transfer_complete));
            return std::nullopt;
        default:
            completed_ = true;
            context_.reporter.progress(
                meter_.update_percent(status.state == UpdateState::verify ? Phase::verify : Phase::program,
                                      status.percent, now),
                now);
            return std::nullopt;
        }
    }

    /// Only a restart leads back to init. It is the update's own, unless the BMC never had the whole image: "ready" may
    /// be over before anybody asks.
    Attempt<void> restarted()
    {
        restarted_ = true;
        return completed_ ? Attempt<void>{}
                          : Outcome{ExitCode::transfer_failed,
                                    "the BMC restarted before it had the whole image, and keeps nothing of it"};
    }

    /// After a failure nobody else could enter: the mode has no lease there.
    Outcome give_up(Outcome outcome) const
    {
        if (outcome.code == ExitCode::program_failed)
        {
            return outcome; // exit in the middle of programming would be accepted there
        }
        static_cast<void>(context_.bmc.call<protocol::EmptyResponse>(Command::exit_update_mode));
        return outcome;
    }

    Outcome leave_and_wait()
    {
        if (restarted_)
        {
            return confirm({ExitCode::accepted, "accepted, not confirmed: the BMC restarted before it said ready, and "
                                                "can't tell whether the new firmware runs"});
        }
        static_cast<void>(context_.bmc.call<protocol::EmptyResponse>(Command::exit_update_mode));
        Outcome accepted{ExitCode::accepted,
                         "accepted, not confirmed: this BMC can't tell whether the new firmware runs"};
        if (context_.keywords.no_wait || !before_)
        {
            return accepted;
        }
        context_.reporter.notice("waiting for the restart");
        const TimePoint begun = context_.environment.now();
        while (pause(context_, poll_period))
        {
            const Result<DeviceId> device = context_.bmc.device_id(single_question);
            silences_ = device ? 0 : silences_ + 1;
            if (device && device->revision != before_->revision)
            {
                return updated(*device);
            }
            if (silences_ >= 3)
            {
                return wait_for_return(accepted);
            }
            if (context_.environment.now() - begun >= going_limit)
            {
                return accepted;
            }
        }
        return accepted;
    }

    Outcome wait_for_return(const Outcome& accepted) const
    {
        context_.reporter.notice("the BMC is restarting");
        const TimePoint gone = context_.environment.now();
        while (!context_.environment.interrupted())
        {
            if (context_.bmc.port().reopen(1))
            {
                return confirm(accepted);
            }
            if (context_.environment.now() - gone >= restart_limit)
            {
                return {ExitCode::no_return, "the BMC has not come back for " + minutes_text(restart_limit)};
            }
            pause(context_, poll_period);
        }
        return accepted;
    }

    /// Another version after the restart is the only proof that there is.
    [[nodiscard]] Outcome confirm(const Outcome& accepted) const
    {
        const Result<DeviceId> device = context_.bmc.device_id();
        return before_ && device && device->revision != before_->revision ? updated(*device) : accepted;
    }

    [[nodiscard]] Outcome updated(const DeviceId& device) const
    {
        return {ExitCode::done, "updated: version " + before_->version + " before, " + device.version + " now"};
    }

    const Context& context_;
    const Image& image_;
    const Notes& notes_;
    std::optional<DeviceId> before_;
    ProgressMeter meter_;
    int silences_{0};
    bool completed_{false}; ///< the BMC has the whole image and said so
    bool restarted_{false}; ///< before "ready" was seen
};

} // namespace

Outcome install_foreign(const Context& context, const Image& image, const Notes& notes)
{
    return ForeignInstall{context, image, notes}.run();
}

} // namespace fwupdate::client
