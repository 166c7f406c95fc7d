#include "bmc-agent/process/asio_command_runner.hpp"
#include "bmc-agent/process/signals.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

using namespace fwupdate::agent;

namespace
{

/// Runs a command to its end on a loop of its own.
CommandResult run(const std::vector<std::string>& argv)
{
    boost::asio::io_context context;
    AsioCommandRunner runner{context, std::chrono::minutes{1}};
    CommandResult result;
    runner.run(argv, [&](const CommandResult& end) { result = end; });
    context.run();
    return result;
}

CommandResult shell(const std::string& script)
{
    return run({"/bin/sh", "-c", script});
}

} // namespace

TEST_CASE("a command's end and the first line of its output are told")
{
    CHECK(run({"/bin/true"}).success);
    CHECK(shell("echo 2.11; echo more").first_line == "2.11");
    CHECK(shell("exit 3").failure == "it ended with status 3");
    CHECK(shell("kill -9 $$").failure == "it was ended by signal 9");
    CHECK(run({"/no/such/program"}).failure == "cannot start /no/such/program: No such file or directory");
}

TEST_CASE("a command inherits nothing but its three standard descriptors")
{
    const int careless = ::open("/dev/null", O_RDONLY); // NOLINT(android-cloexec-open): this is the point
    REQUIRE(careless >= 3);
    const CommandResult result = shell("for n in 3 4 5 6 7 8 9 " + std::to_string(careless) +
                                       "; do [ ! -e /proc/$$/fd/$n ] || { echo $n is open; exit 1; }; done");
    ::close(careless);
    CHECK_MESSAGE(result.success, result.first_line);
}

TEST_CASE("a parent that ignored SIGCHLD does not make good commands fail")
{
    (void)std::signal(SIGCHLD, SIG_IGN);     // NOLINT(cert-err33-c)
    CHECK_FALSE(run({"/bin/true"}).success); // the kernel has forgotten it, sooner or later
    set_signal_actions();
    CHECK(run({"/bin/true"}).success);
    CHECK(shell("exit 3").failure == "it ended with status 3");
}

TEST_CASE("a command gets every signal's default action and none blocked")
{
    set_signal_actions();
    sigset_t blocked;
    sigset_t before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    REQUIRE(::sigprocmask(SIG_BLOCK, &blocked, &before) == 0);
    CHECK(shell("kill -PIPE $$").failure == "it was ended by signal 13");
    CHECK(shell("kill -TERM $$").failure == "it was ended by signal 15");
    REQUIRE(::sigprocmask(SIG_SETMASK, &before, nullptr) == 0);
}
