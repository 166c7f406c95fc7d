#include "bmc-agent/config/config.hpp"

#include "common/bytes.hpp"

#include <string>

namespace fwupdate::config
{
namespace
{

std::string_view name_of(ipmi::Privilege privilege)
{
    switch (privilege)
    {
    case ipmi::Privilege::administrator:
        return "administrator";
    case ipmi::Privilege::operator_:
        return "operator";
    default:
        return "user";
    }
}

std::string_view name_of(protocol::Restart restart)
{
    switch (restart)
    {
    case protocol::Restart::bmc:
        return "restarts the BMC";
    case protocol::Restart::host:
        return "restarts the host";
    case protocol::Restart::nothing:
        break;
    }
    return "restarts nothing";
}

std::string size_text(std::uint64_t bytes)
{
    constexpr std::uint64_t mebi = 1ULL << 20;
    return bytes % mebi == 0 ? std::to_string(bytes / mebi) + " MiB" : std::to_string(bytes) + " bytes";
}

std::string place_of(const Target& target)
{
    std::string text;
    for (const Slot& slot : target.slots ? target.slots->places : std::vector<Slot>{})
    {
        text += (text.empty() ? "slot " : " or slot ") + slot.name + " at " + slot.path.string();
    }
    if (target.slots)
    {
        return text;
    }
    text = printable(target.path.string());
    text += target.type == "handover" ? " (for its action)" : target.type == "file" ? "" : " (" + target.type + ")";
    text += target.offset != 0 ? " from byte " + std::to_string(target.offset) : "";
    return text + (target.size != 0 ? ", " + size_text(target.size) + " of it" : "");
}

std::string lan_lines(const Lan& lan)
{
    std::string text;
    for (const ListenAddress& listen : lan.listen)
    {
        const bool ipv6 = listen.address.find(':') != std::string::npos;
        const std::string address = ipv6 ? "[" + listen.address + "]" : listen.address;
        text += "listens on " + address + ":" + std::to_string(listen.port) + "\n";
    }
    text += "cipher suites";
    for (const std::uint8_t suite : lan.cipher_suites)
    {
        text += " " + std::to_string(suite);
    }
    return text + "\n";
}

std::string_view name_of(HostPolicy policy)
{
    switch (policy)
    {
    case HostPolicy::full:
        return "may do everything";
    case HostPolicy::read_only:
        return "may only ask";
    case HostPolicy::off:
        break;
    }
    return "is not served";
}

std::string place_of(const SystemInterface& host)
{
    if (host.type != HostType::vm)
    {
        return host.device.string() + (host.type == HostType::kcs ? " (KCS)" : " (BT)");
    }
    const auto* const address = std::get_if<ListenAddress>(&host.listen);
    return address != nullptr ? address->address + " port " + std::to_string(address->port)
                              : std::get<std::filesystem::path>(host.listen).string();
}

std::string host_line(const SystemInterface& host)
{
    return "host at " + place_of(host) + ", channel " + std::to_string(host.channel) + ", " +
           std::string{name_of(host.policy)} + "\n";
}

std::string_view name_of(BridgeType type)
{
    switch (type)
    {
    case BridgeType::lan:
        return "another server's sessions";
    case BridgeType::kcs:
        return "a host's KCS";
    case BridgeType::bt:
        return "a host's BT";
    case BridgeType::ssif:
        return "a host's SSIF";
    case BridgeType::ipmb:
        return "IPMB";
    case BridgeType::internal:
        break;
    }
    return "programs of the BMC";
}

std::string software_line(const Software& section)
{
    return "versions on D-Bus as OpenBMC " +
           std::string{section.layout == SoftwareLayout::current ? "shows them today" : "showed them in 2020"} +
           ", uploads in " + printable(section.upload_directory.string()) + "\n";
}

std::string dbus_lines(const DbusIpmi& section)
{
    std::string text = "IPMI over D-Bus as " + section.name + "\n";
    for (const BridgedChannel& channel : section.channels)
    {
        text += "  " + printable(channel.name) + ": " + std::string{name_of(channel.type)} + ", channel " +
                std::to_string(channel.number) + ", " + std::string{name_of(channel.policy)} + "\n";
    }
    if (section.legacy)
    {
        text += "  org.openbmc.HostIpmi: channel " + std::to_string(legacy_channel) + ", " +
                std::string{name_of(section.policy)} + "\n";
    }
    return text;
}

std::string network_line(const network::Settings& settings)
{
    std::string schemes;
    for (const network::Scheme scheme : settings.schemes)
    {
        schemes += (schemes.empty() ? "" : ", ") + std::string{network::name_of(scheme)};
    }
    return "fetches " + schemes +
           (settings.require_digest ? "; an image by http, tftp or ftp only with its SHA-256" : "") +
           (settings.proxy.empty() ? "" : "; through a proxy") + "\n";
}

} // namespace

std::string summary(const Config& config)
{
    std::string text = lan_lines(config.lan);
    for (const SystemInterface& host : config.system_interfaces)
    {
        text += host_line(host);
    }
    if (config.dbus_ipmi)
    {
        text += dbus_lines(*config.dbus_ipmi);
    }
    if (config.software)
    {
        text += software_line(*config.software);
    }
    if (config.ship_level)
    {
        text += "a minimum ship level of " + std::to_string(config.ship_level->rules.size()) + " rules, its setting " +
                (config.ship_level->foreign_setting ? "that of phosphor-settingsd\n"
                                                    : "in " + printable(config.ship_level->settings.string()) + "\n");
    }
    if (config.usb)
    {
        text += "a USB drive for the host, on " +
                (config.usb->controller.empty() ? "the first free controller" : printable(config.usb->controller)) +
                "\n";
    }
    if (config.network)
    {
        text += network_line(*config.network);
    }
    text += config.verification.signature_required ? "programs only what is signed by whom it trusts\n"
                                                   : "programs what nobody vouches for\n";
    for (const User& user : config.users)
    {
        text += "user \"" + printable(user.name) + "\", " + std::string{name_of(user.limit)} + "\n";
    }
    for (const Target& target : config.targets)
    {
        const auto size = target.max_size != 0 ? target.max_size : config.staging.max_image_size;
        text += "target " + std::to_string(target.id) + " \"" + printable(target.name) + "\"" +
                (target.id == config.default_target ? " (default)" : "") + ", " + place_of(target) + ", up to " +
                size_text(size) + ", " + std::string{name_of(target.restart.what)} + "\n";
    }
    text += "stages in " + config.staging.directory.string() + ", up to " + size_text(config.staging.max_image_size) +
            (config.staging.persistent ? ", kept over a restart" : ", lost at a restart") + "\n";
    return text;
}

} // namespace fwupdate::config
