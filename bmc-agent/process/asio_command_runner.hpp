// Runs commands as child processes on the agent's own loop.
#pragma once

#include "bmc-agent/process/command_runner.hpp"

#include <boost/asio/io_context.hpp>

namespace fwupdate::agent
{

class AsioCommandRunner final : public CommandRunner
{
  public:
    /// A command that takes longer than `limit` is ended and counts as failed.
    AsioCommandRunner(boost::asio::io_context& context, std::chrono::seconds limit) : context_{&context}, limit_{limit}
    {
    }

    void run(const std::vector<std::string>& argv, std::function<void(const CommandResult&)> done) override;

  private:
    boost::asio::io_context* context_;
    std::chrono::seconds limit_;
};

} // namespace fwupdate::agent
