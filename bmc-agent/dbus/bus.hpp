// The message bus on the agent's own loop: no thread, and no waiting.
#pragma once

#include "common/result.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace sdbus
{
class IConnection;
}

namespace fwupdate::agent::dbus
{

/// One bus. It is connected when it is first needed, and again after it was lost. It outlives whoever uses it.
class Bus
{
  public:
    using Ready = std::function<void(const Result<void>&)>;
    using Lost = std::function<void(const std::string& why)>;

    virtual ~Bus() = default;

    /// Connects unless it is connected; `ready` is called from the loop. Errors: input_output, timeout (a bus that does
    /// not answer), with a sentence that says what to look at.
    virtual void connect(Ready ready) = 0;

    /// nullptr: not connected. Whoever has objects or proxies on it holds it, too. Calls on it must be asynchronous,
    /// and are followed by used().
    [[nodiscard]] virtual std::shared_ptr<sdbus::IConnection> connection() const = 0;

    /// Something was called on the connection: what it waits for may have changed.
    virtual void used() = 0;

    /// `lost` is called from the loop when the present connection is lost, unless `owner` has gone before.
    virtual void on_lost(std::weak_ptr<void> owner, Lost lost) = 0;
};

/// The system's bus, or the one at an address as D-Bus writes it. nullptr: the agent was built without D-Bus.
[[nodiscard]] std::unique_ptr<Bus> make_bus(boost::asio::io_context& context, std::string address = {});

} // namespace fwupdate::agent::dbus
