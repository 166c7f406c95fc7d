#include "bmc-agent/software/objects.hpp"

#include <set>
#include <utility>

namespace fwupdate::agent::software
{
namespace
{

const Interfaces no_interfaces; ///< of an object that is not there

const Interfaces& interfaces_of(const Objects& objects, const ObjectKey& object)
{
    const auto found = objects.find(object);
    return found == objects.end() ? no_interfaces : found->second;
}

/// The interfaces of `left` that `right` lacks.
Interfaces without(const Interfaces& left, const Interfaces& right)
{
    Interfaces rest;
    for (const auto& [name, properties] : left)
    {
        if (!right.contains(name))
        {
            rest.emplace(name, properties);
        }
    }
    return rest;
}

Properties changed(const Properties& before, const Properties& after)
{
    Properties result;
    for (const auto& [name, value] : after)
    {
        const auto former = before.find(name);
        if (former == before.end() || former->second != value)
        {
            result.emplace(name, value);
        }
    }
    return result;
}

void add_removals(const Objects& before, const Objects& after, std::vector<Change>& out)
{
    for (const auto& [object, interfaces] : before)
    {
        Interfaces removed = without(interfaces, interfaces_of(after, object));
        for (auto& [name, properties] : removed)
        {
            properties.clear();
        }
        if (!removed.empty())
        {
            out.push_back({ChangeKind::interfaces_removed, object, std::move(removed)});
        }
    }
}

void add_property_changes(const Objects& before, const Objects& after, std::vector<Change>& out)
{
    for (const auto& [object, interfaces] : after)
    {
        const Interfaces& former = interfaces_of(before, object);
        for (const auto& [name, properties] : interfaces)
        {
            const auto old = former.find(name);
            Properties different = old == former.end() ? Properties{} : changed(old->second, properties);
            if (!different.empty())
            {
                out.push_back({ChangeKind::properties_changed, object, {{name, std::move(different)}}});
            }
        }
    }
}

void add_additions(const Objects& before, const Objects& after, std::vector<Change>& out)
{
    for (const auto& [object, interfaces] : after)
    {
        Interfaces added = without(interfaces, interfaces_of(before, object));
        if (!added.empty())
        {
            out.push_back({ChangeKind::interfaces_added, object, std::move(added)});
        }
    }
}

} // namespace

std::vector<Change> difference(const Objects& before, const Objects& after)
{
    std::vector<Change> changes;
    add_removals(before, after, changes);
    add_property_changes(before, after, changes);
    add_additions(before, after, changes);
    return changes;
}

void add_association_objects(Objects& objects)
{
    std::map<std::string, std::set<std::string>> endpoints; ///< by the association's path
    for (const auto& [object, interfaces] : objects)
    {
        const auto definitions = interfaces.find(std::string{interfaces::definitions});
        if (definitions == interfaces.end())
        {
            continue;
        }
        for (const Association& entry : std::get<std::vector<Association>>(definitions->second.at("Associations")))
        {
            if (!entry.forward.empty())
            {
                endpoints[object.path + "/" + entry.forward].insert(entry.endpoint);
            }
            if (!entry.reverse.empty())
            {
                endpoints[entry.endpoint + "/" + entry.reverse].insert(object.path);
            }
        }
    }
    for (const auto& [path, ends] : endpoints)
    {
        objects[{Service::updater, path}][std::string{interfaces::association}]["endpoints"] =
            std::vector<std::string>{ends.begin(), ends.end()};
    }
}

} // namespace fwupdate::agent::software
