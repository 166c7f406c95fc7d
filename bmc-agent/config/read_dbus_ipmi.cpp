#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t most_channels = 13;
constexpr std::size_t longest_bus_name = 255; ///< bytes (D-Bus specification, "Valid Names")
constexpr std::size_t longest_channel_name = 64;
constexpr std::uint8_t last_bridge = 11; ///< numbers of implementation-specific channels (IPMI 2.0 section 6.3)
constexpr std::uint8_t system_interface = 0x0F;
constexpr std::uint64_t least_message = 48; ///< the largest request of a fixed length, Begin Transfer, has 44 bytes

constexpr std::array policy_words{
    Word<HostPolicy>{"full", HostPolicy::full},
    Word<HostPolicy>{"read-only", HostPolicy::read_only},
    Word<HostPolicy>{"off", HostPolicy::off},
};

constexpr std::array type_words{
    Word<BridgeType>{"lan", BridgeType::lan},   Word<BridgeType>{"kcs", BridgeType::kcs},
    Word<BridgeType>{"bt", BridgeType::bt},     Word<BridgeType>{"ssif", BridgeType::ssif},
    Word<BridgeType>{"ipmb", BridgeType::ipmb}, Word<BridgeType>{"internal", BridgeType::internal},
};

bool is_name_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '_' || letter == '-';
}

/// One part of a bus name.
bool is_element(std::string_view text)
{
    return !text.empty() && (text.front() < '0' || text.front() > '9') && std::ranges::all_of(text, is_name_letter);
}

/// Two parts at least, with dots between.
bool is_bus_name(std::string_view text)
{
    std::size_t parts = 0;
    for (std::size_t end = 0; end != std::string_view::npos; ++parts)
    {
        end = text.find('.');
        if (!is_element(text.substr(0, end)))
        {
            return false;
        }
        text.remove_prefix(end == std::string_view::npos ? 0 : end + 1);
    }
    return parts >= 2;
}

BridgedChannel read_channel(ObjectReader reader, const DbusIpmi& section)
{
    Findings& findings = reader.findings();
    BridgedChannel out;
    out.policy = section.policy;
    reader.require("name", R"(write the last part of its bridge's bus name, such as "ipmi_kcs3" or "eth0")");
    reader.text("name", out.name, longest_channel_name);
    if (!out.name.empty() && !std::ranges::all_of(out.name, is_name_letter))
    {
        findings.mistake(reader.pointer("name"), "\"" + out.name + "\" is no part of a bus name",
                         "write letters, digits and _ only");
    }
    reader.require("channel", "write its number: 0 to 11, or 15");
    reader.number("channel", out.number, 0, system_interface);
    if (out.number > last_bridge && out.number != system_interface)
    {
        findings.mistake(reader.pointer("channel"), "is no channel's number", "write 0 to 11, or 15");
    }
    reader.require("type", R"(write what is behind it: "lan", "kcs", "bt", "ssif", "ipmb" or "internal")");
    reader.word("type", out.type, type_words);
    reader.word("policy", out.policy, policy_words);
    const bool bounded = reader.has("max_message");
    out.max_message = bounded ? least_message : 0;
    reader.number("max_message", out.max_message, least_message, protocol::largest_base_write_lan);
    reader.finish();
    return out;
}

void read_channels(ObjectReader& reader, DbusIpmi& out)
{
    for (const Place& item : reader.items("channels", most_channels, "channels"))
    {
        BridgedChannel channel = read_channel(ObjectReader{item, reader.findings()}, out);
        if (!channel.name.empty() && std::ranges::count(out.channels, channel.name, &BridgedChannel::name) != 0)
        {
            reader.findings().mistake(pointer_to(item.pointer, "name"), "\"" + channel.name + "\" stands here twice",
                                      "write each channel once");
        }
        out.channels.push_back(std::move(channel));
    }
}

} // namespace

void read_dbus_ipmi(ObjectReader reader, DbusIpmi& out)
{
    reader.text("name", out.name, longest_bus_name);
    if (!is_bus_name(out.name))
    {
        reader.findings().mistake(reader.pointer("name"), "\"" + out.name + "\" is no bus name",
                                  R"(write one such as "xyz.openbmc_project.Ipmi.Host")");
    }
    reader.flag("legacy", out.legacy);
    reader.word("policy", out.policy, policy_words);
    reader.path("channel_config", out.channel_config);
    read_channels(reader, out);
    if (!out.legacy && !reader.has("channels") && !reader.has("channel_config"))
    {
        reader.require("channels",
                       R"(write them, or "channel_config": "/usr/share/ipmi-providers/channel_config.json")");
    }
    reader.finish();
}

} // namespace fwupdate::config
