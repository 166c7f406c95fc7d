#include "bmc-agent/config/sections.hpp"
#include "bmc-agent/config/values.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

constexpr std::uint64_t day = 86'400;        ///< seconds
constexpr std::uint64_t year = 366 * day;    ///< seconds
constexpr std::uint32_t last_iana = 0xFFFFF; ///< 20 bits (IPMI 2.0 table 20-2)

constexpr std::array level_words{
    Word<std::string_view>{"debug", "debug"},
    Word<std::string_view>{"info", "info"},
    Word<std::string_view>{"warning", "warning"},
    Word<std::string_view>{"error", "error"},
};

std::vector<std::string_view> names_of(const std::vector<Target>& targets)
{
    std::vector<std::string_view> names;
    for (const Target& target : targets)
    {
        if (!target.name.empty())
        {
            names.emplace_back(target.name);
        }
    }
    return names;
}

void read_default_target(ObjectReader& reader, Config& out)
{
    const auto names = names_of(out.targets);
    std::string& name = out.default_target_name;
    reader.text("default_target", name, longest_target_name);
    const bool more = out.flash_config.has_value(); // who has its targets resolves the name
    if (out.targets.size() > 1 && !more)
    {
        reader.require("default_target", "write which target an update without a name goes to: " + one_of(names));
    }
    if (!out.targets.empty())
    {
        out.default_target = out.targets.front().id;
    }
    const auto chosen = std::ranges::find(out.targets, name, &Target::name);
    if (!name.empty() && chosen == out.targets.end() && !more)
    {
        const std::string hint = did_you_mean(name, names);
        reader.findings().mistake(reader.pointer("default_target"), "no target is called \"" + name + "\"",
                                  (hint.empty() ? "" : hint + " ") + "write " + one_of(names));
    }
    else if (chosen != out.targets.end())
    {
        out.default_target = chosen->id;
    }
}

/// Without the section its defaults hold: a signature is wanted, and nobody is trusted yet, which is a mistake to tell.
Place verification_place(ObjectReader& reader)
{
    reader.require("verification", R"(write {"roots": "/etc/bmc-agent/roots.pem"}, or {"signature": "optional"})");
    return reader.member("verification");
}

/// What stands beside the update itself.
void read_optional_sections(ObjectReader& reader, Config& out)
{
    Findings& findings = reader.findings();
    if (const Place flash = reader.member("flash_config"); flash.value != nullptr)
    {
        read_flash_directories(ObjectReader{flash, findings}, out.flash_config.emplace());
    }
    if (const Place software = reader.member("software"); software.value != nullptr)
    {
        read_software(ObjectReader{software, findings}, out.software.emplace());
    }
    if (const Place ship_level = reader.member("ship_level"); ship_level.value != nullptr)
    {
        read_ship_level(ObjectReader{ship_level, findings}, out.ship_level.emplace());
        check_ship_level(*out.ship_level, out.verification, findings);
    }
}

/// What staging has no room or no memory for.
void check_staged(const std::vector<Target>& targets, std::string_view section, const Staging& staging,
                  Findings& findings)
{
    for (std::size_t at = 0; at < targets.size(); ++at)
    {
        const std::string pointer = pointer_to(section, std::to_string(at));
        const Target& target = targets[at];
        if (target.max_size > staging.max_image_size)
        {
            findings.mistake(pointer_to(pointer, "max_size"), "is more than staging may hold",
                             "raise /staging/max_image_size, or lower this");
        }
        if (target.anti_rollback && !staging.persistent)
        {
            findings.mistake(pointer_to(pointer, "anti_rollback"), "its floor would be lost at a restart",
                             "let /staging/directory be where files stay, with \"persistent\": true");
        }
    }
}

/// Mistakes that only show between sections.
void check_whole(const Config& config, Findings& findings)
{
    check_staged(config.targets, "/targets", config.staging, findings);
    if (config.flash_config)
    {
        check_staged(config.flash_config->targets, "/flash_config/targets", config.staging, findings);
    }
    check_channels(config, findings);
    const auto admin = [](const User& user) { return user.limit == ipmi::Privilege::administrator; };
    if (!config.users.empty() && std::ranges::none_of(config.users, admin))
    {
        findings.warn("/users", "no administrator: nobody can update over the LAN",
                      R"(give one user "privilege": "administrator")");
    }
}

} // namespace

void read_device(ObjectReader reader, Device& out)
{
    reader.number("id", out.id, 0, 0xFF);
    reader.number("revision", out.revision, 0, 0x0F);
    reader.number("firmware_major", out.firmware_major, 0, 127);
    reader.number("firmware_minor", out.firmware_minor, 0, 99);
    reader.number("manufacturer", out.manufacturer, 0, last_iana);
    reader.number("product", out.product, 0, 0xFFFF);
    std::string guid;
    reader.text("guid", guid, 36);
    if (!guid.empty())
    {
        out.guid = parse_guid(guid);
        if (!out.guid)
        {
            reader.findings().mistake(reader.pointer("guid"), "is not a UUID", "make one with: uuidgen");
        }
    }
    reader.command("cold_reset_command", out.cold_reset_command);
    reader.finish();
}

void read_staging(ObjectReader reader, Staging& out)
{
    reader.require("directory", "write where images are gathered, such as \"/var/lib/bmc-agent\"");
    reader.path("directory", out.directory);
    out.directory = out.directory.lexically_normal();
    if (out.directory.has_relative_path() && !out.directory.has_filename())
    {
        out.directory = out.directory.parent_path(); // "/a/b/" is "/a/b"
    }
    reader.size("max_image_size", out.max_image_size, protocol::largest_image);
    reader.flag("persistent", out.persistent);
    reader.seconds("retention", out.retention, 0, year);
    reader.finish();
}

void read_lease(ObjectReader reader, Lease& out)
{
    reader.seconds("base", out.base, 1, day);
    reader.seconds("extended", out.extended, 1, day);
    reader.finish();
}

Config read_config(const Json& document, Findings& findings, Secrets& secrets)
{
    Config config;
    ObjectReader reader{{&document, {}}, findings};
    if (!document.is_object())
    {
        return config;
    }
    reader.require("lan", R"(write at least {"listen": ["0.0.0.0:623"]})");
    const Place lan = reader.member("lan");
    if (lan.value != nullptr)
    {
        read_lan(ObjectReader{lan, findings}, secrets, config.lan);
    }
    read_system_interfaces(reader, config.system_interfaces);
    if (const Place dbus_ipmi = reader.member("dbus_ipmi"); dbus_ipmi.value != nullptr)
    {
        read_dbus_ipmi(ObjectReader{dbus_ipmi, findings}, config.dbus_ipmi.emplace());
    }
    if (const Place usb = reader.member("usb"); usb.value != nullptr)
    {
        read_usb(ObjectReader{usb, findings}, config.usb.emplace());
    }
    if (const Place network = reader.member("network"); network.value != nullptr)
    {
        read_network(ObjectReader{network, findings}, secrets, config.network.emplace());
    }
    if (const Place place = verification_place(reader); place.value != nullptr)
    {
        read_verification(ObjectReader{place, findings}, config.verification);
    }
    read_machine(ObjectReader{reader.member("machine"), findings}, config.machine);
    read_users(reader, secrets, config.users);
    read_device(ObjectReader{reader.member("device"), findings}, config.device);
    reader.require("staging", R"(write at least {"directory": "/var/lib/bmc-agent"})");
    const Place staging = reader.member("staging");
    if (staging.value != nullptr)
    {
        read_staging(ObjectReader{staging, findings}, config.staging);
    }
    read_lease(ObjectReader{reader.member("lease"), findings}, config.lease);
    read_targets(reader, config.targets);
    read_optional_sections(reader, config);
    read_default_target(reader, config);
    std::string_view level = "info";
    reader.word("log_level", level, level_words);
    config.log_level = level;
    reader.finish();
    check_whole(config, findings);
    return config;
}

} // namespace fwupdate::config
