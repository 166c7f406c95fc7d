#include "bmc-agent/dbus/unit_verdict.hpp"

#include <doctest/doctest.h>

using namespace fwupdate::agent::dbus;

namespace
{

struct Case
{
    UnitFacts facts;
    std::string_view text; ///< empty: success
};

} // namespace

TEST_CASE("what the end of a job means")
{
    const Case cases[] = {
        {{"done", "inactive", true, "success"}, ""},
        {{"done", "active", true, "success"}, ""},
        {{"done", "activating", true, "success"}, ""},
        {{"done", "active", true, ""}, ""},
        {{"done", "active", false, ""}, ""}, // it runs: its condition was another time's
        {{"done", "inactive", false, "success"}, "its Condition refused it, so nothing was done"},
        {{"done", "inactive", false, ""}, "its Condition refused it, so nothing was done"},
        {{"done", "inactive", true, "exec-condition"}, "its ExecCondition refused it, so nothing was done"},
        {{"done", "failed", true, "exit-code"}, "it was started and has failed (exit-code)"},
        {{"done", "failed", true, ""}, "it was started and has failed (failed)"},
        {{"done", "activating", true, "signal"}, "it was started and has failed (signal)"}, // it restarts
        {{"failed", "failed", true, "timeout"}, "it failed (failed, timeout)"},
        {{"failed", "failed", true, ""}, "it failed (failed)"},
        {{"canceled", "activating", true, "success"}, "its job was cancelled (canceled)"},
        {{"timeout", "activating", true, "success"}, "its job took too long (timeout)"},
        {{"dependency", "inactive", true, ""}, "something that it requires failed (dependency)"},
        {{"assert", "inactive", true, "success"}, "an Assert of it does not hold (assert)"},
        {{"of-the-future", "inactive", true, "success"}, "its job ended (of-the-future)"},
        {{"", "", true, ""}, "its job ended ()"},
    };
    for (const Case& each : cases)
    {
        CAPTURE(each.facts.job);
        CAPTURE(each.facts.active);
        CAPTURE(each.facts.result);
        const UnitEnd end = verdict_of("flash.service", each.facts);
        CHECK(end.success == each.text.empty());
        CHECK(end.text == (each.text.empty() ? ""
                                             : "unit flash.service: " + std::string{each.text} +
                                                   "; look at: journalctl -u flash.service"));
    }
}
