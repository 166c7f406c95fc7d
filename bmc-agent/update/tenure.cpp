#include "bmc-agent/update/tenure.hpp"

#include <algorithm>

namespace fwupdate::agent
{

Tenure::Owner Tenure::owner_of(const Caller& caller)
{
    return {caller.channel, caller.session, caller.user, true};
}

void Tenure::begin(const Caller& caller, TimePoint now)
{
    extended_ = false;
    change_owner(caller, now);
}

void Tenure::end()
{
    owner_.reset();
    extended_ = false;
}

void Tenure::change_owner(const Caller& caller, TimePoint now)
{
    owner_ = owner_of(caller);
    last_command_ = now;
    renew(now);
}

void Tenure::extend(TimePoint now)
{
    extended_ = true;
    renew(now);
}

bool Tenure::admit(const Caller& caller, TimePoint now)
{
    if (!held())
    {
        return false;
    }
    if (!is_owner(caller))
    {
        if (owner_->alive || !is_same_user(caller))
        {
            return false;
        }
        owner_ = owner_of(caller);
    }
    last_command_ = now;
    renew(now);
    return true;
}

bool Tenure::would_admit(const Caller& caller) const
{
    return is_owner(caller) || (held() && !owner_->alive && is_same_user(caller));
}

void Tenure::touch(const Caller& caller, TimePoint now)
{
    if (is_owner(caller))
    {
        last_command_ = now;
        renew(now);
    }
}

void Tenure::renew(TimePoint now)
{
    expires_ = now + lease();
}

void Tenure::session_closed(std::uint8_t channel, std::uint32_t session)
{
    if (is_owner_session(channel, session))
    {
        owner_->alive = false;
    }
}

bool Tenure::is_owner_session(std::uint8_t channel, std::uint32_t session) const
{
    return held() && session != 0 && owner_->channel == channel && owner_->session == session;
}

bool Tenure::is_owner(const Caller& caller) const
{
    return held() && owner_->alive && owner_->channel == caller.channel && owner_->session == caller.session;
}

bool Tenure::is_same_user(const Caller& caller) const
{
    return held() && owner_->channel == caller.channel && owner_->user == caller.user;
}

std::chrono::seconds Tenure::remaining(TimePoint now) const
{
    const auto left = held() ? expires_ - now : Duration::zero();
    return std::chrono::ceil<std::chrono::seconds>(std::max(left, Duration::zero()));
}

std::chrono::seconds Tenure::idle(TimePoint now) const
{
    return held() ? std::chrono::floor<std::chrono::seconds>(now - last_command_) : std::chrono::seconds{0};
}

} // namespace fwupdate::agent
