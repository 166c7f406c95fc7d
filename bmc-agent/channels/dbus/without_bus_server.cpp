// The agent as it is built without sdbus-c++.
#include "bmc-agent/channels/dbus/bus_server.hpp"

namespace fwupdate::agent::dbus_ipmi
{

std::unique_ptr<BusServer> serve_bus(boost::asio::io_context& /*context*/, dbus::Bus& /*bus*/,
                                     const config::DbusIpmi& /*section*/, IpmiHost& /*host*/, Log& /*log*/)
{
    return nullptr;
}

} // namespace fwupdate::agent::dbus_ipmi
