#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

using network::Scheme;

constexpr std::size_t most_rules = 64;
constexpr std::size_t most_credentials = 32;
constexpr std::size_t longest_host = 253;   ///< bytes (RFC 1035)
constexpr std::size_t longest_secret = 255; ///< bytes of a user name or password
constexpr std::uint64_t day = 86'400;       ///< seconds
constexpr std::uint64_t fastest = 1ULL << 30;
constexpr auto all_schemes =
    std::to_array<Scheme>({Scheme::https, Scheme::http, Scheme::tftp, Scheme::ftp, Scheme::ftps});

std::vector<network::Rule> read_rules(ObjectReader& reader, std::string_view key)
{
    std::vector<network::Rule> rules;
    for (const Place& item : reader.items(key, most_rules, "networks and hosts"))
    {
        std::string text;
        if (!read_text(item, text, longest_host, reader.findings()))
        {
            continue;
        }
        auto rule = network::Rule::parse(text);
        if (!rule)
        {
            reader.findings().mistake(item.pointer, "\"" + text + "\" " + rule.error().text, "write one of them");
            continue;
        }
        rules.push_back(std::move(*rule));
    }
    return rules;
}

std::vector<Scheme> read_schemes(ObjectReader& reader)
{
    std::vector<Scheme> schemes;
    for (const Place& item : reader.items("schemes", all_schemes.size(), "schemes"))
    {
        std::string text;
        if (!read_text(item, text, longest_host, reader.findings()))
        {
            continue;
        }
        const auto scheme = network::scheme_named(text);
        if (!scheme || std::ranges::find(schemes, *scheme) != schemes.end())
        {
            reader.findings().mistake(item.pointer, "\"" + text + "\" is no scheme, or stands here twice",
                                      "write https, http, tftp, ftp or ftps, each once");
            continue;
        }
        schemes.push_back(*scheme);
    }
    return reader.has("schemes") ? schemes : std::vector<Scheme>{all_schemes.begin(), all_schemes.end()};
}

void read_credentials(ObjectReader& parent, Secrets& secrets, std::vector<network::HostCredentials>& out)
{
    Findings& findings = parent.findings();
    for (const Place& item : parent.items("credentials", most_credentials, "credentials"))
    {
        ObjectReader reader{item, findings};
        network::HostCredentials entry;
        reader.require("host", "write the server's name");
        reader.text("host", entry.host, longest_host);
        const auto rule = network::Rule::parse(entry.host);
        if (!entry.host.empty() && !rule)
        {
            findings.mistake(reader.pointer("host"), "is no host's name or address", "write one without a port");
        }
        entry.host = rule && !rule->network ? rule->name : entry.host;
        reader.require("user", "write the user's name");
        reader.text("user", entry.credentials.user, longest_secret);
        read_secret(reader, "password", "password_file", secrets, entry.credentials.password, longest_secret);
        reader.finish();
        out.push_back(std::move(entry));
    }
}

void read_limits(ObjectReader& reader, network::Limits& out)
{
    reader.seconds("connect_timeout", out.connect_timeout, 1, day);
    reader.seconds("stall_timeout", out.stall_timeout, 1, day);
    reader.number("min_speed", out.min_speed, 0, fastest);
    reader.seconds("min_speed_time", out.min_speed_time, 1, day);
    reader.number("retries", out.retries, 0, 1000);
}

void read_tls(ObjectReader& reader, network::Settings& out)
{
    reader.path("ca_file", out.ca_file);
    reader.path("ca_directory", out.ca_directory);
    reader.path("client_certificate", out.client_certificate);
    reader.path("client_key", out.client_key);
    if (reader.has("client_certificate") != reader.has("client_key"))
    {
        reader.findings().mistake(reader.pointer(), "\"client_certificate\" and \"client_key\" go together",
                                  "write both, or neither");
    }
}

void read_proxy(ObjectReader& reader, std::string& out)
{
    reader.text("proxy", out, longest_host);
    if (!out.empty() && !out.starts_with("http://"))
    {
        reader.findings().mistake(reader.pointer("proxy"), "is no HTTP proxy", "write http://host:port");
    }
}

} // namespace

void read_network(ObjectReader reader, Secrets& secrets, network::Settings& out)
{
    out.schemes = read_schemes(reader);
    auto allow = read_rules(reader, "allow");
    auto deny = read_rules(reader, "deny");
    out.rules = network::AddressRules{std::move(allow), std::move(deny)};
    read_tls(reader, out);
    reader.flag("require_digest", out.require_digest);
    read_proxy(reader, out.proxy);
    read_credentials(reader, secrets, out.credentials);
    read_limits(reader, out.limits);
    reader.number("tftp_block_size", out.tftp_block_size, 512, 65'464);
    if (!out.require_digest)
    {
        reader.findings().warn(reader.pointer("require_digest"),
                               "whoever is on the way may change an image that comes by http, tftp or ftp",
                               "let clients give its SHA-256, or sign it");
    }
    reader.finish();
}

} // namespace fwupdate::config
