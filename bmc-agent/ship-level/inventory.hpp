// What inventory objects on the bus say of the minimum ship level, and what is said of them.
#pragma once

#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/ship-level/ship_level.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fwupdate::agent::ship_level
{

/// MeetsMinimumShipLevel of all inventory objects, as they were asked.
struct Reported
{
    InventoryLevels levels; ///< one that can't be understood counts as not met
    std::string trouble;    ///< why not all could be asked; empty: all were, or there is no inventory
};

class Inventory
{
  public:
    using Told = std::function<void(Reported)>;
    using Notified = std::function<void(const std::string& trouble)>;

    Inventory() = default;
    Inventory(const Inventory&) = delete;
    Inventory& operator=(const Inventory&) = delete;
    virtual ~Inventory() = default;

    /// Asks the object mapper who has the property, and each of them; without a mapper the inventory manager. `told` is
    /// called from the loop, once, unless another read begins before.
    virtual void read(Told told) = 0;

    /// Inventory.Manager.Notify: what the rules say of items. Empty: it was taken.
    virtual void notify(const InventoryLevels& levels, Notified done) = 0;
};

/// Bus and context outlive it. nullptr: built without D-Bus.
[[nodiscard]] std::unique_ptr<Inventory> make_inventory(dbus::Bus* bus);

} // namespace fwupdate::agent::ship_level
