#include "bmc-agent/ship-level/inventory.hpp"
#include "bmc-agent/ship-level/ship_level_setting.hpp"
#include "common/bytes.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <utility>

namespace fwupdate::agent::ship_level
{
namespace
{

constexpr const char* mapper_name = "xyz.openbmc_project.ObjectMapper";
constexpr const char* mapper_path = "/xyz/openbmc_project/object_mapper";
constexpr const char* manager_name = "xyz.openbmc_project.Inventory.Manager";
constexpr const char* root = "/xyz/openbmc_project/inventory";
constexpr const char* object_manager = "org.freedesktop.DBus.ObjectManager";
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr std::chrono::seconds patience{5}; ///< with each answer
constexpr std::size_t most_items = 1024;    ///< that are asked

using Subtree = std::map<std::string, std::map<std::string, std::vector<std::string>>>;
using ManagedProperties = std::map<std::string, sdbus::Variant>;
using ManagedObjects = std::map<sdbus::ObjectPath, std::map<std::string, ManagedProperties>>;

bool is_nobody(const sdbus::Error& error)
{
    return error.getName() == "org.freedesktop.DBus.Error.ServiceUnknown" ||
           error.getName() == "org.freedesktop.DBus.Error.NameHasNoOwner";
}

/// One that is no truth value is as good as false.
bool level_of(const sdbus::Variant& value)
{
    return value.containsValueOfType<bool>() && value.get<bool>();
}

/// Made for one reading; whoever answers later than that finds it gone.
struct Reading : std::enable_shared_from_this<Reading>
{
    Reading(dbus::Bus& the_bus, Inventory::Told and_then) : bus{the_bus}, told{std::move(and_then)} {}

    void begin()
    {
        connection = bus.connection();
        mapper = sdbus::createProxy(*connection, mapper_name, mapper_path);
        mapper->callMethodAsync("GetSubTree")
            .onInterface(mapper_name)
            .withTimeout(patience)
            .withArguments(std::string{root}, std::int32_t{0},
                           std::vector<std::string>{std::string{decorator_interface}})
            .uponReplyInvoke(
                [weak = weak_from_this()](const sdbus::Error* error, const Subtree& found)
                {
                    if (const auto self = weak.lock())
                    {
                        self->take_mapper(error, found);
                    }
                });
        bus.used();
    }

    /// A mapper that finds nothing says so with an error of its own.
    void take_mapper(const sdbus::Error* error, const Subtree& found)
    {
        if (error != nullptr && is_nobody(*error))
        {
            ask_manager();
            return;
        }
        if (error != nullptr && error->getName() != "xyz.openbmc_project.Common.Error.ResourceNotFound")
        {
            reported.trouble = "the object mapper does not tell the inventory: " + printable(error->getMessage());
        }
        for (const auto& [path, services] : found)
        {
            if (!services.empty() && items.size() < most_items)
            {
                ask_item(path, services.begin()->first);
            }
        }
        end_if_done();
    }

    void ask_item(const std::string& path, const std::string& service)
    {
        ++open;
        items.push_back(sdbus::createProxy(*connection, service, path));
        items.back()
            ->callMethodAsync("Get")
            .onInterface(properties_interface)
            .withTimeout(patience)
            .withArguments(std::string{decorator_interface}, std::string{decorator_property})
            .uponReplyInvoke(
                [weak = weak_from_this(), path](const sdbus::Error* error, const sdbus::Variant& value)
                {
                    if (const auto self = weak.lock())
                    {
                        self->take_item(path, error, value);
                    }
                });
        bus.used();
    }

    void take_item(const std::string& path, const sdbus::Error* error, const sdbus::Variant& value)
    {
        --open;
        if (error == nullptr)
        {
            reported.levels[path] = level_of(value);
        }
        else
        {
            reported.trouble = printable(path) + " does not answer: " + printable(error->getMessage());
        }
        end_if_done();
    }

    void ask_manager()
    {
        manager = sdbus::createProxy(*connection, manager_name, root);
        manager->callMethodAsync("GetManagedObjects")
            .onInterface(object_manager)
            .withTimeout(patience)
            .uponReplyInvoke(
                [weak = weak_from_this()](const sdbus::Error* error, const ManagedObjects& objects)
                {
                    if (const auto self = weak.lock())
                    {
                        self->take_manager(error, objects);
                    }
                });
        bus.used();
    }

    void take_manager(const sdbus::Error* error, const ManagedObjects& objects)
    {
        if (error != nullptr && !is_nobody(*error))
        {
            reported.trouble = "the inventory does not answer: " + printable(error->getMessage());
        }
        for (const auto& [path, interfaces] : objects)
        {
            const auto decorator = interfaces.find(std::string{decorator_interface});
            if (decorator != interfaces.end())
            {
                const auto value = decorator->second.find(std::string{decorator_property});
                reported.levels[path] = value != decorator->second.end() && level_of(value->second);
            }
        }
        end_if_done();
    }

    void end_if_done()
    {
        if (open == 0 && told)
        {
            std::exchange(told, nullptr)(std::move(reported));
        }
    }

    dbus::Bus& bus;
    Inventory::Told told;
    Reported reported;
    std::shared_ptr<sdbus::IConnection> connection; ///< outlives what is on it
    std::unique_ptr<sdbus::IProxy> mapper;
    std::unique_ptr<sdbus::IProxy> manager;
    std::vector<std::unique_ptr<sdbus::IProxy>> items;
    std::size_t open{}; ///< answers that are still to come
};

class SdbusInventory final : public Inventory
{
  public:
    explicit SdbusInventory(dbus::Bus& bus) : bus_{bus} {}

    void read(Told told) override
    {
        former_ = std::exchange(reading_, std::make_shared<Reading>(bus_, std::move(told)));
        bus_.connect(
            [weak = std::weak_ptr{reading_}](const Result<void>& ready)
            {
                const auto reading = weak.lock();
                if (reading == nullptr)
                {
                    return;
                }
                if (!ready)
                {
                    reading->reported.trouble = ready.error().text;
                    reading->end_if_done();
                    return;
                }
                try
                {
                    reading->begin();
                }
                catch (const std::exception& error)
                {
                    reading->reported.trouble = printable(error.what());
                    reading->end_if_done();
                }
            });
    }

    void notify(const InventoryLevels& levels, Notified done) override
    {
        const auto connection = bus_.connection();
        if (connection == nullptr)
        {
            done("the bus is not connected");
            return;
        }
        try
        {
            manager_.reset(); // before what it is on
            connection_ = connection;
            manager_ = sdbus::createProxy(*connection, manager_name, root);
            manager_->callMethodAsync("Notify")
                .onInterface(manager_name)
                .withTimeout(patience)
                .withArguments(on_wire(levels))
                .uponReplyInvoke([done](const sdbus::Error* error)
                                 { done(error == nullptr ? "" : printable(error->getMessage())); });
        }
        catch (const std::exception& error)
        {
            done(printable(error.what()));
        }
        bus_.used();
    }

  private:
    using Wire = std::map<sdbus::ObjectPath, std::map<std::string, std::map<std::string, sdbus::Variant>>>;

    /// Paths are those below the inventory's root.
    static Wire on_wire(const InventoryLevels& levels)
    {
        const std::string prefix{root};
        Wire wire;
        for (const auto& [path, met] : levels)
        {
            const std::string below = path.starts_with(prefix + "/") ? path.substr(prefix.size()) : path;
            wire[sdbus::ObjectPath{below}][std::string{decorator_interface}][std::string{decorator_property}] =
                sdbus::Variant{met};
        }
        return wire;
    }

    dbus::Bus& bus_;
    std::shared_ptr<Reading> reading_;
    std::shared_ptr<Reading> former_; ///< not destroyed within an answer to it
    std::shared_ptr<sdbus::IConnection> connection_;
    std::unique_ptr<sdbus::IProxy> manager_;
};

} // namespace

std::unique_ptr<Inventory> make_inventory(dbus::Bus* bus)
{
    return bus == nullptr ? nullptr : std::make_unique<SdbusInventory>(*bus);
}

} // namespace fwupdate::agent::ship_level
