// Files of phosphor-settingsd, the format of cereal's JSON archive: one object with a class version and the properties.
// Version 1 (before May 2023) has them without names, in their order.
#pragma once

#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fwupdate::agent::ship_level
{

/// What a setting may hold here; enumerations are stored as their number.
using SettingValue = std::variant<bool, std::int64_t, std::string>;

/// The properties of one object, in settingsd's order.
using SettingProperties = std::vector<std::pair<std::string, SettingValue>>;

struct StoredSetting
{
    SettingProperties properties;
    std::vector<std::string> defaulted; ///< names of what was missing, or of another type
    bool old{false};                    ///< version 1: to be written again
};

/// `defaults`: names, types, and what holds where the file doesn't say. Errors: integrity (no such JSON, or of another
/// version).
[[nodiscard]] Result<StoredSetting> parse_setting(std::string_view text, const SettingProperties& defaults);

/// As version 2, byte for byte what settingsd writes.
[[nodiscard]] std::string serialize_setting(const SettingProperties& properties);

/// Where the setting of an object path lies.
[[nodiscard]] std::filesystem::path setting_file(const std::filesystem::path& root, std::string_view object);

} // namespace fwupdate::agent::ship_level
