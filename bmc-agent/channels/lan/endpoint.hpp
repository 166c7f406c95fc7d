// Where a datagram came from, as the engine sees it: a key to compare and to count by, and a way back that only the
// shell reads.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace fwupdate::agent::lan
{

/// The other side's address and port.
struct Peer
{
    std::array<std::uint8_t, 16> address{}; ///< IPv4: the first four bytes
    std::uint32_t scope{};                  ///< IPv6 link-local: the interface's index
    std::uint16_t port{};
    bool ipv6{false};

    bool operator==(const Peer&) const = default;
};

/// How the answer gets back from the address that was asked.
struct Route
{
    std::array<std::uint8_t, 16> local_address{};
    std::uint32_t interface {
    };                     ///< index; 0: let the kernel choose
    std::uint8_t socket{}; ///< the shell's own numbering
};

struct Endpoint
{
    Peer peer;
    Route route;
};

/// What rate limits and caps count by: an IPv4 address, or an IPv6 /64 (one subscriber owns all of it).
struct AddressGroup
{
    std::array<std::uint8_t, 8> bytes{};
    bool ipv6{false};

    bool operator==(const AddressGroup&) const = default;
};

[[nodiscard]] AddressGroup group_of(const Peer& peer);

/// "192.0.2.1:623", "[2001:db8::1]:623"; for the log.
[[nodiscard]] std::string to_text(const Peer& peer);

} // namespace fwupdate::agent::lan
