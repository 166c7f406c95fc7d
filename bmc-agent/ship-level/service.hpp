// The minimum ship level on the bus: the user's setting, what the rules say of inventory items, what items say of
// themselves, and the verdict of all.
#pragma once

#include "bmc-agent/config/ship_level.hpp"
#include "bmc-agent/dbus/object_server.hpp"
#include "bmc-agent/dbus/property_watch.hpp"
#include "bmc-agent/log/log.hpp"
#include "bmc-agent/ship-level/inventory.hpp"
#include "bmc-agent/ship-level/ship_level_setting.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent::ship_level
{

/// The setting's interface, as it is introspected.
[[nodiscard]] dbus::InterfaceInfo setting_interface_info();

/// Settingsd's setting; nothing: nobody tells it. nullptr: built without D-Bus.
[[nodiscard]] std::unique_ptr<dbus::PropertyWatch> watch_setting(boost::asio::io_context& context, dbus::Bus& bus,
                                                                 std::function<void(std::optional<bool>)> told,
                                                                 Log& log);

class ShipLevelService final : public dbus::ObjectOwner
{
  public:
    static constexpr std::chrono::seconds interval{15}; ///< between looks at rules and inventory

    /// Who signals what changed of the setting.
    using Changed = std::function<void(const std::vector<dbus::TreeChange>&)>;

    /// `bus` nullptr: there is none, and the rules and the setting's file are all there is. All but the values outlive
    /// the service.
    ShipLevelService(boost::asio::io_context& context, dbus::Bus* bus, config::ShipLevel settings,
                     package::VersionScheme scheme, Log& log);

    /// Looks at the inventory from now on.
    void start();
    void stop();

    /// Serves the setting's object under settingsd's name, unless somebody else does (on_setting_changed).
    void serve_setting();
    void on_setting_changed(Changed changed)
    {
        changed_ = std::move(changed);
    }

    /// As of now; the inventory's part as of the last look.
    [[nodiscard]] Verdict verdict() const;

    // ObjectOwner: the setting.
    [[nodiscard]] const dbus::ObjectTree& tree() const override
    {
        return tree_;
    }
    [[nodiscard]] std::optional<dbus::CallError> set(const std::string& path, const std::string& interface,
                                                     const std::string& property, const dbus::Value& value) override;
    [[nodiscard]] dbus::CallResult call(const dbus::MethodCall& call) override;

  private:
    void look();
    void take(const Reported& reported);
    void produce(const InventoryLevels& present);
    void look_later();
    void tell(std::string& told, const char* sentence, const std::string& trouble);

    boost::asio::io_context& context_;
    dbus::Bus* bus_;
    config::ShipLevel settings_;
    package::VersionScheme scheme_;
    Log& log_;
    boost::asio::steady_timer timer_;
    ShipLevelSetting setting_;
    bool required_; ///< the setting, or what the bus says of it
    dbus::ObjectTree tree_;
    Changed changed_;
    InventoryLevels reported_;
    std::string read_trouble_; ///< last told
    std::string notify_trouble_;
    std::unique_ptr<Inventory> inventory_;
    std::unique_ptr<dbus::PropertyWatch> watch_;
    std::unique_ptr<dbus::ObjectServer> server_;
};

} // namespace fwupdate::agent::ship_level
