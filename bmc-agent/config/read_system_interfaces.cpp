#include "bmc-agent/config/sections.hpp"
#include "bmc-agent/config/values.hpp"

namespace fwupdate::config
{
namespace
{

constexpr std::size_t most_interfaces = 8;
constexpr std::size_t longest_listen = 107; ///< bytes of a Unix socket's path (unix(7))
constexpr std::uint8_t system_interface = 0x0F;
constexpr std::uint8_t last_channel = 11; ///< numbers of implementation-specific channels (IPMI 2.0 section 6.3)

constexpr std::array policy_words{
    Word<HostPolicy>{"full", HostPolicy::full},
    Word<HostPolicy>{"read-only", HostPolicy::read_only},
    Word<HostPolicy>{"off", HostPolicy::off},
};

constexpr std::array type_words{
    Word<HostType>{"vm", HostType::vm},
    Word<HostType>{"kcs", HostType::kcs},
    Word<HostType>{"bt", HostType::bt},
};

constexpr std::uint64_t least_message = 48; ///< the largest request of a fixed length, Begin Transfer, has 44 bytes
constexpr std::uint64_t most_message = 252; ///< beyond, the length byte of BT wraps in Linux's driver

void read_listen(ObjectReader& reader, SystemInterface& out)
{
    constexpr std::string_view remedy = R"(write it like "127.0.0.1:9002" or "/run/bmc-agent/host0")";
    reader.require("listen", remedy);
    std::string text;
    reader.text("listen", text, longest_listen);
    if (text.empty())
    {
        return;
    }
    if (text.starts_with('/'))
    {
        out.listen = std::filesystem::path{text}.lexically_normal();
        return;
    }
    const auto address = parse_listen_address(text);
    if (!address)
    {
        reader.findings().mistake(reader.pointer("listen"), "\"" + text + "\" " + address.error().text, remedy);
        return;
    }
    out.listen = *address;
}

/// Each type has one way to its host; the other's key is a mistake of its own.
void refuse_key(ObjectReader& reader, std::string_view key, std::string_view reason, std::string_view remedy)
{
    if (reader.member(key).value != nullptr)
    {
        reader.findings().mistake(reader.pointer(key), reason, remedy);
    }
}

void read_way(ObjectReader& reader, SystemInterface& out)
{
    if (out.type == HostType::vm)
    {
        read_listen(reader, out);
        refuse_key(reader, "device", "is of no use to type \"vm\", which has no device",
                   R"(write "listen", or the type "kcs" or "bt")");
        return;
    }
    reader.require("device", R"(write the character device, such as "/dev/ipmi-kcs3" or "/dev/ipmi-bt-host")");
    reader.path("device", out.device);
    refuse_key(reader, "listen", "is of no use to a character device, to which nobody connects",
               R"(write "device", or the type "vm")");
}

SystemInterface read_one(ObjectReader reader)
{
    SystemInterface out;
    reader.require("type", R"(write "kcs" or "bt" for a character device of this BMC, "vm" for an emulator)");
    const bool known = reader.word("type", out.type, type_words);
    reader.number("channel", out.channel, 1, system_interface);
    if (out.channel > last_channel && out.channel != system_interface)
    {
        reader.findings().mistake(reader.pointer("channel"), "is no channel of a host", "write 15, or 1 to 11");
    }
    reader.word("policy", out.policy, policy_words);
    reader.number("max_message", out.max_message, least_message, most_message);
    if (!known)
    {
        return out; // which keys belong here, the type says
    }
    read_way(reader, out);
    reader.finish();
    return out;
}

} // namespace

void read_system_interfaces(ObjectReader& parent, std::vector<SystemInterface>& out)
{
    for (const Place& item : parent.items("system_interfaces", most_interfaces, "system interfaces"))
    {
        out.push_back(read_one(ObjectReader{item, parent.findings()}));
    }
}

} // namespace fwupdate::config
