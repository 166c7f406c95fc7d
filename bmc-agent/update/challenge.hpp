// The numbers of 26h: unpredictable, valid 30 s, once, for the asking user on the asking channel (specification:
// states, "Challenge").
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "common/random.hpp"
#include "common/time.hpp"
#include "protocol-spec/messages.hpp"

#include <deque>
#include <string>

namespace fwupdate::agent
{

class ChallengeBook
{
  public:
    static constexpr Duration lifetime = std::chrono::seconds{30};

    explicit ChallengeBook(RandomSource& random) : random_{&random} {}

    /// A new number for this caller; replaces the caller's older one.
    [[nodiscard]] protocol::Challenge issue(const Caller& caller, TimePoint now);

    /// Whether the caller was given this number less than 30 s ago; a number that was tried is spent.
    [[nodiscard]] bool redeem(const protocol::Challenge& challenge, const Caller& caller, TimePoint now);

  private:
    struct Entry
    {
        std::uint8_t channel{};
        std::string user;
        protocol::Challenge challenge{};
        TimePoint expires;
    };

    RandomSource* random_;
    std::deque<Entry> entries_; ///< oldest first, bounded
};

} // namespace fwupdate::agent
