#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t most_components = 64;               ///< of one target
constexpr std::size_t longest_member = 100;               ///< bytes of a tarball's member's name
constexpr std::size_t longest_version = 64;               ///< bytes, as in Get Target Info
constexpr std::size_t most_targets = protocol::no_target; ///< ids 0..254

constexpr std::array restart_words{
    Word<protocol::Restart>{"bmc", protocol::Restart::bmc},
    Word<protocol::Restart>{"host", protocol::Restart::host},
    Word<protocol::Restart>{"nothing", protocol::Restart::nothing},
};

/// The handlers there are; the word is kept as it stands.
constexpr std::array type_words{Word<std::string_view>{"file", "file"}, Word<std::string_view>{"handover", "handover"}};

void read_restart(ObjectReader reader, RestartAction& out)
{
    reader.require("what", R"(write "bmc", "host" or "nothing")");
    const bool known = reader.word("what", out.what, restart_words);
    reader.command("command", out.command);
    if (out.what != protocol::Restart::nothing)
    {
        reader.require("command", R"(write the program that restarts it, such as ["/usr/bin/systemctl", "reboot"])");
    }
    else if (known && !out.command.empty())
    {
        reader.findings().mistake(reader.pointer("command"), "would never run: nothing is restarted",
                                  R"(remove it, or write "what": "bmc" or "host")");
    }
    reader.finish();
}

void read_version(ObjectReader& reader, Target& out)
{
    reader.path("version_file", out.version_file);
    reader.command("version_command", out.version_command);
    if (reader.has("version_file") && reader.has("version_command"))
    {
        reader.findings().mistake(reader.pointer("version_command"), "stands beside \"version_file\"",
                                  "keep the one that tells the running version");
    }
}

constexpr std::array accepts_words{
    Word<std::uint8_t>{"plain", protocol::accepts_plain},
    Word<std::uint8_t>{"pldm", protocol::accepts_pldm},
    Word<std::uint8_t>{"tarball", protocol::accepts_tarball},
};
constexpr std::array purpose_words{
    Word<package::Purpose>{"BMC", package::Purpose::bmc},       Word<package::Purpose>{"Host", package::Purpose::host},
    Word<package::Purpose>{"System", package::Purpose::system}, Word<package::Purpose>{"PSU", package::Purpose::psu},
    Word<package::Purpose>{"Other", package::Purpose::other},
};

void read_accepts(ObjectReader& reader, std::uint8_t& out)
{
    std::uint8_t accepts = 0;
    for (const Place& item : reader.items("accepts", accepts_words.size(), "forms"))
    {
        std::string text;
        const bool is_text = read_text(item, text, longest_target_name, reader.findings());
        const auto* const word = std::ranges::find(accepts_words, text, &Word<std::uint8_t>::first);
        if (word != accepts_words.end())
        {
            accepts = static_cast<std::uint8_t>(accepts | word->second);
        }
        else if (is_text)
        {
            reader.findings().mistake(item.pointer, "\"" + text + "\" is no form",
                                      R"(write "plain", "pldm" or "tarball")");
        }
    }
    out = reader.has("accepts") ? accepts : out;
}

void read_component(ObjectReader reader, ComponentId& out)
{
    reader.require("classification", "write ComponentClassification as the package has it");
    reader.number("classification", out.classification, 0, 0xFFFF);
    reader.require("identifier", "write ComponentIdentifier as the package has it");
    reader.number("identifier", out.identifier, 0, 0xFFFF);
    reader.finish();
}

/// What of a package is for this target.
void read_packages(ObjectReader& reader, Target& out)
{
    read_accepts(reader, out.accepts);
    for (const Place& item : reader.items("components", most_components, "components"))
    {
        read_component(ObjectReader{item, reader.findings()}, out.components.emplace_back());
    }
    package::Purpose purpose{};
    if (reader.word("purpose", purpose, purpose_words))
    {
        out.purpose = purpose;
    }
    reader.text("member", out.member, longest_member);
    reader.text("minimum_version", out.minimum_version, longest_version);
    reader.number("minimum_security_version", out.minimum_security_version, 0, 0xFFFFFFFE);
    reader.flag("anti_rollback", out.anti_rollback);
}

void read_target(ObjectReader reader, Target& out)
{
    std::string_view type;
    reader.require("id", "write a number of its own, 0 to 254");
    out.id = protocol::no_target;
    reader.number("id", out.id, 0, protocol::no_target - 1);
    reader.require("name", R"(write what people call it, such as "bios")");
    reader.text("name", out.name, longest_target_name);
    reader.require("type", R"(write "file")");
    reader.word("type", type, type_words);
    out.type = type;
    reader.require("path", "write the file that an update replaces");
    reader.path("path", out.path);
    reader.text("blob", out.blob, longest_blob_id);
    read_target_facts(reader, out);
    if (reader.has("actions"))
    {
        read_actions(ObjectReader{reader.member("actions"), reader.findings()}, out.actions);
    }
    reader.finish();
}

/// Tells what two targets may not share. Members that are wrong already are left out.
void check_unique(const std::vector<Target>& before, const Target& target, const std::string& place, Findings& findings)
{
    const auto taken = [&](auto member) { return std::ranges::find(before, target.*member, member) != before.end(); };
    if (target.id != protocol::no_target && taken(&Target::id))
    {
        findings.mistake(pointer_to(place, "id"), "another target has number " + std::to_string(target.id),
                         "give each target a number of its own");
    }
    if (!target.name.empty() && taken(&Target::name))
    {
        findings.mistake(pointer_to(place, "name"), "another target is called \"" + target.name + "\"",
                         "give each target a name of its own");
    }
    for (const ComponentId& component : target.components)
    {
        if (std::ranges::any_of(before, [&](const Target& other)
                                { return std::ranges::find(other.components, component) != other.components.end(); }))
        {
            findings.mistake(pointer_to(place, "components"), "has a component of another target",
                             "name each component at one target");
        }
    }
}

} // namespace

void read_target_facts(ObjectReader& reader, Target& out)
{
    reader.size("max_size", out.max_size, protocol::largest_image);
    if (reader.has("restart"))
    {
        read_restart(ObjectReader{reader.member("restart"), reader.findings()}, out.restart);
    }
    read_version(reader, out);
    read_packages(reader, out);
}

void read_targets(ObjectReader& parent, std::vector<Target>& out)
{
    if (!parent.has("flash_config"))
    {
        parent.require("targets", "write at least one thing that can be updated");
    }
    Findings& findings = parent.findings();
    for (const Place& item : parent.items("targets", most_targets, "targets"))
    {
        Target target;
        read_target(ObjectReader{item, findings}, target);
        check_unique(out, target, item.pointer, findings);
        out.push_back(std::move(target));
    }
}

} // namespace fwupdate::config
