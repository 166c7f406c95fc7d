#include "bmc-agent/dbus/unit_verdict.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fwupdate::agent::dbus
{
namespace
{

using Meaning = std::pair<std::string_view, std::string_view>;

/// Results of jobs, as systemd 252 has them.
constexpr std::array meanings{
    Meaning{"failed", "it failed"},
    Meaning{"canceled", "its job was cancelled"},
    Meaning{"timeout", "its job took too long"},
    Meaning{"dependency", "something that it requires failed"},
    Meaning{"skipped", "it cannot be started in its present state"},
    Meaning{"invalid", "it is of no kind that can be started"},
    Meaning{"assert", "an Assert of it does not hold"},
    Meaning{"unsupported", "this system does not support it"},
    Meaning{"collected", "something that it requires went away"},
    Meaning{"once", "it runs once only, and has run"},
};

std::string in_words(const std::string& job)
{
    const auto* const meaning = std::ranges::find(meanings, job, &Meaning::first);
    return meaning == meanings.end() ? "its job ended" : std::string{meaning->second};
}

} // namespace

std::string where_to_look(std::string_view unit)
{
    return "; look at: journalctl -u " + printable(unit);
}

UnitEnd verdict_of(std::string_view unit, const UnitFacts& facts)
{
    const bool service_failed = !facts.result.empty() && facts.result != "success";
    const std::string named = "unit " + printable(unit) + ": ";
    if (facts.job != "done")
    {
        const std::string why = service_failed ? ", " + printable(facts.result) : "";
        return {false, named + in_words(facts.job) + " (" + printable(facts.job) + why + ")" + where_to_look(unit)};
    }
    if (facts.result == "exec-condition" || (facts.active == "inactive" && !facts.condition))
    {
        const std::string which = facts.result == "exec-condition" ? "ExecCondition" : "Condition";
        return {false, named + "its " + which + " refused it, so nothing was done" + where_to_look(unit)};
    }
    if (facts.active == "failed" || service_failed)
    {
        return {false, named + "it was started and has failed (" +
                           printable(service_failed ? facts.result : facts.active) + ")" + where_to_look(unit)};
    }
    return {true, {}};
}

} // namespace fwupdate::agent::dbus
