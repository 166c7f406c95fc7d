// What a service has on D-Bus, as values: objects with interfaces with properties, and what changes in it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fwupdate::agent::dbus
{

/// An element of Association.Definitions: on object P it stands for P/forward and endpoint/reverse.
struct Association
{
    std::string forward;
    std::string reverse;
    std::string endpoint; ///< object path

    bool operator==(const Association&) const = default;
};

/// A property: D-Bus's b, y, s, as, a(sss).
using Value = std::variant<bool, std::uint8_t, std::string, std::vector<std::string>, std::vector<Association>>;
using Properties = std::map<std::string, Value>;
using Interfaces = std::map<std::string, Properties>;

/// All objects of a service by path.
using ObjectTree = std::map<std::string, Interfaces>;

enum class ChangeKind : std::uint8_t
{
    interfaces_added,   ///< from the object manager, with all properties
    interfaces_removed, ///< the properties are empty
    properties_changed, ///< of one interface, the changed ones alone
};

/// A change of one object.
struct TreeChange
{
    ChangeKind kind{};
    std::string path;
    Interfaces interfaces;

    bool operator==(const TreeChange&) const = default;
};

struct PropertyInfo
{
    std::string_view name;
    std::string_view signature; ///< of a Value
    bool writable{false};
    bool constant{false};
};

struct MethodInfo
{
    std::string_view name;
    std::string_view in;                    ///< signature: of s and h
    std::vector<std::string_view> in_names; ///< one for each
    std::string_view out;                   ///< empty or o
    std::vector<std::string_view> out_names;
};

/// What an interface consists of.
struct InterfaceInfo
{
    std::string_view name;
    std::vector<PropertyInfo> properties;
    std::vector<MethodInfo> methods;
};

} // namespace fwupdate::agent::dbus
