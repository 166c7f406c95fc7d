#include "bmc-agent/actions/file_systemd_action.hpp"

#include "bmc-agent/actions/systemd_action.hpp"

#include <utility>

namespace fwupdate::agent
{

FileSystemdAction::FileSystemdAction(config::flash::FileSystemd action, const ActionParts& parts)
    : FileSystemdAction{std::move(action), parts, dbus::make_unit_job(*parts.context, parts.bus)}
{
}

FileSystemdAction::FileSystemdAction(config::flash::FileSystemd action, const ActionParts& parts,
                                     std::unique_ptr<dbus::UnitJob> job)
    : RunningAction{parts}, action_{std::move(action)}, job_{std::move(job)}, watch_{*parts.context}
{
}

FileSystemdAction::~FileSystemdAction()
{
    abort();
}

void FileSystemdAction::launch(const ActionSubject& /*subject*/)
{
    if (job_ == nullptr)
    {
        fail(without_bus);
        return;
    }
    Result<void> prepared = reset_status(action_.path);
    if (prepared)
    {
        prepared = watch_.begin(action_.path, [this] { look(); });
    }
    if (!prepared)
    {
        fail(prepared.error().text);
        return;
    }
    text_ = read_status(action_.path);
    job_runs_ = true;
    job_->start(action_.job.unit, action_.job.mode, [this](const dbus::UnitEnd& end) { job_ended(end); });
}

void FileSystemdAction::job_ended(const dbus::UnitEnd& end)
{
    if (!end.success)
    {
        fail(end.text);
        return;
    }
    job_runs_ = false;
    be_patient();
    text_ = read_status(action_.path);
    judge();
}

void FileSystemdAction::look()
{
    std::optional<std::string> text = read_status(action_.path);
    if (text != text_)
    {
        text_ = std::move(text);
        be_patient();
        judge();
    }
}

/// A job that runs may still fail, whatever the file says: success waits for its end.
void FileSystemdAction::judge()
{
    if (!text_)
    {
        if (!job_runs_)
        {
            fail("unit " + action_.job.unit + " has left no status file " + action_.path.string() +
                 " that can be read; look at: journalctl -u " + action_.job.unit);
        }
        return;
    }
    const Status status = status_of(*text_);
    if (status == Status::failed)
    {
        fail("unit " + action_.job.unit + " says in " + action_.path.string() +
             " that it failed; look at: journalctl -u " + action_.job.unit);
    }
    else if (status == Status::success && !job_runs_)
    {
        succeed();
    }
}

void FileSystemdAction::halt() noexcept
{
    watch_.stop();
    if (job_ != nullptr)
    {
        job_->cancel();
    }
}

std::string FileSystemdAction::where_to_look() const
{
    return action_.path.string() + (text_ ? " does not say that it ended" : " cannot be read") + "; unit " +
           action_.job.unit + " may still run: systemctl status " + action_.job.unit;
}

} // namespace fwupdate::agent
