// "systemd": a unit is started, and the action has succeeded when its job is done and the unit has not failed. "reboot"
// is the same with reboot.target.
#pragma once

#include "bmc-agent/actions/running_action.hpp"
#include "bmc-agent/dbus/unit_job.hpp"

namespace fwupdate::agent
{

/// What an action says that needs a bus and has none.
inline constexpr const char* without_bus =
    "this agent was built without D-Bus, so it cannot start a unit; build it with "
    "sdbus-c++, or use an action of type \"command\"";

class SystemdAction final : public RunningAction
{
  public:
    SystemdAction(config::flash::Systemd unit, const ActionParts& parts);
    ~SystemdAction() override;

  private:
    void launch(const ActionSubject& subject) override;
    void halt() noexcept override;
    [[nodiscard]] std::string where_to_look() const override;

    config::flash::Systemd unit_;
    std::unique_ptr<dbus::UnitJob> job_; ///< nullptr: without D-Bus
};

} // namespace fwupdate::agent
