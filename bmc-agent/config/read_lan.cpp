#include "bmc-agent/config/sections.hpp"
#include "bmc-agent/config/values.hpp"
#include "common/bytes.hpp"

#include <algorithm>

namespace fwupdate::config
{
namespace
{

constexpr std::uint64_t day = 86'400;     ///< seconds
constexpr std::uint8_t last_channel = 11; ///< numbers of implementation-specific channels (IPMI 2.0 section 6.3)
constexpr std::size_t most_addresses = 8;
constexpr std::size_t k_g_size = 20; ///< bytes (IPMI 2.0 section 13.31)

bool same(const ListenAddress& left, const ListenAddress& right)
{
    return left.address == right.address && left.port == right.port && left.port != 0;
}

void read_listen(ObjectReader& reader, std::vector<ListenAddress>& out)
{
    reader.require("listen", R"(write the addresses to serve, such as ["0.0.0.0:623", "[::]:623"])");
    for (const Place& item : reader.items("listen", most_addresses, "addresses"))
    {
        constexpr std::size_t longest = 80;
        std::string text;
        if (!read_text(item, text, longest, reader.findings()))
        {
            continue;
        }
        const auto address = parse_listen_address(text);
        if (!address)
        {
            reader.findings().mistake(item.pointer, "\"" + text + "\" " + address.error().text,
                                      R"(write it like "192.0.2.1:623" or "[2001:db8::1]:623")");
            continue;
        }
        if (std::ranges::any_of(out, [&](const ListenAddress& other) { return same(other, *address); }))
        {
            reader.findings().mistake(item.pointer, "\"" + text + "\" stands here twice", "keep one of them");
            continue;
        }
        out.push_back(*address);
    }
}

void read_suite(const Place& item, Findings& findings, std::vector<std::uint8_t>& out)
{
    constexpr std::string_view remedy = "write 17 (SHA-256), 3 (SHA-1) or both, the better one first";
    const auto* const suite = item.value->get_ptr<const Json::number_unsigned_t*>();
    if (suite == nullptr || (*suite != 17 && *suite != 3))
    {
        const bool open = suite != nullptr && *suite == 0;
        findings.mistake(item.pointer, open ? "suite 0 lets everybody in without a password" : "no suite served here",
                         remedy);
        return;
    }
    const auto number = static_cast<std::uint8_t>(*suite);
    if (std::ranges::find(out, number) != out.end())
    {
        findings.mistake(item.pointer, "stands here twice", "keep one of them");
        return;
    }
    out.push_back(number);
}

void read_cipher_suites(ObjectReader& reader, std::vector<std::uint8_t>& out)
{
    std::vector<std::uint8_t> suites;
    for (const Place& item : reader.items("cipher_suites", 2, "suites"))
    {
        read_suite(item, reader.findings(), suites);
    }
    if (reader.has("cipher_suites"))
    {
        out = suites;
    }
}

void read_k_g(ObjectReader& reader, Secrets& secrets, std::optional<Bytes>& out)
{
    std::string digits;
    if (!read_secret(reader, "k_g", "k_g_file", secrets, digits))
    {
        return;
    }
    auto key = from_hex(digits);
    if (!key || key->size() != k_g_size)
    {
        const std::string_view place = reader.has("k_g") ? "k_g" : "k_g_file";
        reader.findings().mistake(reader.pointer(place), "the BMC key is not 40 hexadecimal digits",
                                  "make one with: openssl rand -hex 20");
        return;
    }
    out = std::move(*key);
}

} // namespace

void read_lan(ObjectReader reader, Secrets& secrets, Lan& out)
{
    reader.number("channel", out.channel, 1, last_channel);
    read_listen(reader, out.listen);
    read_cipher_suites(reader, out.cipher_suites);
    reader.seconds("idle_timeout", out.idle_timeout, 1, day);
    reader.number("max_sessions", out.max_sessions, 1, 64);
    reader.number("max_half_open", out.max_half_open, 1, 1024);
    reader.number("lockout_failures", out.lockout_failures, 1, 1000);
    reader.seconds("lockout_time", out.lockout_time, 1, day);
    read_k_g(reader, secrets, out.k_g);
    reader.finish();
}

} // namespace fwupdate::config
