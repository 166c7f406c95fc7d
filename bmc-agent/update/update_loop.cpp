#include "bmc-agent/update/update_loop.hpp"

#include <boost/asio/post.hpp>

namespace fwupdate::agent
{

UpdateLoop::UpdateLoop(boost::asio::io_context& context, UpdateSession& session)
    : context_{context}, session_{session}, timer_{context}
{
    session_.on_activity([this] { look(); });
    look();
}

void UpdateLoop::look()
{
    if (!work_posted_ && session_.wants_work())
    {
        work_posted_ = true;
        boost::asio::post(context_, [this] { work(); });
    }
    const auto deadline = session_.deadline();
    if (deadline && (!armed_ || *deadline < *armed_)) // a later one is seen when the earlier one goes off
    {
        arm(*deadline);
    }
}

void UpdateLoop::work()
{
    work_posted_ = false;
    session_.work(Clock::now());
    session_.notify();
}

void UpdateLoop::arm(TimePoint deadline)
{
    armed_ = deadline;
    timer_.expires_at(deadline);
    timer_.async_wait(
        [this](boost::system::error_code error)
        {
            if (error)
            {
                return;
            }
            armed_.reset();
            session_.on_deadline(Clock::now());
            session_.notify();
        });
}

} // namespace fwupdate::agent
