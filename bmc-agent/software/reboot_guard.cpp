#include "bmc-agent/software/reboot_guard.hpp"

#include <utility>

namespace fwupdate::agent::software
{

RebootGuard::RebootGuard(boost::asio::io_context& context, std::unique_ptr<dbus::UnitJob> job, Log& log,
                         std::chrono::milliseconds patience)
    : job_{std::move(job)}, log_{log}, timer_{context}, retry_{context}, patience_{patience}
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
    const unsigned round = ++round_; // an end that comes too late is none
    timer_.expires_after(patience_);
    timer_.async_wait(
        [this, round](boost::system::error_code error)
        {
            if (!error && coming_ && round == round_)
            {
                ended({false, "it does not end"}); // its job goes on: it may still do what it is for
            }
        });
    job_->start(wanted_ ? enable_unit : disable_unit, "replace",
                [this, round](const dbus::UnitEnd& end)
                {
                    if (coming_ && round == round_)
                    {
                        ended(end);
                    }
                });
}

/// A guard that could not be taken away is tried again; one that could not be set is not: the next update does.
void RebootGuard::ended(const dbus::UnitEnd& end)
{
    timer_.cancel();
    if (!end.success && std::exchange(told_, end.text) != end.text)
    {
        log_.event(Level::warning, *coming_ ? "Restarts are not kept off" : "Restarts may still be kept off",
                   {{"unit", *coming_ ? enable_unit : disable_unit},
                    {"reason", end.text},
                    {"remedy", R"(install the unit, or write "reboot_guard": false in software)"}});
    }
    const bool tried = *std::exchange(coming_, std::nullopt);
    present_ = tried;
    if (end.success)
    {
        told_.clear();
    }
    else if (!tried)
    {
        retry_.expires_after(retry_interval);
        retry_.async_wait(
            [this](boost::system::error_code error)
            {
                if (!error && !coming_ && !wanted_)
                {
                    present_.reset();
                    advance();
                }
            });
    }
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
