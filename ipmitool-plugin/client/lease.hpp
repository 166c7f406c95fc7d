// Becoming the owner of update mode.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

namespace fwupdate::client
{

enum class Claim : std::uint8_t
{
    fresh, ///< a command that has just started
    again, ///< this very command owned the mode, and lost it or its session
};

/// Enters update mode, or takes it over where that is ours to do: from a session of the same user that has been
/// silent for more than 5 s, or, with the keyword force and a fresh claim, from anybody: two commands that may force
/// more than once would take the mode from each other for ever. What is staged stays. Returns the session as it is
/// then.
[[nodiscard]] Attempt<protocol::GetUpdateSessionResponse> acquire(const Context& context, Claim claim);

/// Ends the transfer of the mode that is ours, and drops what is staged. In verify and later it has no effect.
[[nodiscard]] Attempt<void> discard_staged(const Context& context);

/// Whether somebody else has got the mode that this command owned, or has begun another transfer than number `transfer`
/// (0: none yet) in it: the end then.
[[nodiscard]] std::optional<Outcome> taken_over(const Context& context, std::uint16_t transfer);

/// 26h and 27h. The completion code of 27h is the caller's to judge.
[[nodiscard]] Attempt<ipmi::CompletionCode> enter_update_mode(const Context& context);

/// The same on a BMC with the extended profile. C0h although nobody holds the mode means that a restart is due there:
/// asks again for a while.
[[nodiscard]] Attempt<ipmi::CompletionCode> enter_when_free(const Context& context);

/// How far the update is, in words: "at 'program', 42 %"; empty: nothing is under way.
[[nodiscard]] std::string position_text(const protocol::GetUpdateSessionResponse& session);

/// Who holds the mode, in words: "user 'admin' on channel 1, silent for 12 s, for another 48 s".
[[nodiscard]] std::string holder_text(const protocol::GetUpdateSessionResponse& session);

/// Keeps the mode while a command has nothing to say to the BMC: asks 41h once a second.
class LeaseKeeper
{
  public:
    explicit LeaseKeeper(const Context& context) : context_{context}, asked_{context.environment.now()} {}

    /// To be called more often than once a second. False: the BMC says that this command owns the mode no longer. No
    /// answer says nothing.
    [[nodiscard]] bool keep();

    /// The same, asked now.
    [[nodiscard]] bool ask();

  private:
    const Context& context_;
    TimePoint asked_;
    bool ours_{true};
};

} // namespace fwupdate::client
