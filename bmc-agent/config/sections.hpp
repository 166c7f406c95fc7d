// The sections of the configuration, each from its JSON object.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "bmc-agent/config/object_reader.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace fwupdate::config
{

/// Secrets of the file: how to read those that lie elsewhere, and whether some stand in the file itself.
struct Secrets
{
    const SecretReader& read;
    bool inline_secret{false};
};

void read_lan(ObjectReader reader, Secrets& secrets, Lan& out);
void read_users(ObjectReader& parent, Secrets& secrets, std::vector<User>& out);
void read_system_interfaces(ObjectReader& parent, std::vector<SystemInterface>& out);
void read_dbus_ipmi(ObjectReader reader, DbusIpmi& out);
void read_verification(ObjectReader reader, Verification& out);
void read_machine(ObjectReader reader, Machine& out);
void read_usb(ObjectReader reader, Usb& out);
void read_network(ObjectReader reader, Secrets& secrets, network::Settings& out);
void read_device(ObjectReader reader, Device& out);
void read_staging(ObjectReader reader, Staging& out);
void read_lease(ObjectReader reader, Lease& out);
void read_flash_directories(ObjectReader reader, FlashDirectories& out);
void read_software(ObjectReader reader, Software& out);
void read_ship_level(ObjectReader reader, ShipLevel& out);
void read_targets(ObjectReader& parent, std::vector<Target>& out);

/// A target's "path": absolute, or a device's name where its type has such.
void read_target_path(ObjectReader& reader, std::string_view type, std::filesystem::path& out);

/// A target's "actions".
void read_actions(ObjectReader reader, std::optional<Actions>& out);

/// What may be said of any target, whatever it is and wherever its bytes go.
void read_target_facts(ObjectReader& reader, Target& out);

inline constexpr std::size_t longest_target_name = 32; ///< bytes, as in Get Target Info
inline constexpr std::size_t longest_blob_id = 128;    ///< bytes: fits into a response of every channel
/// What a target of type "slots" has beside what every target has.
void read_slots(ObjectReader& reader, Slots& out);

/// Tells channels that share a number: update mode is held by a channel.
void check_channels(const Config& config, Findings& findings);
/// Tells versions of rules that can't be compared by the configured patterns.
void check_ship_level(const ShipLevel& ship_level, const Verification& verification, Findings& findings);

/// Whether it is one as the D-Bus specification has it, and not the root alone.
[[nodiscard]] bool is_object_path(std::string_view path);

/// A D-Bus object path.
void read_object_path(ObjectReader& reader, std::string_view key, std::string& out);

inline constexpr std::size_t longest_ipmi_secret = 40; ///< bytes; a BMC key in hexadecimal

/// The secret under `key`, or in the file under `key`_file; exactly one of them, at most `longest` bytes. False:
/// neither, or a mistake.
bool read_secret(ObjectReader& reader, std::string_view key, std::string_view file_key, Secrets& secrets,
                 std::string& out, std::size_t longest = longest_ipmi_secret);

/// What may be looked at beside the text itself.
enum class Surroundings : std::uint8_t
{
    none,
    disk,
};

/// Tells targets that replace each other's files, the agent's own, or (on the disk) what is no file.
void check_target_paths(const Config& config, Surroundings surroundings, Findings& findings);

/// A parsed document as a configuration. Cross-checks included, but not check_target_paths; nothing is read but the
/// secrets' files.
[[nodiscard]] Config read_config(const Json& document, Findings& findings, Secrets& secrets);

} // namespace fwupdate::config
