// The agent as it is built without sdbus-c++.
#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/dbus/object_server.hpp"
#include "bmc-agent/dbus/property_watch.hpp"
#include "bmc-agent/dbus/unit_job.hpp"

namespace fwupdate::agent::dbus
{

std::unique_ptr<Bus> make_bus(boost::asio::io_context& /*context*/, std::string /*address*/)
{
    return nullptr;
}

std::unique_ptr<UnitJob> make_unit_job(boost::asio::io_context& /*context*/, Bus* /*bus*/)
{
    return nullptr;
}

std::unique_ptr<PropertyWatch> watch_property(boost::asio::io_context& /*context*/, Bus& /*bus*/,
                                              PropertyPlace /*place*/, PropertyWatch::Told /*told*/, Log& /*log*/)
{
    return nullptr;
}

std::unique_ptr<ObjectServer> serve_objects(boost::asio::io_context& /*context*/, ObjectService /*service*/,
                                            ObjectOwner& /*owner*/, Log& /*log*/)
{
    return nullptr;
}

} // namespace fwupdate::agent::dbus
