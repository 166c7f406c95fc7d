#include "bmc-agent/actions/command_action.hpp"
#include "bmc-agent/process/signals.hpp"
#include "tests/bmc-agent/actions/action_bench.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <fstream>
#include <sstream>

using namespace fwupdate;
using namespace fwupdate::agent;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace
{

struct CommandBench : ActionBench
{
    test::TemporaryDirectory directory;

    /// An action that runs a script; $1 is the test's directory.
    void shell(const std::string& script)
    {
        action = make_action(config::Command{{"/bin/sh", "-c", script, "sh", directory.path().string()}}, parts);
    }

    ActionState run(const std::string& script, const ActionSubject& subject = {})
    {
        shell(script);
        start(subject);
        return finish();
    }

    [[nodiscard]] std::string file(const std::string& name) const
    {
        std::ostringstream text;
        text << std::ifstream{directory.path() / name}.rdbuf();
        return text.str();
    }

    /// The number of a process that the script wrote into a file.
    pid_t pid(const std::string& name)
    {
        REQUIRE(until([&] { return file(name).find('\n') != std::string::npos; }));
        return std::stoi(file(name));
    }

    bool gone(pid_t process)
    {
        return until(
            [&]
            {
                std::ifstream stat{"/proc/" + std::to_string(process) + "/stat"};
                std::string number;
                std::string name;
                std::string state;
                return !(stat >> number >> name >> state) || state == "Z"; // or its new parent has not looked yet
            },
            seconds{15});
    }

    std::vector<int> percents() const
    {
        std::vector<int> all;
        for (const ActionReport& report : told)
        {
            all.push_back(report.percent ? *report.percent : -1);
        }
        return all;
    }
};

} // namespace

TEST_CASE("a command's end is the action's")
{
    CommandBench bench;
    CHECK(bench.run("exit 0") == ActionState::succeeded);
    CHECK(bench.text().empty());
    CHECK(bench.run("exit 3") == ActionState::failed);
    CHECK(bench.text() == "/bin/sh: it ended with status 3; it said nothing");
    CHECK(bench.run("echo first; echo 'no room' >&2; echo; exit 1") == ActionState::failed);
    CHECK(bench.text() == "/bin/sh: it ended with status 1; it said last: no room");
    CHECK(bench.run("printf 'no line end'; kill -9 $$") == ActionState::failed);
    CHECK(bench.text() == "/bin/sh: it was ended by signal 9; it said last: no line end");
    CHECK(bench.run("echo no room; echo 42%; printf '43%%'; exit 1") == ActionState::failed);
    CHECK(bench.text() == "/bin/sh: it ended with status 1; it said last: no room");
    CHECK(bench.percents() == std::vector{-1, -1, -1, -1, 42, 43, 43});
}

TEST_CASE("a program that is not there fails at once")
{
    CommandBench bench;
    bench.action = make_action(config::Command{{"/no/such/program"}}, bench.parts);
    bench.start();
    CHECK(bench.action->report().state == ActionState::failed);
    CHECK(bench.text() == "cannot start /no/such/program: No such file or directory; check that the program is there");
    CHECK(bench.told.empty());
}

TEST_CASE("it learns of the update from its environment")
{
    ActionSubject subject{.target = "bios",
                          .image = "/var/lib/image",
                          .size = 1234,
                          .sha256 = Sha256{0xAB},
                          .version = "1.2\n3",
                          .parameters = protocol::parameter_force | protocol::parameter_no_downgrade};
    const std::string script = "env | grep ^FWUPDATE_ | sort >$1/env";
    CommandBench bench;
    REQUIRE(bench.run(script, subject) == ActionState::succeeded);
    CHECK(bench.file("env") == "FWUPDATE_IMAGE=/var/lib/image\nFWUPDATE_OPTIONS=no-downgrade force\n"
                               "FWUPDATE_SHA256=ab" +
                                   std::string(62, '0') +
                                   "\nFWUPDATE_SIZE=1234\n"
                                   "FWUPDATE_TARGET=bios\nFWUPDATE_VERSION=1.2?3\n");
    REQUIRE(::setenv("FWUPDATE_IMAGE", "/stale", 1) == 0); // NOLINT(concurrency-mt-unsafe)
    subject = {};
    subject.target = "bios";
    REQUIRE(bench.run(script, subject) == ActionState::succeeded);
    CHECK(bench.file("env") == "FWUPDATE_IMAGE=\nFWUPDATE_OPTIONS=\nFWUPDATE_SHA256=\nFWUPDATE_SIZE=\n"
                               "FWUPDATE_TARGET=bios\nFWUPDATE_VERSION=\n");
    REQUIRE(::unsetenv("FWUPDATE_IMAGE") == 0); // NOLINT(concurrency-mt-unsafe)
    REQUIRE(bench.run("[ -n \"$PATH\" ]") == ActionState::succeeded);
}

TEST_CASE("its percents are told as they come, each once")
{
    CommandBench bench;
    REQUIRE(bench.run("echo begins; printf '10%%\\r20 %%\\n20%%\\n'; echo percent 30; echo 101%; echo 100%") ==
            ActionState::succeeded);
    CHECK(bench.percents() == std::vector{10, 20, 30, 100, 100});
    CHECK(bench.told.front().state == ActionState::running);
    CHECK(bench.told.back().state == ActionState::succeeded);
}

TEST_CASE("output without an end of line, or without an end, is no harm")
{
    CommandBench bench;
    CHECK(bench.run("head -c 30000000 /dev/zero | tr '\\0' 'x'; exit 1") == ActionState::failed);
    CHECK(bench.text() == "/bin/sh: it ended with status 1; it said last: " + std::string(256, 'x'));
    bench.shell("exec yes 7%");
    bench.start();
    REQUIRE(bench.until([&] { return bench.action->report().percent == 7; }));
    bench.action->abort();
    CHECK(bench.action->report().state == ActionState::idle);
}

TEST_CASE("a child that closes its output lives on until it ends")
{
    CommandBench bench;
    bench.shell("exec >&- 2>&-; until [ -e $1/go ]; do sleep 0.01; done; exit 4");
    bench.start();
    bench.until([] { return false; }, milliseconds{100});
    CHECK(bench.running());
    std::ofstream{bench.directory.path() / "go"} << "go";
    CHECK(bench.finish() == ActionState::failed);
    CHECK(bench.text().find("status 4") != std::string::npos);
}

TEST_CASE("a grandchild that holds the output does not delay the end, and is left alone by a good one")
{
    CommandBench bench;
    CHECK(bench.run("(echo $$ >/dev/null; exec sleep 30) & echo $! >$1/pid; echo 50%; exit 0") ==
          ActionState::succeeded);
    const pid_t left = bench.pid("pid");
    CHECK(::kill(left, 0) == 0);
    CHECK(::kill(left, SIGKILL) == 0);
}

TEST_CASE("a grandchild that writes without end does not delay the end either")
{
    CommandBench bench;
    CHECK(bench.run("yes & echo $! >$1/pid; sleep 0.1; exit 0") == ActionState::succeeded);
    CHECK(bench.gone(bench.pid("pid"))); // by SIGPIPE: nobody reads any more
}

TEST_CASE("an abort ends the whole group")
{
    CommandBench bench;
    bench.shell("(trap '' TERM; sleep 1000 & echo $! >$1/inner; wait) & trap 'echo term >$1/term; exit' TERM; "
                "echo $$ >$1/outer; while :; do sleep 0.01; done");
    bench.start();
    const pid_t outer = bench.pid("outer");
    const pid_t inner = bench.pid("inner");
    bench.action->abort();
    CHECK(bench.action->report().state == ActionState::idle);
    CHECK(bench.gone(outer));
    CHECK(bench.gone(inner));
    CHECK(bench.file("term") == "term\n");
    CHECK(bench.told.empty());
}

TEST_CASE("a child that ignores SIGTERM is killed after some seconds, and the next one waits for that")
{
    CommandBench bench;
    bench.shell("trap '' TERM; [ -e $1/first ] && { kill -0 $(cat $1/first) && exit 9; exit 0; }; "
                "echo $$ >$1/first; while :; do sleep 0.01; done");
    bench.start();
    const pid_t first = bench.pid("first");
    const auto begun = Clock::now();
    bench.start();
    CHECK(bench.running());
    CHECK(bench.finish() == ActionState::succeeded);
    CHECK(bench.gone(first));
    CHECK(Clock::now() - begun > seconds{3});
}

TEST_CASE("an action that is destroyed takes its children with it")
{
    CommandBench bench;
    bench.shell("echo $$ >$1/pid; while :; do sleep 0.01; done");
    bench.start();
    const pid_t child = bench.pid("pid");
    SUBCASE("and the loop goes on")
    {
        bench.action.reset();
        CHECK(bench.gone(child));
    }
    SUBCASE("or does not")
    {
        {
            boost::asio::io_context context;
            auto action = make_action(
                config::Command{{"/bin/sh", "-c", "trap '' TERM; echo $$ >$1/stubborn; while :; do sleep 0.01; done",
                                 "sh", bench.directory.path().string()}},
                {.context = &context, .bus = nullptr, .patience = seconds{60}});
            action->start(
                {}, [](TimePoint) {}, Clock::now());
            (void)bench.pid("stubborn");
        }
        CHECK(bench.gone(bench.pid("stubborn")));
        bench.action.reset();
    }
}

TEST_CASE("patience: a percent that changes has it begin again, other words have not")
{
    CommandBench bench;
    bench.parts.patience = seconds{1};
    bench.shell("for n in 1 2 3 4; do echo $n%; sleep 0.4; done; while :; do echo busy; sleep 0.1; done");
    const auto begun = Clock::now();
    bench.start();
    CHECK(bench.finish() == ActionState::failed);
    CHECK(Clock::now() - begun > milliseconds{2100});
    CHECK(bench.text() == "nothing moved for 1 s, so it was given up; /bin/sh said last: busy");
    CHECK(bench.percents() == std::vector{1, 2, 3, 4, 4});
}

TEST_CASE("it may be aborted, started anew or destroyed by whoever is told of a percent")
{
    CommandBench bench;
    bench.shell("while :; do echo 1%; echo 2%; sleep 0.01; done");
    bench.start();
    SUBCASE("aborted")
    {
        bench.then = [&] { bench.action->abort(); };
        CHECK(bench.until([&] { return bench.action->report().state == ActionState::idle; }));
        bench.until([] { return false; }, milliseconds{100});
        CHECK(bench.told.size() == 1);
    }
    SUBCASE("started anew")
    {
        bench.then = [&]
        {
            if (bench.told.size() < 3)
            {
                bench.start();
            }
        };
        CHECK(bench.until([&] { return bench.told.size() > 5; }));
        bench.then = nullptr;
    }
    SUBCASE("destroyed")
    {
        bench.then = [&] { bench.action.reset(); };
        CHECK(bench.until([&] { return bench.action == nullptr; }));
        bench.until([] { return false; }, milliseconds{100});
    }
}
