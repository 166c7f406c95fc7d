// The agent's configuration as an object that exists only when it is whole and valid.
#pragma once

#include "common/ipmi/message.hpp"
#include "common/result.hpp"
#include "protocol-spec/messages.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
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

/// What Get Device ID says.
struct Device
{
    std::uint8_t id{0x20};
    std::uint8_t revision{1};
    std::uint8_t firmware_major{1}; ///< 0..127
    std::uint8_t firmware_minor{0}; ///< 0..99, sent as BCD
    std::uint32_t manufacturer{0};  ///< IANA enterprise number, 20 bits
    std::uint16_t product{0};
    std::optional<protocol::Identifier> guid; ///< none: made once and kept in the state directory
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

/// Something that can be updated.
struct Target
{
    std::uint8_t id{};
    std::string name; ///< 1..32 bytes
    std::string type; ///< handler: "file"
    std::filesystem::path path;
    std::uint64_t max_size{}; ///< bytes; 0: staging.max_image_size
    RestartAction restart;
    std::filesystem::path version_file;       ///< first line is the running version; empty: none
    std::vector<std::string> version_command; ///< argv; first line of its output; empty: none
};

/// The whole of it.
struct Config
{
    Lan lan;
    std::vector<User> users;
    Device device;
    Staging staging;
    Lease lease;
    std::vector<Target> targets;
    std::uint8_t default_target{}; ///< id
    std::string log_level{"info"};
};

/// Reads a configuration file. The error names file, key (as a JSON pointer), reason and remedy.
Result<Config> load(const std::filesystem::path& file);

/// The same from memory; `name` stands for the file in errors.
Result<Config> parse(std::string_view text, std::string_view name);

} // namespace fwupdate::config
