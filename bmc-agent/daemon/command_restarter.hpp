// Cold Reset by a configured command.
#pragma once

#include "bmc-agent/commands/standard_commands.hpp"
#include "bmc-agent/process/command_runner.hpp"
#include "bmc-agent/update/session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <string>
#include <vector>

namespace fwupdate::agent
{

class CommandRestarter final : public Restarter
{
  public:
    static constexpr std::chrono::seconds delay{2}; ///< for the response, a retry of it, and Close Session

    /// `command` empty: never ready. The runner, the session and the log must outlive the restarter.
    CommandRestarter(boost::asio::io_context& context, std::vector<std::string> command, CommandRunner& runner,
                     const UpdateSession& session, Log& log);

    [[nodiscard]] bool ready() const override;
    void restart() override;

  private:
    void wait();
    void run();

    boost::asio::steady_timer timer_;
    std::vector<std::string> command_;
    CommandRunner& runner_;
    const UpdateSession& session_;
    Log& log_;
    bool pending_{false};
};

} // namespace fwupdate::agent
