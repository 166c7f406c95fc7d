// A single step that the BMC refused: in which state it is, who holds update mode, and what to do about it.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

namespace fwupdate::client
{

/// Which of the two profiles the BMC knows.
enum class Profile : bool
{
    base,
    extended,
};

/// The end of a single step that was answered with `code`. Where the state or the holder is the cause, asks for them.
[[nodiscard]] Outcome explained_refusal(const Context& context, Profile profile, protocol::Command command,
                                        ipmi::CompletionCode code);

} // namespace fwupdate::client
