#include "bmc-agent/update/probation.hpp"

#include <utility>

namespace fwupdate::agent
{

Probation::Probation(const config::Probation& settings, TimePoint began)
    : confirm_{settings.confirm},
      time_{settings.time},
      ends_{began + settings.time},
      health_{settings.health_command.empty() ? Health::not_wanted : Health::wanted}
{
    decide();
}

TrialWish Probation::wish() const
{
    return decision_ == TrialWish::wait && health_ == Health::wanted ? TrialWish::ask_health : decision_;
}

std::optional<TimePoint> Probation::deadline() const
{
    return decision_ == TrialWish::wait ? std::optional{ends_} : std::nullopt;
}

void Probation::on_health(bool good, const std::string& failure)
{
    if (!good)
    {
        fall_back("its health command failed: " + failure);
        return;
    }
    health_ = Health::good;
    decide();
}

void Probation::on_client(protocol::Confirmation confirmation, const std::string& who)
{
    if (confirmation == protocol::Confirmation::fall_back)
    {
        fall_back("given up by " + who);
        return;
    }
    kept_by_ = who;
    decide();
}

void Probation::on_deadline(TimePoint now)
{
    if (now >= ends_)
    {
        fall_back("not confirmed within " + std::to_string(time_.count()) + " s");
    }
}

void Probation::decide()
{
    if (decision_ != TrialWish::wait)
    {
        return;
    }
    const bool healthy = health_ == Health::not_wanted || health_ == Health::good;
    const bool wanted = confirm_ == config::ConfirmBy::health || !kept_by_.empty();
    if (confirm_ == config::ConfirmBy::start || (healthy && wanted))
    {
        decision_ = TrialWish::keep;
        reason_ = confirm_ == config::ConfirmBy::start ? "confirmed by its start"
                  : kept_by_.empty()                   ? "confirmed by its health command"
                                                       : "confirmed by " + kept_by_;
    }
}

void Probation::fall_back(std::string reason)
{
    if (decision_ == TrialWish::wait)
    {
        decision_ = TrialWish::fall_back;
        reason_ = std::move(reason);
    }
}

} // namespace fwupdate::agent
