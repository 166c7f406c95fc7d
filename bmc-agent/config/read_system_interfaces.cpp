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

constexpr std::array type_words{Word<std::string_view>{"vm", "vm"}};

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

SystemInterface read_one(ObjectReader reader)
{
    SystemInterface out;
    std::string_view type;
    reader.require("type", R"(write "vm": an emulator's BMC device connects to us)");
    reader.word("type", type, type_words);
    reader.number("channel", out.channel, 1, system_interface);
    if (out.channel > last_channel && out.channel != system_interface)
    {
        reader.findings().mistake(reader.pointer("channel"), "is no channel of a host", "write 15, or 1 to 11");
    }
    read_listen(reader, out);
    reader.word("policy", out.policy, policy_words);
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
