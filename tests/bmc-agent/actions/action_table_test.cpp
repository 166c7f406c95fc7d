#include "tests/bmc-agent/actions/action_bench.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

/// The state of an action of this type when it has been started without a bus.
ActionReport started(const config::Action& type)
{
    ActionBench bench;
    bench.action = make_action(type, bench.parts);
    CHECK(bench.action->report().state == ActionState::idle);
    bench.start();
    bench.finish();
    return bench.action->report();
}

} // namespace

TEST_CASE("skip succeeds at once, and is idle after an abort")
{
    ActionBench bench;
    bench.action = make_action(config::flash::Skip{}, bench.parts);
    bench.start();
    CHECK(bench.action->report().state == ActionState::succeeded);
    CHECK(bench.told.empty());
    bench.action->abort();
    CHECK(bench.action->report().state == ActionState::idle);
}

TEST_CASE("what needs a bus fails with a sentence where there is none, at once")
{
    const config::Action types[] = {config::flash::Systemd{"a.service"},
                                    config::flash::FileSystemd{"/run/none/status", {"a.service"}},
                                    config::flash::Reboot{}};
    for (const config::Action& type : types)
    {
        CAPTURE(type.index());
        const ActionReport report = started(type);
        CHECK(report.state == ActionState::failed);
        CHECK(report.text.starts_with("this agent was built without D-Bus"));
    }
}

TEST_CASE("a command is run")
{
    CHECK(started(config::Command{{"/bin/true"}}).state == ActionState::succeeded);
    CHECK(started(config::Command{{"/bin/false"}}).state == ActionState::failed);
}
