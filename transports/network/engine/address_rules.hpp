// Which hosts and addresses a BMC may fetch from. Names are looked at when a URI is set and at every redirect,
// addresses when a connection is made: what a name resolves to is not known before.
#pragma once

#include "common/result.hpp"

#include <boost/asio/ip/address.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::network
{

using Address = boost::asio::ip::address;

/// Addresses with a common beginning. IPv4 is kept as the IPv6 addresses that stand for it, ::ffff:0:0/96.
class Network
{
  public:
    /// "10.0.0.0/8", "2001:db8::/32", or one address. None: it is no such thing, or has bits behind its prefix.
    [[nodiscard]] static std::optional<Network> parse(std::string_view text);

    [[nodiscard]] bool contains(const Address& address) const;
    [[nodiscard]] bool contains(const Network& other) const;
    [[nodiscard]] bool is_single() const
    {
        return prefix_ == 128;
    }
    bool operator==(const Network&) const = default;

  private:
    using Bits = std::array<std::uint8_t, 16>;
    [[nodiscard]] bool covers(const Bits& bits) const;

    Bits bits_{};
    unsigned prefix_{}; ///< bits, 0..128
};

/// A network, or a host's name: "files.example.com", or "*.example.com" for all below it.
struct Rule
{
    std::optional<Network> network; ///< none: a name
    std::string name;               ///< lower case

    /// Error: invalid_field, when it is neither.
    [[nodiscard]] static Result<Rule> parse(std::string_view text);
    [[nodiscard]] bool matches(std::string_view host) const;
    bool operator==(const Rule&) const = default;
};

/// The configured lists. `deny` beats `allow`; an empty `allow` admits everything that is not special. Special are
/// loopback, link-local, multicast, unspecified and reserved addresses and the BMC's own: each needs a network in
/// `allow` that lies inside of its range (of the BMC's own: exactly the address).
class AddressRules
{
  public:
    AddressRules() = default;
    AddressRules(std::vector<Rule> allow, std::vector<Rule> deny);

    /// By name alone, or by address where the host is one. Error: denied.
    [[nodiscard]] Result<void> admit_host(std::string_view host) const;

    /// An address that `host` has resolved to; `own` are the BMC's. Error: denied.
    [[nodiscard]] Result<void> admit_address(std::string_view host, const Address& address,
                                             std::span<const Address> own) const;

  private:
    [[nodiscard]] bool is_listed(std::string_view host, const Address& address) const;
    [[nodiscard]] Result<void> admit_special(std::string_view host, const Address& address,
                                             std::span<const Address> own) const;

    std::vector<Rule> allow_;
    std::vector<Rule> deny_;
};

} // namespace fwupdate::network
