// The agent's configuration as an object that exists only when it is whole and valid.
#pragma once

#include "bmc-agent/config/actions.hpp"
#include "bmc-agent/config/ship_level.hpp"
#include "bmc-agent/config/slots.hpp"
#include "bmc-agent/config/software.hpp"
#include "common/ipmi/message.hpp"
#include "common/package/tarball/manifest.hpp"
#include "common/package/version/version.hpp"
#include "common/result.hpp"
#include "protocol-spec/messages.hpp"
#include "transports/network/engine/settings.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fwupdate::config
{

/// Who may open a session.
struct User
{
    std::string name;     ///< 1..16 bytes
    std::string password; ///< 1..20 bytes; never printed
    ipmi::Privilege limit{ipmi::Privilege::administrator};
};

/// One UDP address to serve.
struct ListenAddress
{
    std::string address;     ///< IPv4 or IPv6 literal
    std::uint16_t port{623}; ///< 0: any free one, told in the log
};

/// The LAN channel.
struct Lan
{
    std::uint8_t channel{1};
    std::vector<ListenAddress> listen;
    std::vector<std::uint8_t> cipher_suites{17, 3}; ///< in order of preference; of 17 and 3
    std::chrono::seconds idle_timeout{60};
    std::uint16_t max_sessions{8};
    std::uint16_t max_half_open{16};
    std::uint16_t lockout_failures{5}; ///< wrong passwords in a row until a user name is locked
    std::chrono::seconds lockout_time{60};
    std::optional<Bytes> k_g; ///< BMC key, 20 bytes; none: the user's password
};

/// What a host may do over its system interface.
enum class HostPolicy : std::uint8_t
{
    full,      ///< administrator, as IPMI has it
    read_only, ///< user: it may ask, not change
    off,       ///< not served
};

/// How a host reaches us.
enum class HostType : std::uint8_t
{
    vm,  ///< an emulator's BMC device connects to us
    kcs, ///< Linux's BMC side of a KCS interface, a character device
    bt,  ///< the same of a BT interface
};

/// One system interface.
struct SystemInterface
{
    std::uint8_t channel{0x0F}; ///< the first one's number in IPMI
    HostType type{HostType::vm};
    std::variant<ListenAddress, std::filesystem::path> listen; ///< vm: TCP, or a Unix socket
    std::filesystem::path device;                              ///< kcs, bt: such as /dev/ipmi-kcs3
    HostPolicy policy{HostPolicy::full};
    std::uint16_t max_message{protocol::largest_system_interface_message}; ///< data bytes of a request
};

/// What is behind a channel that reaches the agent over D-Bus.
enum class BridgeType : std::uint8_t
{
    lan,      ///< another server's RMCP+ sessions (netipmid)
    kcs,      ///< the host's system interface (kcsbridge)
    bt,       ///< the same (btbridge of today)
    ssif,     ///< the same (ssifbridge)
    ipmb,     ///< another controller
    internal, ///< programs of the BMC itself
};

/// One of them.
struct BridgedChannel
{
    std::string name;      ///< the bridge's, the last part of its bus name: "eth0", "ipmi_kcs3"
    std::uint8_t number{}; ///< 0..11, 15
    BridgeType type{};
    HostPolicy policy{HostPolicy::full};
    std::uint16_t max_message{}; ///< data bytes of a request; 0: what its type usually carries
};

/// What org.openbmc.HostIpmi's messages come in on.
inline constexpr std::uint8_t legacy_channel = 0;

/// OpenBMC's own way for IPMI inside of a BMC: bridges call us.
struct DbusIpmi
{
    std::string name{"xyz.openbmc_project.Ipmi.Host"};
    bool legacy{false};                   ///< org.openbmc.HostIpmi's signals too
    HostPolicy policy{HostPolicy::full};  ///< of the legacy channel, and of channels that state none
    std::filesystem::path channel_config; ///< OpenBMC's channel_config.json; empty: none
    std::vector<BridgedChannel> channels;
};

/// What Get Device ID says.
struct Device
{
    std::uint8_t id{0x20};
    std::uint8_t revision{1};
    std::uint8_t firmware_major{1}; ///< 0..127
    std::uint8_t firmware_minor{0}; ///< 0..99, sent as BCD
    std::uint32_t manufacturer{0};  ///< IANA enterprise number, 20 bits
    std::uint16_t product{0};
    /// As RFC 4122 writes it, first digits first; none: made once and kept in the state directory.
    std::optional<protocol::Identifier> guid;
    std::vector<std::string> cold_reset_command; ///< argv of Cold Reset; empty: the command is refused (D5h)
};

/// Where images are gathered and the agent's memory lives.
struct Staging
{
    std::filesystem::path directory;
    std::uint64_t max_image_size{256ULL << 20}; ///< bytes
    bool persistent{true};                      ///< the directory outlives the BMC's restart
    std::chrono::seconds retention{std::chrono::hours{24}};
};

/// How long update mode lives without a word from its owner.
struct Lease
{
    std::chrono::seconds base{300};
    std::chrono::seconds extended{60};
};

/// What a target restarts at exit, and how.
struct RestartAction
{
    protocol::Restart what{protocol::Restart::nothing};
    std::vector<std::string> command; ///< argv; empty only with nothing
};

/// What a PLDM package calls a component (DSP0267).
struct ComponentId
{
    std::uint16_t classification{};
    std::uint16_t identifier{};

    bool operator==(const ComponentId&) const = default;
};

/// Something that can be updated.
struct Target
{
    std::uint8_t id{};
    std::string name;   ///< 1..32 bytes
    std::string type;   ///< handler: "file", "handover", "block", "slots"
    std::string blob{}; ///< id of the flash blob by which it can be updated; empty: none
    std::filesystem::path path;
    std::uint64_t max_size{}; ///< bytes; 0: staging.max_image_size
    RestartAction restart;
    std::uint8_t accepts{protocol::accepts_plain | protocol::accepts_pldm | protocol::accepts_tarball};
    std::vector<ComponentId> components{};      ///< of PLDM packages
    std::optional<package::Purpose> purpose{};  ///< of OpenBMC tarballs
    std::string member{};                       ///< of such a tarball; empty: its only image
    std::string minimum_version{};              ///< empty: any
    std::uint32_t minimum_security_version{};   ///< 0: any
    bool anti_rollback{false};                  ///< what has run is the least from then on
    std::filesystem::path version_file{};       ///< first line is the running version; empty: none
    std::vector<std::string> version_command{}; ///< argv; first line of its output; empty: none
    std::optional<Actions> actions{};           ///< none: nothing is started
    std::optional<Slots> slots{};               ///< of type "slots"
    std::uint64_t offset{};                     ///< bytes; of type "block": where on the device it begins
    std::uint64_t size{};                       ///< bytes from there; 0: to the device's end
};

/// Which images are taken.
struct Verification
{
    bool signature_required{true};
    std::filesystem::path roots;            ///< PEM certificates; empty: no CMS signature can be good
    std::filesystem::path revocation_lists; ///< PEM; empty: revocation is not checked
    std::filesystem::path system_keys;      ///< OpenBMC's directory of keys; empty: none
    bool by_signing_time{false};            ///< certificates are judged by the time the signature states
    bool no_downgrade{false};               ///< as if every client asked for it
    bool force_allows_downgrade{false};     ///< a client's force overrides it
    bool force_allows_machine{false};       ///< a client's force overrides that an image is for another machine
    std::vector<package::VersionPattern> version_patterns; ///< empty: the usual ones
};

/// A descriptor of this machine (DSP0267, descriptor types).
struct MachineDescriptor
{
    std::uint16_t type{};
    std::string title; ///< of a vendor defined one
    Bytes data;
};

/// What machine this is.
struct Machine
{
    std::string name; ///< as MANIFEST's MachineName has it; empty: not checked
    std::vector<std::string> compatible;
    std::vector<MachineDescriptor> descriptors; ///< empty: no PLDM package is for it
};

/// The virtual USB drive that the host sees.
struct Usb
{
    std::string controller;          ///< a name in /sys/class/udc; empty: the first one that is free
    std::filesystem::path directory; ///< for the drive's image; empty: staging.directory
    std::filesystem::path configfs{"/sys/kernel/config"};
    std::uint16_t vendor_id{0x1D6B};  ///< Linux Foundation
    std::uint16_t product_id{0x0104}; ///< multifunction composite gadget
    std::string manufacturer{"ipmi-fwupdate"};
    std::string product{"Firmware drop"};
};

/// Where phosphor-ipmi-flash's own configuration lies, and what it cannot say of its blobs.
struct FlashDirectories
{
    std::vector<std::filesystem::path> directories{"/usr/share/phosphor-ipmi-flash", "/run/phosphor-ipmi-flash"};

    /// By `blob`; type, path and actions are that configuration's. Without a name: empty; without a number: no_target.
    std::vector<Target> targets;
};

/// The whole of it.
struct Config
{
    Lan lan;
    std::vector<SystemInterface> system_interfaces;
    std::optional<DbusIpmi> dbus_ipmi;            ///< none: not served over D-Bus
    std::optional<Usb> usb;                       ///< none: no USB drive
    std::optional<network::Settings> network;     ///< none: nothing is fetched from a network
    std::optional<FlashDirectories> flash_config; ///< none: not looked at
    std::optional<Software> software;             ///< none: versions are not shown on D-Bus
    std::optional<ShipLevel> ship_level;          ///< none: no minimum ship level
    std::vector<User> users;
    Verification verification;
    Machine machine;
    Device device;
    Staging staging;
    Lease lease;
    std::vector<Target> targets;
    std::uint8_t default_target{};   ///< id
    std::string default_target_name; ///< as it was written; empty: not written
    std::string log_level{"info"};
    std::vector<std::string> warnings; ///< what is allowed but unwise, one line each with file, key and remedy
};

/// Reads a password or key file: its first line. Errors: the sentence says what failed and what to do.
using SecretReader = std::function<Result<std::string>(const std::filesystem::path&)>;

/// The one for real files: regular, not readable by others.
Result<std::string> read_secret_file(const std::filesystem::path& file);

/// Reads a configuration file. The error has one line per mistake, all mistakes at once: file, key (a JSON pointer;
/// line and column where the JSON itself is broken), reason, remedy.
Result<Config> load(const std::filesystem::path& file);

/// The same from memory; `name` stands for the file in errors.
Result<Config> parse(std::string_view text, std::string_view name, const SecretReader& read_secret = read_secret_file);

/// What a program needs that judges the minimum ship level, and nothing else of the configuration.
struct ShipLevelSettings
{
    ShipLevel ship_level; ///< without the section: no rules
    package::VersionScheme scheme;
};

/// Reads those sections alone: neither secrets nor targets are looked at. Errors: as load.
Result<ShipLevelSettings> load_ship_level(const std::filesystem::path& file);

/// What the configuration means, a few lines for a person; without secrets.
[[nodiscard]] std::string summary(const Config& config);

} // namespace fwupdate::config
