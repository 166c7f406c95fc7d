// The shell that puts an IpmiHost on the bus.
#pragma once

#include "bmc-agent/channels/dbus/ipmi_host.hpp"
#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/log/log.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>

namespace fwupdate::agent::dbus_ipmi
{

class BusServer
{
  public:
    BusServer() = default;
    BusServer(const BusServer&) = delete;
    BusServer& operator=(const BusServer&) = delete;
    virtual ~BusServer() = default;

    /// Nothing is served any more.
    virtual void stop() = 0;
};

/// Serves whenever `context` runs. The bus need not be there yet, and may go away; the name may be another program's,
/// and is ours when that gives it up. Everything must outlive the server. nullptr: the agent was built without D-Bus.
[[nodiscard]] std::unique_ptr<BusServer> serve_bus(boost::asio::io_context& context, dbus::Bus& bus,
                                                   const config::DbusIpmi& section, IpmiHost& host, Log& log);

} // namespace fwupdate::agent::dbus_ipmi
