#include "bmc-agent/actions/systemd_action.hpp"

#include <utility>

namespace fwupdate::agent
{

SystemdAction::SystemdAction(config::flash::Systemd unit, const ActionParts& parts)
    : RunningAction{parts}, unit_{std::move(unit)}, job_{dbus::make_unit_job(*parts.context, parts.bus)}
{
}

SystemdAction::~SystemdAction()
{
    abort();
}

void SystemdAction::launch(const ActionSubject& /*subject*/)
{
    if (job_ == nullptr)
    {
        fail(without_bus);
        return;
    }
    job_->start(unit_.unit, unit_.mode, [this](const dbus::UnitEnd& end) { end.success ? succeed() : fail(end.text); });
}

void SystemdAction::halt() noexcept
{
    if (job_ != nullptr)
    {
        job_->cancel();
    }
}

std::string SystemdAction::where_to_look() const
{
    return "unit " + unit_.unit + " may still run: systemctl status " + unit_.unit;
}

} // namespace fwupdate::agent
