// Becoming the owner of update mode.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

namespace fwupdate::client
{

enum class Claim : std::uint8_t
{
    fresh,  ///< a command that has just started
    broken, ///< this very command owned the mode, and lost its session
};

/// Enters update mode, or takes it over where that is ours to do: from a session of the same user that has been
/// silent for more than 5 s or is the broken one of this command, or, with the keyword force, from anybody. What is
/// staged stays. Returns the session as it is then.
[[nodiscard]] Attempt<protocol::GetUpdateSessionResponse> acquire(const Context& context, Claim claim);

/// 26h and 27h. The completion code of 27h is the caller's to judge.
[[nodiscard]] Attempt<ipmi::CompletionCode> enter_update_mode(const Context& context);

/// Who holds the mode, in words: "user 'admin' on channel 1, silent for 12 s, for another 48 s".
[[nodiscard]] std::string holder_text(const protocol::GetUpdateSessionResponse& session);

} // namespace fwupdate::client
