#include "bmc-agent/software/reboot_guard.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fwupdate::agent;
using software::RebootGuard;

namespace
{

/// Remembers what was started; the test ends it.
class ScriptedJob final : public dbus::UnitJob
{
  public:
    explicit ScriptedJob(std::vector<std::string>& told) : told_{told} {}

    void start(const std::string& unit, const std::string& mode, Ended ended) override
    {
        told_.push_back(unit + " " + mode);
        ended_ = std::move(ended);
    }
    void cancel() noexcept override
    {
        ended_ = nullptr;
    }
    void end(bool success)
    {
        const auto ended = std::exchange(ended_, nullptr);
        ended({success, success ? "" : "there is no such unit"});
    }

  private:
    std::vector<std::string>& told_;
    Ended ended_;
};

struct Bench
{
    boost::asio::io_context context;
    NullLog log;
    std::vector<std::string> told;
    ScriptedJob* job{new ScriptedJob{told}};
    RebootGuard guard{context, std::unique_ptr<dbus::UnitJob>{job}, log, std::chrono::milliseconds{20}};
};

const std::string on = "reboot-guard-enable.service replace";
const std::string off = "reboot-guard-disable.service replace";

} // namespace

TEST_CASE("what a former agent has left is taken away, once")
{
    Bench bench;
    bench.guard.set(false);
    CHECK(bench.told == std::vector{off});
    bench.job->end(true);
    bench.guard.set(false);
    CHECK(bench.told == std::vector{off});
}

TEST_CASE("one unit after the other, and only what is wanted in the end")
{
    Bench bench;
    bench.guard.set(true);
    bench.guard.set(false);
    bench.guard.set(true);
    CHECK(bench.told == std::vector{on});
    bench.job->end(true);
    CHECK(bench.told == std::vector{on});
    bench.guard.set(false);
    bench.guard.set(true);
    bench.job->end(true);
    CHECK(bench.told == std::vector{on, off, on});
}

TEST_CASE("a restart waits until it is allowed")
{
    Bench bench;
    int settled = 0;
    bench.guard.set(true);
    bench.guard.set(false);
    bench.guard.when_settled([&] { ++settled; });
    bench.job->end(true);
    CHECK(settled == 0);
    bench.job->end(true);
    CHECK(settled == 1);
    bench.guard.when_settled([&] { ++settled; });
    CHECK(settled == 2);
}

TEST_CASE("units that fail or hang keep nobody waiting")
{
    Bench bench;
    int settled = 0;
    bench.guard.set(false);
    bench.guard.when_settled([&] { ++settled; });
    SUBCASE("fails")
    {
        bench.job->end(false);
    }
    SUBCASE("hangs")
    {
        bench.context.run_one();
    }
    CHECK(settled == 1);
    CHECK(bench.told == std::vector{off});
    bench.guard.set(true); // the next update tries again
    CHECK(bench.told == std::vector{off, on});
}

TEST_CASE("without a bus nothing is guarded, and nobody waits")
{
    boost::asio::io_context context;
    NullLog log;
    RebootGuard guard{context, nullptr, log};
    bool settled = false;
    guard.set(true);
    guard.when_settled([&] { settled = true; });
    CHECK(settled);
}
