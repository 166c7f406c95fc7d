// What one connection of the bus has of us: matches, the object, the name.
#pragma once

#include "bmc-agent/channels/dbus/bus_server.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fwupdate::agent::dbus_ipmi
{

/// Lives as long as its connection. Made, begun, and given up; never used again.
class Attachment : public std::enable_shared_from_this<Attachment>
{
  public:
    /// Called when nothing can be served for the time being, with the reason.
    using Failed = std::function<void(const std::string& why)>;

    Attachment(dbus::Bus& bus, const config::DbusIpmi& section, IpmiHost& host, Log& log, Failed failed)
        : bus_{bus}, section_{section}, host_{host}, log_{log}, failed_{std::move(failed)}
    {
    }

    /// Learns first who is there, then serves: no bridge is taken for another program.
    void begin();

  private:
    template <class Function> void guarded(Function function);
    template <class... Values> auto then(void (Attachment::*method)(const sdbus::Error*, Values...));
    void match(const std::string& rule, void (Attachment::*method)(sdbus::Message&));

    void names_listed(const sdbus::Error* error, std::vector<std::string> names);
    void ask_owner(const std::string& name);
    void serve();
    void name_requested(const sdbus::Error* error, std::uint32_t result);

    void execute(sdbus::MethodCall call);
    void owner_changed(sdbus::Message& message);
    void properties_changed(sdbus::Message& message);
    void interfaces_removed(sdbus::Message& message);
    void legacy_received(sdbus::Message& message);
    [[nodiscard]] sdbus::IProxy& legacy_bridge(const std::string& sender, const std::string& path);

    dbus::Bus& bus_;
    const config::DbusIpmi& section_;
    IpmiHost& host_;
    Log& log_;
    Failed failed_;
    std::shared_ptr<sdbus::IConnection> connection_; ///< outlives what is on it
    std::unique_ptr<sdbus::IProxy> bus_daemon_;
    std::unique_ptr<sdbus::IObject> object_;
    std::map<std::pair<std::string, std::string>, std::unique_ptr<sdbus::IProxy>> legacy_bridges_; ///< by sender, path
    std::vector<sdbus::Slot> matches_;
    std::size_t owners_asked_{}; ///< answers that are still to come
};

} // namespace fwupdate::agent::dbus_ipmi
