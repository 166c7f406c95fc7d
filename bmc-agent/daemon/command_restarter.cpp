#include "bmc-agent/daemon/command_restarter.hpp"

#include <utility>

namespace fwupdate::agent
{

namespace
{

/// Verification leads to programming by itself.
bool is_programming_near(const UpdateSession& session)
{
    return session.state() == protocol::UpdateState::verify || session.state() == protocol::UpdateState::program;
}

} // namespace

CommandRestarter::CommandRestarter(boost::asio::io_context& context, std::vector<std::string> command,
                                   CommandRunner& runner, const UpdateSession& session, Log& log)
    : timer_{context}, command_{std::move(command)}, runner_{runner}, session_{session}, log_{log}
{
}

bool CommandRestarter::ready() const
{
    return !command_.empty() && !is_programming_near(session_);
}

void CommandRestarter::restart()
{
    if (!std::exchange(pending_, true))
    {
        wait();
    }
}

void CommandRestarter::wait()
{
    timer_.expires_after(delay);
    timer_.async_wait(
        [this](boost::system::error_code stopped)
        {
            if (stopped)
            {
                return;
            }
            // What has begun since it was asked for is not interrupted either.
            is_programming_near(session_) ? wait() : run();
        });
}

void CommandRestarter::run()
{
    pending_ = false;
    runner_.run(command_,
                [&log = log_](const CommandResult& result)
                {
                    if (!result.success)
                    {
                        log.event(Level::error, "Cold Reset failed", {{"reason", result.failure}});
                    }
                });
}

} // namespace fwupdate::agent
