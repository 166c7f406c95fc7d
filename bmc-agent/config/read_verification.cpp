#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t longest_name = 256;    ///< bytes, as in a MANIFEST
constexpr std::size_t most_names = 16;       ///< compatible names
constexpr std::size_t most_descriptors = 64; ///< of one machine
constexpr std::size_t most_patterns = 16;
constexpr std::size_t longest_pattern = 512; ///< bytes, as package::VersionPattern has it
constexpr std::size_t longest_data = 255;    ///< bytes of a descriptor

constexpr std::array signature_words{Word<bool>{"required", true}, Word<bool>{"optional", false}};
constexpr std::array time_words{Word<bool>{"clock", false}, Word<bool>{"signing-time", true}};
constexpr std::array group_words{
    Word<package::GroupKind>{"number", package::GroupKind::number},
    Word<package::GroupKind>{"label", package::GroupKind::label},
    Word<package::GroupKind>{"ignored", package::GroupKind::ignored},
};

enum class Forceable : std::uint8_t
{
    downgrade,
    machine,
};
constexpr std::array force_words{Word<Forceable>{"downgrade", Forceable::downgrade},
                                 Word<Forceable>{"machine", Forceable::machine}};

/// One of the words in an array; false: a mistake.
template <class Enum, std::size_t Count>
bool word_of(const Place& item, const std::array<Word<Enum>, Count>& words, Enum& out, Findings& findings)
{
    std::string text;
    if (!read_text(item, text, longest_name, findings))
    {
        return false;
    }
    for (const auto& [name, value] : words)
    {
        if (name == text)
        {
            out = value;
            return true;
        }
    }
    findings.mistake(item.pointer, "\"" + text + "\" is not known here", "see bmc-agent.conf(5)");
    return false;
}

void read_force(ObjectReader& reader, Verification& out)
{
    for (const Place& item : reader.items("force_allows", force_words.size(), "words"))
    {
        Forceable what{};
        if (word_of(item, force_words, what, reader.findings()))
        {
            (what == Forceable::downgrade ? out.force_allows_downgrade : out.force_allows_machine) = true;
        }
    }
}

void read_pattern(ObjectReader reader, package::VersionPattern& out)
{
    reader.require("pattern", "write a regular expression with groups");
    reader.text("pattern", out.expression, longest_pattern);
    for (const Place& item : reader.items("groups", most_names, "kinds of groups"))
    {
        package::GroupKind kind{};
        if (word_of(item, group_words, kind, reader.findings()))
        {
            out.groups.push_back(kind);
        }
    }
    reader.finish();
}

void read_patterns(ObjectReader& reader, Verification& out)
{
    for (const Place& item : reader.items("version_patterns", most_patterns, "patterns"))
    {
        read_pattern(ObjectReader{item, reader.findings()}, out.version_patterns.emplace_back());
    }
    if (std::ranges::any_of(out.version_patterns,
                            [](const package::VersionPattern& pattern) { return pattern.expression.empty(); }) ||
        out.version_patterns.empty())
    {
        return; // told already, or nothing to look at
    }
    if (const auto scheme = package::VersionScheme::from_patterns(out.version_patterns); !scheme)
    {
        reader.findings().mistake(reader.pointer("version_patterns"), scheme.error().text, "correct the pattern");
    }
}

void read_descriptor(ObjectReader reader, MachineDescriptor& out)
{
    std::string hex;
    reader.require("type", "write the descriptor's type, such as 2 for a UUID");
    reader.number("type", out.type, 0, 0xFFFF);
    reader.text("title", out.title, longest_data);
    reader.require("data", "write the descriptor's bytes in hexadecimal, as the package has them");
    reader.text("data", hex, 2 * longest_data);
    auto data = from_hex(hex);
    if (!hex.empty() && (!data || data->empty()))
    {
        reader.findings().mistake(reader.pointer("data"), "is not hexadecimal", "write two digits for each byte");
        return;
    }
    out.data = data ? std::move(*data) : Bytes{};
    reader.finish();
}

} // namespace

void read_verification(ObjectReader reader, Verification& out)
{
    reader.word("signature", out.signature_required, signature_words);
    reader.path("roots", out.roots);
    reader.path("revocation_lists", out.revocation_lists);
    reader.path("system_keys", out.system_keys);
    reader.word("time", out.by_signing_time, time_words);
    reader.flag("no_downgrade", out.no_downgrade);
    read_force(reader, out);
    read_patterns(reader, out);
    if (out.signature_required && !reader.has("roots") && !reader.has("system_keys"))
    {
        reader.findings().mistake(reader.pointer(), "wants signatures, but trusts nobody's",
                                  R"(write "roots" (PEM certificates) or "system_keys", or "signature": "optional")");
    }
    if (!out.signature_required)
    {
        reader.findings().warn(reader.pointer("signature"), "images that nobody vouches for are programmed",
                               R"(give "roots", and leave "signature" out)");
    }
    if (!out.revocation_lists.empty() && out.roots.empty())
    {
        reader.findings().mistake(reader.pointer("revocation_lists"), "has no use without \"roots\"", "write both");
    }
    reader.finish();
}

void read_machine(ObjectReader reader, Machine& out)
{
    Findings& findings = reader.findings();
    reader.text("name", out.name, longest_name);
    for (const Place& item : reader.items("compatible", most_names, "names"))
    {
        std::string name;
        if (read_text(item, name, longest_name, findings))
        {
            out.compatible.push_back(std::move(name));
        }
    }
    for (const Place& item : reader.items("descriptors", most_descriptors, "descriptors"))
    {
        read_descriptor(ObjectReader{item, findings}, out.descriptors.emplace_back());
    }
    reader.finish();
}

} // namespace fwupdate::config
