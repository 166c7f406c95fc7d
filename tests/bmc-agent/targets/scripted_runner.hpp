// A runner of commands whose ends the test decides.
#pragma once

#include "bmc-agent/process/command_runner.hpp"

#include <utility>

namespace fwupdate::test
{

class ScriptedRunner final : public agent::CommandRunner
{
  public:
    using Done = std::function<void(const agent::CommandResult&)>;

    void run(const std::vector<std::string>& argv, Done done) override
    {
        ran.push_back(argv);
        if (on_run)
        {
            on_run(argv);
        }
        if (takes_time)
        {
            running.push_back(std::move(done));
            return;
        }
        done(result);
    }

    /// Ends the command that has run for the longest time.
    void end(const agent::CommandResult& end)
    {
        const auto done = std::move(running.front());
        running.erase(running.begin());
        done(end);
    }

    [[nodiscard]] static agent::CommandResult says(std::string output)
    {
        return {true, {}, {}, std::move(output)};
    }
    [[nodiscard]] static agent::CommandResult fails(std::string why)
    {
        return {false, {}, std::move(why), {}};
    }

    std::vector<std::vector<std::string>> ran;
    std::function<void(const std::vector<std::string>&)> on_run; ///< looks while the command would run
    bool takes_time{false};                                      ///< commands run on until `end`
    std::vector<Done> running;
    agent::CommandResult result{true, {}, {}, {}};
};

} // namespace fwupdate::test
