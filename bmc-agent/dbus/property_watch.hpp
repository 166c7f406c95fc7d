// One property of somebody else's object, as it is and as it becomes.
#pragma once

#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/dbus/object_tree.hpp"
#include "bmc-agent/log/log.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::agent::dbus
{

struct PropertyPlace
{
    std::string service; ///< well-known name
    std::string path;
    std::string interface;
    std::string property;
};

class PropertyWatch
{
  public:
    /// Called from the loop: with the value whenever it is told, with nothing when nobody has it (any more), or it is
    /// of a type that properties here don't have.
    using Told = std::function<void(const std::optional<Value>& value)>;

    PropertyWatch() = default;
    PropertyWatch(const PropertyWatch&) = delete;
    PropertyWatch& operator=(const PropertyWatch&) = delete;
    virtual ~PropertyWatch() = default;

    /// Nothing is told any more.
    virtual void stop() = 0;
};

/// Watches whenever `context` runs; the bus need not be there yet, and may go away. Bus and log outlive the watch.
/// nullptr: the agent was built without D-Bus.
[[nodiscard]] std::unique_ptr<PropertyWatch> watch_property(boost::asio::io_context& context, Bus& bus,
                                                            PropertyPlace place, PropertyWatch::Told told, Log& log);

} // namespace fwupdate::agent::dbus
