// "fileSystemdVerify", "fileSystemdUpdate": a unit is started, and tells in a file how far it is.
#pragma once

#include "bmc-agent/actions/file_watch.hpp"
#include "bmc-agent/actions/running_action.hpp"
#include "bmc-agent/actions/status_file.hpp"
#include "bmc-agent/dbus/unit_job.hpp"

#include <optional>

namespace fwupdate::agent
{

class FileSystemdAction final : public RunningAction
{
  public:
    FileSystemdAction(config::flash::FileSystemd action, const ActionParts& parts);
    /// With a job of another kind.
    FileSystemdAction(config::flash::FileSystemd action, const ActionParts& parts, std::unique_ptr<dbus::UnitJob> job);
    ~FileSystemdAction() override;

  private:
    void launch(const ActionSubject& subject) override;
    void halt() noexcept override;
    [[nodiscard]] std::string where_to_look() const override;

    void job_ended(const dbus::UnitEnd& end);
    void look();
    void judge();

    config::flash::FileSystemd action_;
    std::unique_ptr<dbus::UnitJob> job_; ///< nullptr: without D-Bus
    FileWatch watch_;
    std::optional<std::string> text_; ///< of the file when it was last looked at
    bool job_runs_{false};
};

} // namespace fwupdate::agent
