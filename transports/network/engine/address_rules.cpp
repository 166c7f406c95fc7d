#include "transports/network/engine/address_rules.hpp"

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace fwupdate::network
{
namespace
{

namespace ip = boost::asio::ip;

constexpr unsigned v4_prefix = 96; ///< bits before an IPv4 address in the IPv6 one that stands for it
constexpr std::size_t longest_name = 253;

ip::address_v6::bytes_type bits_of(const Address& address)
{
    return (address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()) : address.to_v6()).to_bytes();
}

struct SpecialRange
{
    std::string_view network;
    std::string_view kind;
};

/// RFC 6890 and what followed it, as far as nothing there can be a file server for a BMC.
constexpr auto special_ranges = std::to_array<SpecialRange>({
    {"0.0.0.0/8", "an unspecified"},
    {"127.0.0.0/8", "a loopback"},
    {"169.254.0.0/16", "a link-local"},
    {"224.0.0.0/4", "a multicast"},
    {"240.0.0.0/4", "a reserved"},
    {"::1", "a loopback"},
    {"::/96", "an unspecified"}, // and the IPv4-compatible addresses of old
    {"fe80::/10", "a link-local"},
    {"ff00::/8", "a multicast"},
});

/// The IPv4 address that a NAT64 (RFC 6052) or 6to4 (RFC 3056) address leads to.
std::optional<Address> embedded(const Address& address)
{
    if (!address.is_v6())
    {
        return std::nullopt;
    }
    const auto bits = address.to_v6().to_bytes();
    const auto v4_at = [&](std::size_t at) {
        return Address{ip::address_v4{{bits[at], bits[at + 1], bits[at + 2], bits[at + 3]}}};
    };
    if (Network::parse("64:ff9b::/96")->contains(address))
    {
        return v4_at(12);
    }
    return Network::parse("2002::/16")->contains(address) ? std::optional{v4_at(2)} : std::nullopt;
}

Address without_mapping(const Address& address)
{
    if (address.is_v6() && address.to_v6().is_v4_mapped())
    {
        return ip::make_address_v4(ip::v4_mapped, address.to_v6());
    }
    return address.is_v6() ? Address{ip::address_v6{address.to_v6().to_bytes()}} : address; // no scope
}

std::optional<Address> literal(std::string_view host)
{
    boost::system::error_code error;
    const Address address = ip::make_address(std::string{host.substr(0, host.find('%'))}, error);
    return error ? std::nullopt : std::optional{without_mapping(address)};
}

std::string named(std::string_view host, const Address& address)
{
    const std::string text = address.to_string();
    return host == text ? text : std::string{host} + " is " + text + ",";
}

Error denied(const std::string& what, const std::string& why)
{
    return fail(ErrorKind::denied, what + " " + why + " by this BMC's configuration (network: allow, deny)");
}

bool is_label_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
}

bool is_host_name(std::string_view name)
{
    return !name.empty() && name.size() <= longest_name && name.front() != '.' && name.back() != '.' &&
           name.find("..") == std::string_view::npos &&
           std::ranges::all_of(name, [](char letter) { return is_label_letter(letter) || letter == '.'; });
}

} // namespace

std::optional<Network> Network::parse(std::string_view text)
{
    const std::size_t slash = text.find('/');
    boost::system::error_code error;
    const Address address = ip::make_address(std::string{text.substr(0, slash)}, error);
    if (error)
    {
        return std::nullopt;
    }
    Network network;
    network.bits_ = bits_of(address);
    network.prefix_ = 128;
    if (slash != std::string_view::npos)
    {
        const std::string_view digits = text.substr(slash + 1);
        unsigned prefix = 0;
        const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
        if (end.ec != std::errc{} || end.ptr != digits.data() + digits.size() ||
            prefix > (address.is_v4() ? 32U : 128U))
        {
            return std::nullopt;
        }
        network.prefix_ = prefix + (address.is_v4() ? v4_prefix : 0);
    }
    for (unsigned bit = network.prefix_; bit < 128; ++bit)
    {
        if ((network.bits_[bit / 8] >> (7 - bit % 8) & 1U) != 0)
        {
            return std::nullopt;
        }
    }
    return network;
}

bool Network::covers(const Bits& bits) const
{
    const unsigned whole = prefix_ / 8;
    const unsigned rest = prefix_ % 8;
    return std::equal(bits_.begin(), bits_.begin() + whole, bits.begin()) &&
           (rest == 0 || (bits_[whole] ^ bits[whole]) >> (8 - rest) == 0);
}

bool Network::contains(const Address& address) const
{
    return covers(bits_of(address));
}

bool Network::contains(const Network& other) const
{
    return prefix_ <= other.prefix_ && covers(other.bits_);
}

Result<Rule> Rule::parse(std::string_view text)
{
    if (auto network = Network::parse(text))
    {
        return Rule{network, {}};
    }
    std::string name{text};
    std::ranges::transform(name, name.begin(),
                           [](char letter)
                           { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; });
    const std::string_view host = std::string_view{name}.substr(name.starts_with("*.") ? 2 : 0);
    const bool looks_like_address = host.find_first_not_of("0123456789.") == std::string_view::npos;
    if (!is_host_name(host) || looks_like_address)
    {
        return fail(ErrorKind::invalid_field,
                    "is neither a network such as 10.0.0.0/8 (without bits behind its prefix) "
                    "nor a host's name such as files.example.com or *.example.com");
    }
    return Rule{std::nullopt, std::move(name)};
}

bool Rule::matches(std::string_view host) const
{
    if (network)
    {
        return false;
    }
    return name.starts_with("*.") ? host.size() > name.size() - 1 && host.ends_with(std::string_view{name}.substr(1))
                                  : host == name;
}

AddressRules::AddressRules(std::vector<Rule> allow, std::vector<Rule> deny)
    : allow_{std::move(allow)}, deny_{std::move(deny)}
{
}

Result<void> AddressRules::admit_host(std::string_view host) const
{
    const auto matches = [&](const Rule& rule) { return rule.matches(host); };
    if (const auto address = literal(host))
    {
        return admit_address(host, *address, {});
    }
    if (std::ranges::any_of(deny_, matches))
    {
        return denied(std::string{host}, "is denied");
    }
    const bool only_names = std::ranges::none_of(allow_, [](const Rule& rule) { return rule.network.has_value(); });
    return allow_.empty() || !only_names || std::ranges::any_of(allow_, matches)
               ? Result<void>{}
               : denied(std::string{host}, "is not allowed");
}

bool AddressRules::is_listed(std::string_view host, const Address& address) const
{
    return allow_.empty() ||
           std::ranges::any_of(allow_, [&](const Rule& rule)
                               { return rule.network ? rule.network->contains(address) : rule.matches(host); });
}

/// Special ranges, and the BMC's own addresses.
Result<void> AddressRules::admit_special(std::string_view host, const Address& address,
                                         std::span<const Address> own) const
{
    const auto admits = [&](auto condition)
    {
        return std::ranges::any_of(
            allow_, [&](const Rule& rule)
            { return rule.network && rule.network->contains(address) && condition(*rule.network); });
    };
    for (const SpecialRange& range : special_ranges)
    {
        const Network special = *Network::parse(range.network);
        if (special.contains(address) && !admits([&](const Network& rule) { return special.contains(rule); }))
        {
            return denied(named(host, address), std::string{range.kind} + " address, which is not allowed");
        }
    }
    const bool ours = std::ranges::any_of(own, [&](const Address& mine) { return without_mapping(mine) == address; });
    const bool loopback = address.is_loopback();
    return !ours || loopback || admits([](const Network& rule) { return rule.is_single(); })
               ? Result<void>{}
               : denied(named(host, address), "an address of this BMC, which is not allowed");
}

Result<void> AddressRules::admit_address(std::string_view host, const Address& resolved,
                                         std::span<const Address> own) const
{
    const Address address = without_mapping(resolved);
    if (std::ranges::any_of(deny_, [&](const Rule& rule)
                            { return rule.network ? rule.network->contains(address) : rule.matches(host); }))
    {
        return denied(named(host, address), "is denied");
    }
    if (auto special = admit_special(host, address, own); !special)
    {
        return special;
    }
    if (const auto inner = embedded(address))
    {
        if (auto admitted = admit_address(host, *inner, own); !admitted)
        {
            return admitted;
        }
        return {};
    }
    return is_listed(host, address) ? Result<void>{} : denied(named(host, address), "is not allowed");
}

} // namespace fwupdate::network
