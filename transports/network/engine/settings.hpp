// What a BMC's configuration says about fetching.
#pragma once

#include "transports/fetcher.hpp"
#include "transports/network/engine/address_rules.hpp"
#include "transports/network/engine/uri.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fwupdate::network
{

/// Credentials for one server.
struct HostCredentials
{
    std::string host; ///< lower case
    transports::Credentials credentials;
};

struct Limits
{
    std::chrono::seconds connect_timeout{15};
    std::chrono::seconds stall_timeout{30}; ///< without a byte of the image
    std::uint64_t min_speed{256};           ///< bytes a second, over min_speed_time; 0: however slow
    std::chrono::seconds min_speed_time{60};
    unsigned retries{5}; ///< in a row without progress
};

struct Settings
{
    std::vector<Scheme> schemes;
    AddressRules rules;
    std::filesystem::path ca_file;      ///< empty: the system's
    std::filesystem::path ca_directory; ///< empty: the system's
    std::filesystem::path client_certificate;
    std::filesystem::path client_key;
    bool require_digest{true}; ///< for what is_protected() is not
    std::string proxy;         ///< http://host:port; empty: none
    std::vector<HostCredentials> credentials;
    Limits limits;
    std::uint16_t tftp_block_size{1428}; ///< bytes; more than 1468 makes IP fragments
};

} // namespace fwupdate::network
