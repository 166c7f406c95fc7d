// Work that blocks, and what its caller does meanwhile.
#include "tests/common/result_printing.hpp"
#include "transports/usb-mass-storage/host/beside.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <pthread.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

using namespace fwupdate;
using namespace std::chrono_literals;

namespace
{

std::atomic<pthread_t> signalled;

void note_thread(int)
{
    signalled = ::pthread_self();
}

} // namespace

TEST_CASE("the caller is called while the work blocks, on its own thread, and once more in the end")
{
    std::promise<void> enough;
    std::atomic<bool> ended{false};
    const std::thread::id own = std::this_thread::get_id();
    int before = 0;
    int after = 0;
    const Result<void> result = usb::run_beside(
        [&]() -> Result<void>
        {
            CHECK(std::this_thread::get_id() != own);
            enough.get_future().wait();
            ended = true;
            return {};
        },
        1ms,
        [&]
        {
            CHECK(std::this_thread::get_id() == own);
            after += ended ? 1 : 0;
            if (!ended && ++before == 3)
            {
                enough.set_value();
            }
        });
    CHECK(result);
    CHECK(before >= 3);
    CHECK(after >= 1);
}

TEST_CASE("the result is the work's, its exceptions too")
{
    int calls = 0;
    const Result<void> failed =
        usb::run_beside([]() -> Result<void> { return fail(ErrorKind::no_space, "it is full"); }, 1h, [&] { ++calls; });
    REQUIRE_FALSE(failed);
    CHECK(failed.error().kind == ErrorKind::no_space);
    CHECK(failed.error().text == "it is full");
    CHECK(calls == 1); // it does not wait for the interval's end
    CHECK_THROWS_AS(
        static_cast<void>(usb::run_beside([]() -> Result<void> { throw std::runtime_error{"broken"}; }, 1h, [] {})),
        std::runtime_error);
}

TEST_CASE("signals are the caller's while the work is done, and its mask is as before")
{
    struct sigaction action
    {
    };
    action.sa_handler = note_thread;
    struct sigaction former
    {
    };
    REQUIRE(::sigaction(SIGUSR1, &action, &former) == 0);
    std::atomic<bool> seen{false};
    const Result<void> result = usb::run_beside(
        [&]() -> Result<void>
        {
            ::kill(::getpid(), SIGUSR1);
            while (!seen)
            {
                std::this_thread::sleep_for(1ms);
            }
            return {};
        },
        1ms, [&] { seen = seen || signalled.load() != pthread_t{}; });
    CHECK(result);
    CHECK(::pthread_equal(signalled.load(), ::pthread_self()) != 0);
    CHECK(::sigaction(SIGUSR1, &former, nullptr) == 0);
    sigset_t mask;
    REQUIRE(::pthread_sigmask(SIG_SETMASK, nullptr, &mask) == 0);
    CHECK(::sigismember(&mask, SIGUSR1) == 0);
    CHECK(::sigismember(&mask, SIGINT) == 0);
}
