// Keeps people from restarting the BMC in the middle of an update: OpenBMC has a pair of units for that, which make
// systemd refuse reboot, poweroff and halt, and allow them again.
#pragma once

#include "bmc-agent/dbus/unit_job.hpp"
#include "bmc-agent/log/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent::software
{

class RebootGuard
{
  public:
    static constexpr const char* enable_unit = "reboot-guard-enable.service";
    static constexpr const char* disable_unit = "reboot-guard-disable.service";
    static constexpr std::chrono::seconds usual_patience{30}; ///< with a unit; an own restart does not wait longer
    static constexpr std::chrono::seconds retry_interval{30}; ///< of a guard that could not be taken away

    /// `job` starts the units; nullptr: there is no bus, and nothing is guarded. The log outlives the guard.
    RebootGuard(boost::asio::io_context& context, std::unique_ptr<dbus::UnitJob> job, Log& log,
                std::chrono::milliseconds patience = usual_patience);

    /// Starts the unit for it, behind the one that runs. What a former agent has left is taken away by the first call.
    void set(bool guarded);

    /// Whether a restart would be refused, or may be: wait for it.
    [[nodiscard]] bool in_the_way() const
    {
        return job_ != nullptr && (coming_.has_value() || present_.value_or(false));
    }

    /// Calls back once it is as it was set last: at once, or later from the loop. Units that fail or hang don't keep
    /// anybody waiting.
    void when_settled(std::function<void()> then);

  private:
    void advance();
    void ended(const dbus::UnitEnd& end);
    void settle();

    std::unique_ptr<dbus::UnitJob> job_;
    Log& log_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer retry_;
    std::chrono::milliseconds patience_;
    bool wanted_{false};
    std::optional<bool> present_; ///< none: not known
    std::optional<bool> coming_;  ///< its unit runs
    std::vector<std::function<void()>> waiting_;
    unsigned round_{};
    std::string told_; ///< of why a unit did not do it, last
};

} // namespace fwupdate::agent::software
