#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t longest_name = 32;                  ///< bytes, as in Get Target Info
constexpr std::size_t most_targets = protocol::no_target; ///< ids 0..254

constexpr std::array restart_words{
    Word<protocol::Restart>{"bmc", protocol::Restart::bmc},
    Word<protocol::Restart>{"host", protocol::Restart::host},
    Word<protocol::Restart>{"nothing", protocol::Restart::nothing},
};

/// The handlers there are; the word is kept as it stands.
constexpr std::array type_words{Word<std::string_view>{"file", "file"}};

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

void read_target(ObjectReader reader, Target& out)
{
    std::string_view type;
    reader.require("id", "write a number of its own, 0 to 254");
    out.id = protocol::no_target;
    reader.number("id", out.id, 0, protocol::no_target - 1);
    reader.require("name", R"(write what people call it, such as "bios")");
    reader.text("name", out.name, longest_name);
    reader.require("type", R"(write "file")");
    reader.word("type", type, type_words);
    out.type = type;
    reader.require("path", "write the file that an update replaces");
    reader.path("path", out.path);
    reader.size("max_size", out.max_size, protocol::largest_image);
    if (reader.has("restart"))
    {
        read_restart(ObjectReader{reader.member("restart"), reader.findings()}, out.restart);
    }
    read_version(reader, out);
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
}

} // namespace

void read_targets(ObjectReader& parent, std::vector<Target>& out)
{
    parent.require("targets", "write at least one thing that can be updated");
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
