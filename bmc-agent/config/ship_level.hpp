// What this machine must have before its host may start: its minimum ship level.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fwupdate::config
{

/// "version": the first line of a file is a version that is new enough.
struct VersionAtLeast
{
    std::filesystem::path file;
    std::string at_least;
};

/// "file": it is there.
struct FilePresent
{
    std::filesystem::path file;
};

/// "sensors": a hwmon device of this driver is there and has them.
struct SensorsPresent
{
    std::string driver;               ///< the device's "name"
    std::vector<std::string> sensors; ///< such as "fan1_input"; empty: the device is enough
};

/// "text": the first line of a file matches as a whole.
struct TextMatches
{
    std::filesystem::path file;
    std::string pattern; ///< ECMAScript
};

/// "register": a file tells a number, decimal or with 0x.
struct RegisterValue
{
    std::filesystem::path file;
    std::optional<std::uint64_t> at_least;
    std::optional<std::uint64_t> equals;
    std::uint64_t mask{~std::uint64_t{0}}; ///< bits that count
};

using Requirement = std::variant<VersionAtLeast, FilePresent, SensorsPresent, TextMatches, RegisterValue>;

struct ShipLevelRule
{
    std::string name;      ///< for people
    std::string inventory; ///< object path of the item that it speaks of; empty: none
    std::string remedy;    ///< what to do; empty: nothing is known
    Requirement requirement;
};

struct ShipLevel
{
    std::filesystem::path settings{"/var/lib/phosphor-settings-manager/settings"}; ///< settingsd's root
    std::filesystem::path hwmon{"/sys/class/hwmon"};
    std::vector<ShipLevelRule> rules;
    bool notify{true};           ///< the inventory is told what the rules say of its items
    bool foreign_setting{false}; ///< phosphor-settingsd has the setting
};

} // namespace fwupdate::config
