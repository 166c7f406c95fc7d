// What is on D-Bus of all services, and what changes from one moment to the next. A shell turns the changes into
// signals and answers GetManagedObjects and Get with the objects.
#pragma once

#include "bmc-agent/dbus/object_tree.hpp"
#include "bmc-agent/software/names.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace fwupdate::agent::software
{

using dbus::Association;
using dbus::ChangeKind;
using dbus::Interfaces;
using dbus::Properties;
using dbus::Value;

struct ObjectKey
{
    Service service{};
    std::string path;

    bool operator==(const ObjectKey&) const = default;
    bool operator<(const ObjectKey& other) const
    {
        return std::tie(service, path) < std::tie(other.service, other.path);
    }
};

/// The same path may be in two services.
using Objects = std::map<ObjectKey, Interfaces>;

struct Change
{
    ChangeKind kind{};
    ObjectKey object;
    Interfaces interfaces;

    bool operator==(const Change&) const = default;
};

/// What leads from one state to the other: removals first, then changed properties, then what is new; each in the
/// order of services, paths and names. A new object is one change, with all of its interfaces.
[[nodiscard]] std::vector<Change> difference(const Objects& before, const Objects& after);

/// The objects of the associations that the definitions stand for, as the mapper would publish them: in the updater's
/// service, endpoints in order and each once. A side without a name does not exist.
void add_association_objects(Objects& objects);

} // namespace fwupdate::agent::software
