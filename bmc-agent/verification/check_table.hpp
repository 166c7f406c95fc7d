// The checks of this agent in their order. Adding one: a class in a file of its own, and a row here.
#pragma once

#include "bmc-agent/verification/check.hpp"
#include "bmc-agent/verification/fitness_checks.hpp"
#include "bmc-agent/verification/form.hpp"
#include "bmc-agent/verification/signature_check.hpp"

namespace fwupdate::agent
{

/// What the checks work with; all of it outlives them.
struct CheckParts
{
    std::uint64_t max_image_size{}; ///< bytes
    const config::Verification& settings;
    Places places;
    const VersionFloors& floors;
    WallClock clock;
    Log& log;
};

[[nodiscard]] CheckChain make_checks(const CheckParts& parts);

} // namespace fwupdate::agent
