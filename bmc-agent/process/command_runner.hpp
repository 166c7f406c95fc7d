// Commands that the configuration names: restarts, version queries. Always an argument vector, never a shell.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace fwupdate::agent
{

/// How a command ended.
struct CommandResult
{
    bool success{};         ///< started and exited with 0
    std::string first_line; ///< of its standard output, at most 256 bytes, without the line's end
    std::string failure;    ///< why not, for a person; empty on success
    std::string output{};   ///< standard output, at most 4096 bytes of it
};

class CommandRunner
{
  public:
    virtual ~CommandRunner() = default;

    /// Starts the command and returns at once; `done` is called later from the loop, exactly once.
    virtual void run(const std::vector<std::string>& argv, std::function<void(const CommandResult&)> done) = 0;
};

} // namespace fwupdate::agent
