// What every action that takes time has in common: its report, whom it tells, and its patience.
#pragma once

#include "bmc-agent/actions/action.hpp"
#include "bmc-agent/actions/action_table.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace fwupdate::agent
{

class RunningAction : public Action
{
  public:
    explicit RunningAction(const ActionParts& parts);

    void start(const ActionSubject& subject, Changed changed, TimePoint now) final;
    [[nodiscard]] const ActionReport& report() const final
    {
        return report_;
    }
    void abort() noexcept final;

  protected:
    /// Begins the work. It may succeed or fail at once.
    virtual void launch(const ActionSubject& subject) = 0;

    /// Stops what runs. Called for every end, a good one too; what has stopped already is left alone.
    virtual void halt() noexcept = 0;

    /// A sentence for one who wonders what has not moved for so long: what to look at.
    [[nodiscard]] virtual std::string where_to_look() const = 0;

    /// Each of these may have the action started anew or destroyed: they are the last thing that their caller does.
    void succeed();
    void fail(std::string text);
    void tell_percent(std::uint8_t percent);

    /// Something has moved: the patience begins again.
    void be_patient();

    [[nodiscard]] bool running() const
    {
        return report_.state == ActionState::running;
    }

    /// Alive until the end of this run: what comes later finds it expired.
    [[nodiscard]] std::weak_ptr<void> run() const
    {
        return run_;
    }

  private:
    void end(ActionState state, std::string text);
    void tell();

    boost::asio::steady_timer timer_;
    std::chrono::seconds patience_;
    ActionReport report_;
    Changed changed_;
    std::shared_ptr<void> run_; ///< one for each start
    bool starting_{false};      ///< an end is told by the report alone
};

} // namespace fwupdate::agent
