// The trial of a new version: what it waits for, and what becomes of it. Pure: events and `now` go in, a wish and the
// next deadline come out.
#pragma once

#include "bmc-agent/config/slots.hpp"
#include "common/time.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// What a trial wants done next.
enum class TrialWish : std::uint8_t
{
    wait,
    ask_health, ///< start the health command
    keep,       ///< the new version stays
    fall_back,  ///< the former one comes back
};

class Probation
{
  public:
    /// `began`: when the new version was first seen to run, in this boot.
    Probation(const config::Probation& settings, TimePoint began);

    [[nodiscard]] TrialWish wish() const;

    /// When on_deadline has something to do; none: it is decided.
    [[nodiscard]] std::optional<TimePoint> deadline() const;

    void health_asked()
    {
        health_ = Health::asked;
    }

    /// `failure`: a sentence about the command; of no meaning if it went well.
    void on_health(bool good, const std::string& failure);

    /// Confirm Update. Keeping waits for the health command, if there is one; falling back does not.
    void on_client(protocol::Confirmation confirmation, const std::string& who);

    void on_deadline(TimePoint now);

    /// Why it is kept or falls back, for the log of updates; empty as long as it is not decided.
    [[nodiscard]] const std::string& reason() const
    {
        return reason_;
    }

  private:
    enum class Health : std::uint8_t
    {
        not_wanted,
        wanted,
        asked,
        good,
    };

    void decide();
    void fall_back(std::string reason);

    config::ConfirmBy confirm_;
    std::chrono::seconds time_;
    TimePoint ends_;
    Health health_;
    std::string kept_by_; ///< a client; empty: none has said so
    TrialWish decision_{TrialWish::wait};
    std::string reason_;
};

} // namespace fwupdate::agent
