#include "bmc-agent/software/reboot_guard.hpp"

#include <utility>

namespace fwupdate::agent::software
{

RebootGuard::RebootGuard(boost::asio::io_context& context, std::unique_ptr<dbus::UnitJob> job, Log& log,
                         std::chrono::milliseconds patience)
    : job_{std::move(job)}, log_{log}, timer_{context}, patience_{patience}
{
}

void RebootGuard::set(bool guarded)
{
    wanted_ = guarded;
    advance();
}

void RebootGuard::advance()
{
    if (coming_)
    {
        return; // its end looks again
    }
    if (job_ == nullptr || present_ == wanted_)
    {
        settle();
        return;
    }
    coming_ = wanted_;
    timer_.expires_after(patience_);
    timer_.async_wait(
        [this](boost::system::error_code error)
        {
            if (!error)
            {
                job_->cancel();
                ended({false, "it does not end"});
            }
        });
    job_->start(wanted_ ? enable_unit : disable_unit, "replace",
                [this](const dbus::UnitEnd& end)
                {
                    timer_.cancel();
                    ended(end);
                });
}

/// What failed is not tried again and again: the next update does.
void RebootGuard::ended(const dbus::UnitEnd& end)
{
    if (!end.success)
    {
        log_.event(Level::warning, *coming_ ? "Restarts are not kept off" : "Restarts may still be kept off",
                   {{"unit", *coming_ ? enable_unit : disable_unit},
                    {"reason", end.text},
                    {"remedy", R"(install the unit, or write "reboot_guard": false in software)"}});
    }
    present_ = std::exchange(coming_, std::nullopt);
    advance();
}

void RebootGuard::when_settled(std::function<void()> then)
{
    waiting_.push_back(std::move(then));
    advance();
}

void RebootGuard::settle()
{
    for (const auto& then : std::exchange(waiting_, {}))
    {
        then();
    }
}

} // namespace fwupdate::agent::software
