// A target at run time: its configuration, its handler, what is installed, which version runs.
#pragma once

#include "bmc-agent/process/command_runner.hpp"
#include "bmc-agent/targets/installed_digest.hpp"
#include "bmc-agent/targets/target_handler.hpp"

#include <memory>
#include <string>
#include <vector>

namespace fwupdate::agent
{

class Target
{
  public:
    explicit Target(config::Target configuration, const HandlerParts& parts = {});

    [[nodiscard]] const config::Target& configuration() const
    {
        return configuration_;
    }
    [[nodiscard]] TargetHandler& handler() const
    {
        return *handler_;
    }
    [[nodiscard]] InstalledDigest& installed()
    {
        return installed_;
    }

    /// What the configuration starts around an update; nullptr: nothing.
    [[nodiscard]] Action* preparation() const
    {
        return preparation_.get();
    }
    [[nodiscard]] Action* verification() const
    {
        return verification_.get();
    }
    [[nodiscard]] Action* update() const
    {
        return update_.get();
    }

    /// What restarts in the place of a configured command; nullptr: the command does.
    [[nodiscard]] Action* reboot() const
    {
        return reboot_.get();
    }

    /// Stops every action that runs, but the restart.
    void abort_actions() const noexcept;

    /// The running version; empty: unknown. A version file is read anew each time, it is one short line.
    [[nodiscard]] std::string version() const;

    /// Asks the configured command again, if there is one.
    void refresh_version(CommandRunner& runner);

  private:
    config::Target configuration_;
    std::unique_ptr<TargetHandler> handler_;
    std::unique_ptr<Action> preparation_;
    std::unique_ptr<Action> verification_;
    std::unique_ptr<Action> update_;
    std::unique_ptr<Action> reboot_;
    InstalledDigest installed_;
    std::shared_ptr<std::string> command_version_; ///< shared with the command that is still running
};

/// All targets of the agent.
class Targets
{
  public:
    Targets(const std::vector<config::Target>& configuration, std::uint8_t default_target,
            const HandlerParts& parts = {});

    [[nodiscard]] std::vector<Target>& all()
    {
        return targets_;
    }

    /// By number; protocol::no_target means the default. nullptr: no such target.
    [[nodiscard]] Target* find(std::uint8_t id);
    [[nodiscard]] Target* find(std::string_view name);
    [[nodiscard]] std::uint8_t default_id() const
    {
        return default_;
    }

  private:
    std::vector<Target> targets_;
    std::uint8_t default_{};
};

} // namespace fwupdate::agent
