// Who holds update mode, and until when (specification: states, "Owner" and "Lease").
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/config/config.hpp"
#include "common/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fwupdate::agent
{

class Tenure
{
  public:
    explicit Tenure(config::Lease lease) : lease_{lease} {}

    /// The caller becomes the owner; the lease is the base profile's until extend().
    void begin(const Caller& caller, TimePoint now);
    void end();

    /// The caller becomes the owner of a mode that is held; the kind of lease stays.
    void change_owner(const Caller& caller, TimePoint now);

    /// The extended profile is used: its shorter lease holds from now on.
    void extend(TimePoint now);

    /// A state-changing command: true when the caller is the owner, or becomes it because the owner's session is
    /// gone and the user is the same.
    [[nodiscard]] bool admit(const Caller& caller, TimePoint now);

    /// The same without its effect.
    [[nodiscard]] bool would_admit(const Caller& caller) const;

    /// A query renews the lease when the owner asks.
    void touch(const Caller& caller, TimePoint now);

    /// Work goes on (verification, programming, writes to the drive, download): the lease begins anew.
    void renew(TimePoint now);

    void session_closed(std::uint8_t channel, std::uint32_t session);

    [[nodiscard]] bool held() const
    {
        return owner_.has_value();
    }
    [[nodiscard]] bool is_owner(const Caller& caller) const;
    [[nodiscard]] bool is_same_user(const Caller& caller) const;
    [[nodiscard]] bool is_owner_alive() const
    {
        return held() && owner_->alive;
    }
    [[nodiscard]] bool is_owner_session(std::uint8_t channel, std::uint32_t session) const;
    [[nodiscard]] bool expired(TimePoint now) const
    {
        return held() && now >= expires_;
    }
    [[nodiscard]] TimePoint expires() const
    {
        return expires_;
    }
    [[nodiscard]] std::chrono::seconds remaining(TimePoint now) const;
    [[nodiscard]] std::chrono::seconds idle(TimePoint now) const;
    [[nodiscard]] std::string user() const
    {
        return held() ? owner_->user : std::string{};
    }
    [[nodiscard]] std::uint8_t channel() const
    {
        return held() ? owner_->channel : std::uint8_t{0};
    }
    [[nodiscard]] std::uint32_t session() const
    {
        return held() ? owner_->session : 0;
    }
    [[nodiscard]] std::chrono::seconds lease() const
    {
        return extended_ ? lease_.extended : lease_.base;
    }
    [[nodiscard]] bool extended() const
    {
        return extended_;
    }

  private:
    struct Owner
    {
        std::uint8_t channel{};
        std::uint32_t session{};
        std::string user;
        bool alive{true};
    };

    [[nodiscard]] static Owner owner_of(const Caller& caller);

    config::Lease lease_;
    std::optional<Owner> owner_;
    bool extended_{false};
    TimePoint expires_;
    TimePoint last_command_;
};

} // namespace fwupdate::agent
