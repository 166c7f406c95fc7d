#include "bmc-agent/software/state_file.hpp"

#include "bmc-agent/staging/file.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace fwupdate::agent::software
{
namespace
{

using nlohmann::json;

constexpr unsigned format = 1;
constexpr std::size_t largest_file =
    4UL * 1024 * 1024; ///< bytes; all versions with all that an upload can say of itself

json to_json(const Version& version)
{
    json object{{"id", version.id},
                {"version", printable(version.facts.version)},
                {"purpose", to_dbus(version.facts.purpose)},
                {"extended_version", printable(version.facts.extended_version)},
                {"compatible_names", json::array()},
                {"complete", version.facts.complete},
                {"directory", version.image.directory.string()},
                {"file", version.image.file.string()},
                {"activation", to_dbus(version.activation)},
                {"requested", to_dbus(version.requested)},
                {"requested_priority", version.requested_priority}};
    for (const std::string& name : version.facts.compatible_names)
    {
        object["compatible_names"].push_back(printable(name));
    }
    if (version.priority)
    {
        object["priority"] = *version.priority;
    }
    return object;
}

/// A member with a value out of a set, or out of range.
struct BadMember
{
    std::string name;
};

template <class Enum> Enum enum_in(const json& object, const char* name)
{
    const auto value = from_dbus<Enum>(object.at(name).template get_ref<const std::string&>());
    if (!value)
    {
        throw BadMember{name};
    }
    return *value;
}

std::uint8_t byte_in(const json& object, const char* name)
{
    const json& value = object.at(name);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0xFF)
    {
        throw BadMember{name};
    }
    return value.get<std::uint8_t>();
}

/// An object path's last part.
std::string id_in(const json& object)
{
    constexpr std::size_t longest = 64;
    const auto& id = object.at("id").get_ref<const std::string&>();
    const auto plain = [](char letter)
    {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '_';
    };
    if (id.empty() || id.size() > longest || !std::ranges::all_of(id, plain))
    {
        throw BadMember{"id"};
    }
    return id;
}

/// Throws json's exceptions and BadMember; deserialize() catches them.
Version from_json(const json& object)
{
    Version version;
    version.id = id_in(object);
    version.facts.version = object.at("version").get<std::string>();
    version.facts.purpose = enum_in<package::Purpose>(object, "purpose");
    version.facts.extended_version = object.at("extended_version").get<std::string>();
    version.facts.compatible_names = object.at("compatible_names").get<std::vector<std::string>>();
    version.facts.complete = object.at("complete").get<bool>();
    version.image.directory = object.at("directory").get<std::string>();
    version.image.file = object.at("file").get<std::string>();
    version.activation = enum_in<Activation>(object, "activation");
    version.requested = enum_in<RequestedActivation>(object, "requested");
    version.requested_priority = byte_in(object, "requested_priority");
    if (object.contains("priority"))
    {
        version.priority = byte_in(object, "priority");
    }
    if (version.facts.version.empty() || printable(version.facts.version) != version.facts.version)
    {
        throw BadMember{"version"};
    }
    return version;
}

SavedState state_from(const json& document)
{
    SavedState state;
    if (document.at("format") != format)
    {
        throw BadMember{"format"};
    }
    state.apply_time = enum_in<ApplyTime>(document, "apply_time");
    const json& versions = document.at("versions");
    if (!versions.is_array() || versions.size() > 2 * SavedState::most_versions)
    {
        throw BadMember{"versions"};
    }
    std::set<std::string> ids;
    for (const json& object : versions)
    {
        state.versions.push_back(from_json(object));
        if (!ids.insert(state.versions.back().id).second)
        {
            throw BadMember{"id"};
        }
    }
    return state;
}

} // namespace

std::string serialize(const SavedState& state)
{
    json versions = json::array();
    for (const Version& version : state.versions)
    {
        versions.push_back(to_json(version));
    }
    return json{{"format", format}, {"apply_time", to_dbus(state.apply_time)}, {"versions", std::move(versions)}}.dump(
               1, ' ', false, json::error_handler_t::replace) +
           "\n";
}

Result<SavedState> deserialize(std::string_view text)
{
    try
    {
        return state_from(json::parse(text));
    }
    catch (const json::exception& error)
    {
        return fail(ErrorKind::integrity, error.what());
    }
    catch (const BadMember& member)
    {
        return fail(ErrorKind::integrity, "\"" + member.name + "\" has a value it can't have");
    }
}

SavedState StateFile::load() const
{
    const auto text = read_file(file_, largest_file);
    if (!text)
    {
        if (text.error().kind != ErrorKind::not_found)
        {
            log_->event(Level::warning, "The file of versions can't be read, a new one is begun",
                        {{"reason", text.error().text}});
        }
        return {};
    }
    auto state = deserialize(*text);
    if (!state)
    {
        log_->event(Level::warning, "The file of versions is damaged, a new one is begun",
                    {{"file", file_.string()}, {"reason", state.error().text}});
        return {};
    }
    return std::move(*state);
}

void StateFile::save(const SavedState& state)
{
    std::string text = serialize(state);
    if (text == written_)
    {
        return;
    }
    if (const auto written = write_file_atomically(file_, text); !written)
    {
        if (std::exchange(told_, written.error().text) != written.error().text)
        {
            log_->event(Level::error, "The file of versions can't be written", {{"reason", told_}});
        }
        return;
    }
    told_.clear();
    written_ = std::move(text);
}

} // namespace fwupdate::agent::software
