#include "bmc-agent/process/child_process.hpp"
#include "common/time.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <optional>

using namespace fwupdate;
using namespace fwupdate::agent;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace
{

struct Child
{
    boost::asio::io_context context;
    std::string output;
    std::optional<ChildEnd> end;
    std::shared_ptr<ChildProcess> process;

    void start(const std::string& script, ChildCommand command = {})
    {
        command.argv = {"/bin/sh", "-c", script};
        const auto started = ChildProcess::start(
            context, command, [this](std::string_view text) { output += text; },
            [this](const ChildEnd& how)
            {
                CHECK_FALSE(end.has_value());
                end = how;
            });
        REQUIRE(started.has_value());
        process = *started;
    }

    bool until(const std::function<bool()>& holds, milliseconds limit = seconds{20})
    {
        const auto last = Clock::now() + limit;
        while (!holds() && Clock::now() < last)
        {
            context.run_for(milliseconds{5});
            context.restart();
        }
        return holds();
    }

    void finish()
    {
        REQUIRE(until([this] { return end.has_value(); }));
    }
};

} // namespace

TEST_CASE("all output comes before the end, standard error only if it is wanted")
{
    Child child;
    child.start("head -c 500000 /dev/zero; echo an error on purpose >&2; exit 5");
    child.finish();
    CHECK(child.output == std::string(500000, '\0'));
    CHECK_FALSE(child.end->success);
    CHECK(child.end->failure == "it ended with status 5");
    Child both;
    both.start("echo out; echo err >&2", {.argv = {}, .errors_too = true});
    both.finish();
    CHECK(both.output == "out\nerr\n");
    CHECK(both.end->success);
    CHECK(both.end->failure.empty());
}

TEST_CASE("names that are added take the place of those that are there")
{
    REQUIRE(::setenv("FWUPDATE_TEST", "old", 1) == 0); // NOLINT(concurrency-mt-unsafe)
    Child child;
    child.start("env | grep ^FWUPDATE_TEST | LC_ALL=C sort",
                {.argv = {}, .environment = {{"FWUPDATE_TEST", "a b=c"}, {"FWUPDATE_TEST2", ""}}});
    child.finish();
    CHECK(child.output == "FWUPDATE_TEST2=\nFWUPDATE_TEST=a b=c\n");
    REQUIRE(::unsetenv("FWUPDATE_TEST") == 0); // NOLINT(concurrency-mt-unsafe)
}

TEST_CASE("a group of its own, or the agent's")
{
    Child own;
    own.start("cut -d' ' -f5 /proc/$$/stat; echo $$", {.argv = {}, .own_group = true});
    own.finish();
    const std::size_t middle = own.output.find('\n');
    REQUIRE(middle != std::string::npos);
    CHECK(std::stoi(own.output) == std::stoi(own.output.substr(middle)));
    Child ours;
    ours.start("cut -d' ' -f5 /proc/$$/stat");
    ours.finish();
    CHECK(std::stoi(ours.output) == ::getpgrp());
}

TEST_CASE("kill tells the end, stop does not")
{
    Child killed;
    killed.start("exec sleep 1000");
    killed.process->kill();
    killed.finish();
    CHECK(killed.end->failure == "it was ended by signal 9");
    killed.process->kill(); // of what has ended: nothing

    Child stopped;
    stopped.start("echo begins; exec sleep 1000", {.argv = {}, .own_group = true});
    REQUIRE(stopped.until([&] { return stopped.output == "begins\n"; }));
    bool gone = false;
    stopped.process->stop(seconds{60}, [&] { gone = true; });
    CHECK_FALSE(gone);
    CHECK(stopped.until([&] { return gone; }));
    CHECK_FALSE(stopped.end.has_value());
}

TEST_CASE("what ignores SIGTERM is killed when the grace is over; what has ended is gone at once")
{
    Child child;
    child.start("trap '' TERM; echo begins; while :; do sleep 0.01; done", {.argv = {}, .own_group = true});
    REQUIRE(child.until([&] { return child.output == "begins\n"; }));
    bool gone = false;
    const auto begun = Clock::now();
    child.process->stop(seconds{1}, [&] { gone = true; });
    CHECK(child.until([&] { return gone; }));
    CHECK(Clock::now() - begun >= milliseconds{990});

    Child ended;
    ended.start("exit 0", {.argv = {}, .own_group = true});
    ended.finish();
    gone = false;
    ended.process->stop(seconds{60}, [&] { gone = true; });
    CHECK_FALSE(gone);
    CHECK(ended.until([&] { return gone; }));
}
