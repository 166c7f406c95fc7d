// The section "ship_level": what the machine must have before its host may start.
#include "bmc-agent/config/file_text.hpp"
#include "bmc-agent/config/sections.hpp"

#include <sys/stat.h>

#include <array>
#include <regex>

namespace fwupdate::config
{
namespace
{

constexpr std::array setting_words{Word<bool>{"own", false}, Word<bool>{"bus", true}};
constexpr std::size_t most_rules = 64;
constexpr std::size_t most_sensors = 64;
constexpr std::size_t longest_name = 64;      ///< bytes
constexpr std::size_t longest_remedy = 256;   ///< bytes
constexpr std::size_t longest_pattern = 512;  ///< bytes
constexpr std::size_t largest_file = 1 << 20; ///< bytes, as the agent takes it

enum class RuleType : std::uint8_t
{
    version,
    file,
    sensors,
    text,
    register_,
};
constexpr std::array type_words{
    Word<RuleType>{"version", RuleType::version},    Word<RuleType>{"file", RuleType::file},
    Word<RuleType>{"sensors", RuleType::sensors},    Word<RuleType>{"text", RuleType::text},
    Word<RuleType>{"register", RuleType::register_},
};

void read_file_key(ObjectReader& reader, std::filesystem::path& out)
{
    reader.require("file", "write the file that is looked at");
    reader.path("file", out);
}

VersionAtLeast read_version_rule(ObjectReader& reader)
{
    VersionAtLeast rule;
    read_file_key(reader, rule.file);
    reader.require("at_least", "write the oldest version that will do");
    reader.text("at_least", rule.at_least, package::VersionScheme::longest_version);
    return rule;
}

/// A name of one entry in a directory of hwmon.
void read_sensor(const Place& item, std::vector<std::string>& out, Findings& findings)
{
    std::string name;
    if (!read_text(item, name, longest_name, findings))
    {
        return;
    }
    if (name.find('/') != std::string::npos)
    {
        findings.mistake(item.pointer, "is a path", "write a name such as fan1_input");
        return;
    }
    out.push_back(std::move(name));
}

SensorsPresent read_sensors_rule(ObjectReader& reader)
{
    SensorsPresent rule;
    reader.require("driver", "write the hwmon device's name, such as max31785");
    reader.text("driver", rule.driver, longest_name);
    for (const Place& item : reader.items("sensors", most_sensors, "sensors"))
    {
        read_sensor(item, rule.sensors, reader.findings());
    }
    return rule;
}

TextMatches read_text_rule(ObjectReader& reader)
{
    TextMatches rule;
    read_file_key(reader, rule.file);
    reader.require("matches", "write a regular expression for the file's first line");
    reader.text("matches", rule.pattern, longest_pattern);
    try
    {
        const std::regex compiled{rule.pattern};
    }
    catch (const std::regex_error& error)
    {
        reader.findings().mistake(reader.pointer("matches"),
                                  std::string{"is not a regular expression: "} + error.what(), "correct it");
    }
    return rule;
}

void read_register_number(ObjectReader& reader, std::string_view key, std::optional<std::uint64_t>& out)
{
    if (reader.has(key))
    {
        out = 0;
    }
    std::uint64_t value = 0;
    reader.number(key, value, 0, ~std::uint64_t{0});
    out = out ? std::optional{value} : std::nullopt;
}

RegisterValue read_register_rule(ObjectReader& reader)
{
    RegisterValue rule;
    read_file_key(reader, rule.file);
    read_register_number(reader, "at_least", rule.at_least);
    read_register_number(reader, "equals", rule.equals);
    reader.number("mask", rule.mask, 1, ~std::uint64_t{0});
    if (rule.at_least.has_value() == rule.equals.has_value())
    {
        reader.findings().mistake(reader.pointer(), "says not which value the register must have",
                                  R"(write "at_least" or "equals", one of them)");
    }
    return rule;
}

Requirement read_requirement(ObjectReader& reader, RuleType type)
{
    switch (type)
    {
    case RuleType::version:
        return read_version_rule(reader);
    case RuleType::sensors:
        return read_sensors_rule(reader);
    case RuleType::text:
        return read_text_rule(reader);
    case RuleType::register_:
        return read_register_rule(reader);
    case RuleType::file:
        break;
    }
    FilePresent rule;
    read_file_key(reader, rule.file);
    return rule;
}

void read_rule(ObjectReader reader, ShipLevelRule& out)
{
    reader.require("name", "write what people call it");
    reader.text("name", out.name, longest_name);
    reader.require("type", R"(write "version", "file", "sensors", "text" or "register")");
    RuleType type{};
    const bool known = reader.word("type", type, type_words);
    read_object_path(reader, "inventory", out.inventory);
    reader.text("remedy", out.remedy, longest_remedy);
    if (known) // else every key of the unknown kind would be one more mistake
    {
        out.requirement = read_requirement(reader, type);
        reader.finish();
    }
}

/// A version that can't be compared would keep the host from starting for ever.
void check_versions(const ShipLevel& ship_level, const package::VersionScheme& scheme, Findings& findings)
{
    for (std::size_t at = 0; at < ship_level.rules.size(); ++at)
    {
        const auto* const rule = std::get_if<VersionAtLeast>(&ship_level.rules[at].requirement);
        const auto parsed = rule == nullptr || rule->at_least.empty() ? Result<package::Version>{package::Version{}}
                                                                      : scheme.parse(rule->at_least);
        if (!parsed)
        {
            findings.mistake(pointer_to(pointer_to("/ship_level/rules", std::to_string(at)), "at_least"),
                             parsed.error().text, "write a version of this form, or /verification/version_patterns");
        }
    }
}

package::VersionScheme scheme_of(const Verification& verification)
{
    auto scheme = verification.version_patterns.empty()
                      ? Result<package::VersionScheme>{package::VersionScheme::usual()}
                      : package::VersionScheme::from_patterns(verification.version_patterns);
    return scheme ? std::move(*scheme) : package::VersionScheme::usual(); // what is wrong with a pattern is told there
}

ShipLevelSettings read_settings(const Json& document, Findings& findings)
{
    ObjectReader reader{{&document, {}}, findings};
    Verification verification;
    if (const Place place = reader.member("verification"); place.value != nullptr)
    {
        read_verification(ObjectReader{place, findings}, verification);
    }
    ShipLevelSettings settings{{}, scheme_of(verification)};
    if (const Place place = reader.member("ship_level"); place.value != nullptr)
    {
        read_ship_level(ObjectReader{place, findings}, settings.ship_level);
        check_ship_level(settings.ship_level, verification, findings);
    }
    return settings;
}

} // namespace

void read_ship_level(ObjectReader reader, ShipLevel& out)
{
    reader.path("settings", out.settings);
    reader.path("hwmon", out.hwmon);
    reader.flag("notify", out.notify);
    reader.word("setting", out.foreign_setting, setting_words);
    for (const Place& item : reader.items("rules", most_rules, "rules"))
    {
        read_rule(ObjectReader{item, reader.findings()}, out.rules.emplace_back());
    }
    reader.finish();
}

void check_ship_level(const ShipLevel& ship_level, const Verification& verification, Findings& findings)
{
    check_versions(ship_level, scheme_of(verification), findings);
}

Result<ShipLevelSettings> load_ship_level(const std::filesystem::path& file)
{
    const auto whole = read_file_text(file, largest_file);
    if (!whole)
    {
        return fail(whole.error().kind,
                    file.string() + ": " + whole.error().text + "; name the configuration with --config FILE");
    }
    Findings findings;
    if ((whole->mode & S_IWOTH) != 0)
    {
        findings.mistake({}, "everybody may write this file", "chmod o-w " + file.string());
    }
    const auto document = parse_document(whole->text, findings);
    ShipLevelSettings settings =
        document ? read_settings(*document, findings) : ShipLevelSettings{{}, package::VersionScheme::usual()};
    return findings.clean() ? Result<ShipLevelSettings>{std::move(settings)}
                            : Result<ShipLevelSettings>{fail(ErrorKind::invalid_field, findings.report(file.string()))};
}

} // namespace fwupdate::config
