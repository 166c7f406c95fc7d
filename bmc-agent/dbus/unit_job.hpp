// A unit that systemd starts (org.freedesktop.systemd1(5)), until its job has ended.
#pragma once

#include "bmc-agent/dbus/bus.hpp"

#include <functional>
#include <memory>
#include <string>

namespace fwupdate::agent::dbus
{

/// What became of a unit.
struct UnitEnd
{
    bool success{};
    std::string text; ///< no success: what, of which unit, what to look at
};

class UnitJob
{
  public:
    using Ended = std::function<void(const UnitEnd&)>;

    virtual ~UnitJob() = default;

    /// Starts a unit, as Manager.StartUnit does; what ran before is cancelled first. `ended` is called from the loop,
    /// once.
    virtual void start(const std::string& unit, const std::string& mode, Ended ended) = 0;

    /// Cancels the job; nothing is told any more. What of the unit runs already runs on: systemd cancels jobs, not
    /// units.
    virtual void cancel() noexcept = 0;
};

/// nullptr: there is no bus.
[[nodiscard]] std::unique_ptr<UnitJob> make_unit_job(boost::asio::io_context& context, Bus* bus);

} // namespace fwupdate::agent::dbus
