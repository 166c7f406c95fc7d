#include "bmc-agent/daemon/command_restarter.hpp"

#include <utility>

namespace fwupdate::agent
{

CommandRestarter::CommandRestarter(boost::asio::io_context& context, std::vector<std::string> command,
                                   CommandRunner& runner, const UpdateSession& session, Log& log)
    : timer_{context}, command_{std::move(command)}, runner_{runner}, session_{session}, log_{log}
{
}

bool CommandRestarter::ready() const
{
    return !command_.empty() && session_.state() != protocol::UpdateState::program;
}

void CommandRestarter::restart()
{
    if (std::exchange(pending_, true))
    {
        return;
    }
    timer_.expires_after(delay);
    timer_.async_wait(
        [this](boost::system::error_code stopped)
        {
            if (stopped)
            {
                return;
            }
            pending_ = false;
            runner_.run(command_,
                        [&log = log_](const CommandResult& result)
                        {
                            if (!result.success)
                            {
                                log.event(Level::error, "Cold Reset failed", {{"reason", result.failure}});
                            }
                        });
        });
}

} // namespace fwupdate::agent
