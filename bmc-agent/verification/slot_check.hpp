// Whether a target with two slots has one to spare.
#pragma once

#include "bmc-agent/verification/check.hpp"

#include <memory>

namespace fwupdate::agent
{

/// Refuses while the running version is on trial, as the other slot is the only good one then, and while it is not
/// known which slot runs. The handlers refuse the same; this tells it before anything is sent.
[[nodiscard]] std::unique_ptr<Check> make_slot_check();

} // namespace fwupdate::agent
