#include "bmc-agent/ship-level/settings_file.hpp"

#include <nlohmann/json.hpp>

#include <limits>

namespace fwupdate::agent::ship_level
{
namespace
{

using nlohmann::json;
using nlohmann::ordered_json;

constexpr unsigned named_version = 2;
constexpr unsigned unnamed_version = 1;
constexpr const char* version_key = "cereal_class_version";
constexpr const char* object_key = "value0";

/// False: the member is not there, or has another type.
bool read_value(const json& object, const std::string& name, SettingValue& out)
{
    const auto member = object.find(name);
    if (member == object.end())
    {
        return false;
    }
    if (auto* const flag = std::get_if<bool>(&out); flag != nullptr && member->is_boolean())
    {
        *flag = member->get<bool>();
        return true;
    }
    if (auto* const text = std::get_if<std::string>(&out); text != nullptr && member->is_string())
    {
        *text = member->get<std::string>();
        return true;
    }
    const bool fits = member->is_number_integer() &&
                      (!member->is_number_unsigned() ||
                       member->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
    if (auto* const number = std::get_if<std::int64_t>(&out); number != nullptr && fits)
    {
        *number = member->get<std::int64_t>();
        return true;
    }
    return false;
}

/// The object inside and its version; nullptr: it is not what settingsd writes.
const json* object_in(const json& document, unsigned& version)
{
    if (!document.is_object() || !document.contains(object_key) || !document.at(object_key).is_object())
    {
        return nullptr;
    }
    const json& object = document.at(object_key);
    const auto number = object.find(version_key);
    if (number == object.end() || !number->is_number_unsigned())
    {
        return nullptr;
    }
    const auto value = number->get<std::uint64_t>();
    version = value == unnamed_version ? unnamed_version : named_version;
    return value == unnamed_version || value == named_version ? &object : nullptr;
}

} // namespace

Result<StoredSetting> parse_setting(std::string_view text, const SettingProperties& defaults)
{
    const json document = json::parse(text, nullptr, false);
    unsigned version = 0;
    const json* const object = object_in(document, version);
    if (object == nullptr)
    {
        return fail(ErrorKind::integrity, "it is not a setting that phosphor-settingsd has written");
    }
    StoredSetting stored{defaults, {}, version == unnamed_version};
    for (std::size_t at = 0; at < stored.properties.size(); ++at)
    {
        auto& [name, value] = stored.properties[at];
        const std::string key = stored.old ? "value" + std::to_string(at) : name;
        if (!read_value(*object, key, value))
        {
            stored.defaulted.push_back(name);
        }
    }
    return stored;
}

std::string serialize_setting(const SettingProperties& properties)
{
    constexpr int indent = 4; // blanks
    ordered_json object;
    object[version_key] = named_version;
    for (const auto& [name, value] : properties)
    {
        std::visit([&, &key = name](const auto& held) { object[key] = held; }, value);
    }
    ordered_json document;
    document[object_key] = std::move(object);
    return document.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

std::filesystem::path setting_file(const std::filesystem::path& root, std::string_view object)
{
    return root.string() + std::string{object} + "__"; // so that /a/b and /a/b/c can both be settings
}

} // namespace fwupdate::agent::ship_level
