#include "bmc-agent/config/bridged_channels.hpp"

#include "bmc-agent/config/document.hpp"
#include "bmc-agent/config/file_text.hpp"
#include "bmc-agent/config/object_reader.hpp"
#include "common/bytes.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t largest_file = 64U << 10U; ///< bytes; the usual one has 6 KiB
constexpr std::size_t longest_word = 64;
constexpr std::uint8_t last_channel = 15;
constexpr std::uint8_t present_channel = 0x0E; ///< "the channel this request came in on": never a channel's number

constexpr std::array sessions_words{
    Word<bool>{"session-less", false},
    Word<bool>{"single-session", true},
    Word<bool>{"multi-session", true},
    Word<bool>{"session-based", true},
};

/// What is behind a channel without sessions, by its medium and its protocol.
BridgeType type_of(std::string_view medium, std::string_view protocol)
{
    if (medium == "ipmb")
    {
        return BridgeType::ipmb;
    }
    if (medium != "system-interface")
    {
        return BridgeType::internal;
    }
    if (protocol.starts_with("bt"))
    {
        return BridgeType::bt;
    }
    return protocol.find("smbus") != std::string_view::npos ? BridgeType::ssif : BridgeType::kcs;
}

std::optional<std::uint8_t> number_of(std::string_view key)
{
    std::uint8_t number = 0;
    const char* const end = key.data() + key.size();
    const auto [rest, error] = std::from_chars(key.data(), end, number);
    const bool whole = error == std::errc{} && rest == end && number <= last_channel;
    return whole && number != present_channel ? std::optional{number} : std::nullopt;
}

BridgeType read_type(ObjectReader info)
{
    bool sessions = false;
    std::string medium;
    std::string protocol;
    info.require("session_supported", "write as ipmid's own file has it");
    info.word("session_supported", sessions, sessions_words);
    info.text("medium_type", medium, longest_word);
    info.text("protocol_type", protocol, longest_word);
    return sessions ? BridgeType::lan : type_of(medium, protocol);
}

/// Nothing: a number that is not in use.
std::optional<BridgedChannel> read_entry(const std::string& key, const Json& value, HostPolicy policy,
                                         Findings& findings)
{
    ObjectReader reader{{&value, pointer_to("", key)}, findings};
    bool valid = true;
    reader.flag("is_valid", valid);
    const auto number = number_of(key);
    if (!valid || !number)
    {
        return std::nullopt;
    }
    BridgedChannel channel;
    channel.number = *number;
    channel.policy = policy;
    reader.require("name", "write the channel's name");
    reader.text("name", channel.name, longest_word);
    reader.require("channel_info", "write as ipmid's own file has it");
    channel.type = read_type(ObjectReader{reader.member("channel_info"), findings});
    return channel;
}

/// Whose number it is already; empty: nobody's.
std::string owner_of(std::uint8_t number, const Config& config)
{
    const auto same_number = [number](const auto& channel) { return channel.number == number; };
    if (number == config.lan.channel)
    {
        return "lan";
    }
    if (std::ranges::count(config.system_interfaces, number, &SystemInterface::channel) != 0)
    {
        return "a system interface";
    }
    const auto& channels = config.dbus_ipmi->channels;
    const auto other = std::ranges::find_if(channels, same_number);
    return other == channels.end() ? std::string{} : other->name;
}

} // namespace

Result<std::vector<BridgedChannel>> parse_channel_config(std::string_view text, std::string_view name,
                                                         HostPolicy policy)
{
    Findings findings;
    std::vector<BridgedChannel> channels;
    const auto document = parse_document(text, findings, Dialect::plain);
    if (document && !document->is_object())
    {
        wrong_type({&*document, {}}, "an object, { ... }", findings);
    }
    else if (document)
    {
        for (const auto& [key, value] : document->items())
        {
            if (auto channel = read_entry(key, value, policy, findings))
            {
                channels.push_back(std::move(*channel));
            }
        }
    }
    if (!findings.clean())
    {
        return fail(ErrorKind::invalid_field, findings.report(name));
    }
    return channels;
}

std::vector<std::string> add_bridged_channels(Config& config)
{
    if (!config.dbus_ipmi || config.dbus_ipmi->channel_config.empty())
    {
        return {};
    }
    DbusIpmi& section = *config.dbus_ipmi;
    const std::string file = printable(section.channel_config.string());
    const auto text = read_file_text(section.channel_config, largest_file);
    if (!text)
    {
        return {file + " " + text.error().text + "; check /dbus_ipmi/channel_config"};
    }
    auto channels = parse_channel_config(text->text, file, section.policy);
    if (!channels)
    {
        return {channels.error().text};
    }
    std::vector<std::string> mistakes;
    for (BridgedChannel& channel : *channels)
    {
        const bool ours = std::ranges::count(section.channels, channel.name, &BridgedChannel::name) != 0;
        if (ours || (section.legacy && channel.number == legacy_channel))
        {
            continue; // btbridge's channel has IPMB's number
        }
        if (const std::string owner = owner_of(channel.number, config); !owner.empty())
        {
            std::string& mistake = mistakes.emplace_back(file);
            mistake.append(": /").append(std::to_string(channel.number)).append(": ").append(printable(channel.name));
            mistake.append(" has the number of ").append(owner);
            mistake.append("; give one of them another, or write it under /dbus_ipmi/channels");
            continue;
        }
        section.channels.push_back(std::move(channel));
    }
    return mistakes;
}

} // namespace fwupdate::config
