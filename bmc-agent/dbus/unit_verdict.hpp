// What the end of a unit's job means, in words.
#pragma once

#include "bmc-agent/dbus/unit_job.hpp"

#include <string>
#include <string_view>

namespace fwupdate::agent::dbus
{

/// What systemd tells of a unit whose job has ended.
struct UnitFacts
{
    std::string job;      ///< JobRemoved's result
    std::string active;   ///< ActiveState
    bool condition{true}; ///< ConditionResult
    std::string result;   ///< of a service: Result; empty: it is none
};

/// Success only if the job is done, and neither refused nor failed is what was started.
[[nodiscard]] UnitEnd verdict_of(std::string_view unit, const UnitFacts& facts);

/// "; look at: journalctl -u UNIT"
[[nodiscard]] std::string where_to_look(std::string_view unit);

} // namespace fwupdate::agent::dbus
