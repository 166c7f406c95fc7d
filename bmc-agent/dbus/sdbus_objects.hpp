// The objects of a service on one connection.
#pragma once

#include "bmc-agent/dbus/object_server.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fwupdate::agent::dbus
{

/// Made when the connection is there, and gone with it. All but the destructor may throw sdbus::Error.
class SdbusObjects
{
  public:
    /// Service and owner outlive the objects, which hold the connection.
    SdbusObjects(std::shared_ptr<sdbus::IConnection> connection, const ObjectService& service, ObjectOwner& owner);

    /// The object manager, and all that the owner's tree has.
    void register_all();

    /// What came is registered, and everything is signalled. Within a setter what came is registered by settle():
    /// sd-bus would take the call for a new one when objects come under it. What has gone stays registered until then,
    /// as this may be within a call to it.
    void announce(const std::vector<TreeChange>& changes);

    /// A call to the owner is under way.
    [[nodiscard]] bool in_call() const
    {
        return calls_ != 0;
    }

    /// Not within a call, and before the next one: what had to wait for its end.
    void settle();

  private:
    using Key = std::pair<std::string, std::string>; ///< path, interface

    void add_all();
    void add(const std::string& path, const std::string& interface);
    void add_property(sdbus::IObject& object, const Key& key, const PropertyInfo& property);
    void add_method(sdbus::IObject& object, const Key& key, const MethodInfo& method);
    [[nodiscard]] const Properties* find(const Key& key) const;
    [[nodiscard]] const Value& value_of(const Key& key, const std::string& property) const;
    void set(const Key& key, const PropertyInfo& property, sdbus::PropertySetCall& call);
    void call(const Key& key, const MethodInfo& method, sdbus::MethodCall call);
    void emit(const TreeChange& change);
    void emit_changed(const TreeChange& change);

    std::shared_ptr<sdbus::IConnection> connection_; ///< outlives what is on it
    const ObjectService& service_;
    ObjectOwner& owner_;
    std::unique_ptr<sdbus::IObject> manager_;
    std::map<Key, std::unique_ptr<sdbus::IObject>> objects_;
    int calls_{};   ///< under way
    int setters_{}; ///< of these
};

} // namespace fwupdate::agent::dbus
