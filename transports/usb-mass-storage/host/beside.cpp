#include "transports/usb-mass-storage/host/beside.hpp"

#include <csignal>
#include <future>
#include <pthread.h>

namespace fwupdate::usb
{
namespace
{

/// Keeps signals from the threads that are begun meanwhile: ^C is for the thread that can react, and must not end a
/// system call of another.
class NoSignals
{
  public:
    NoSignals()
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    NoSignals(const NoSignals&) = delete;
    NoSignals& operator=(const NoSignals&) = delete;
    ~NoSignals()
    {
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

  private:
    sigset_t before_{};
};

std::future<Result<void>> begin(const std::function<Result<void>()>& work)
{
    const NoSignals no_signals;
    return std::async(std::launch::async, work);
}

} // namespace

Result<void> run_beside(const std::function<Result<void>()>& work, Duration interval,
                        const std::function<void()>& meanwhile)
{
    std::future<Result<void>> ended = begin(work);
    while (ended.wait_for(interval) != std::future_status::ready)
    {
        meanwhile();
    }
    meanwhile();
    return ended.get();
}

} // namespace fwupdate::usb
