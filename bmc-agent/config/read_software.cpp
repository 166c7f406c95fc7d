// The section "software": how versions are shown on D-Bus.
#include "bmc-agent/config/sections.hpp"

#include <algorithm>
#include <array>
#include <regex>

namespace fwupdate::config
{
namespace
{

constexpr std::size_t longest_path = 255;    ///< bytes of an object path
constexpr std::size_t longest_name = 32;     ///< bytes of an id's name
constexpr std::size_t longest_version = 128; ///< bytes
constexpr std::size_t longest_pattern = 512; ///< bytes
constexpr std::size_t most_sets = 8;
constexpr std::size_t most_images = 16;    ///< of a set
constexpr std::size_t longest_image = 100; ///< bytes, as in a tarball
constexpr unsigned pattern_groups = 4;     ///< least: 2, 3 and 4 are major, minor and revision

constexpr std::array layout_words{Word<SoftwareLayout>{"2020", SoftwareLayout::era_2020},
                                  Word<SoftwareLayout>{"current", SoftwareLayout::current}};
constexpr std::array id_words{
    Word<IdRule>{"readme", IdRule::readme},   Word<IdRule>{"readme-purpose", IdRule::readme_purpose},
    Word<IdRule>{"version", IdRule::version}, Word<IdRule>{"salted", IdRule::salted},
    Word<IdRule>{"random", IdRule::random},   Word<IdRule>{"named", IdRule::named},
};
constexpr std::array installed_words{
    Word<IdRule>{"readme", IdRule::readme}, Word<IdRule>{"readme-purpose", IdRule::readme_purpose},
    Word<IdRule>{"version", IdRule::version}, Word<IdRule>{"location", IdRule::location}};
constexpr std::array settings_words{Word<bool>{"own", false}, Word<bool>{"bus", true}};
constexpr std::array association_words{Word<bool>{"mapper", false}, Word<bool>{"own", true}};

struct TimeWord
{
    std::string_view word;
    ApplyTime time{};
};
constexpr std::array time_words{TimeWord{"immediate", ApplyTime::immediate}, TimeWord{"on-reset", ApplyTime::on_reset},
                                TimeWord{"on-activation-request", ApplyTime::on_activation_request}};

bool is_word(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '_';
}

void read_id_name(ObjectReader& reader, Software& out)
{
    reader.text("id_name", out.id_name, longest_name);
    if (!std::ranges::all_of(out.id_name, is_word))
    {
        reader.findings().mistake(reader.pointer("id_name"), "would not be part of an object path",
                                  "write letters, digits and _ only");
    }
}

void read_apply_times(ObjectReader& reader, Software& out)
{
    const auto items = reader.items("apply_times", time_words.size(), "apply times");
    if (reader.has("apply_times"))
    {
        out.apply_times.clear();
    }
    for (const Place& item : items)
    {
        std::string text;
        if (!read_text(item, text, longest_name, reader.findings()))
        {
            continue;
        }
        const auto* const found = std::ranges::find(time_words, text, &TimeWord::word);
        if (found == time_words.end())
        {
            reader.findings().mistake(item.pointer, "\"" + text + "\" is no apply time",
                                      R"(write "immediate", "on-reset" or "on-activation-request")");
            continue;
        }
        out.apply_times.push_back(found->time);
    }
}

void read_image_sets(ObjectReader& reader, Software& out)
{
    const auto sets = reader.items("image_sets", most_sets, "sets of images");
    if (reader.has("image_sets"))
    {
        out.image_sets.clear();
    }
    for (const Place& set : sets)
    {
        if (!set.value->is_array() || set.value->empty() || set.value->size() > most_images)
        {
            reader.findings().mistake(set.pointer, "is not a list of images", R"(write such as ["image-bmc"])");
            continue;
        }
        auto& names = out.image_sets.emplace_back();
        for (const Json& name : *set.value)
        {
            const Place place{&name, pointer_to(set.pointer, std::to_string(names.size()))};
            read_text(place, names.emplace_back(), longest_image, reader.findings());
        }
    }
}

/// Told here, so that the agent never starts with a rule that can't be used.
void check_pattern(const ObjectReader& reader, const std::string& pattern)
{
    try
    {
        const std::regex compiled{pattern, std::regex::extended};
        if (compiled.mark_count() < pattern_groups)
        {
            reader.findings().mistake(reader.pointer("pattern"), "has fewer than four groups",
                                      "put () around major, minor and revision, behind a first group");
        }
    }
    catch (const std::regex_error& error)
    {
        reader.findings().mistake(reader.pointer("pattern"),
                                  std::string{"is not a POSIX extended expression: "} + error.what(), "correct it");
    }
}

void read_least_version(ObjectReader reader, LeastBmcVersion& out)
{
    reader.require("version", "write the least version of a BMC image");
    reader.text("version", out.version, longest_version);
    reader.require("pattern", "write an expression whose groups 2, 3 and 4 are major, minor and revision");
    reader.text("pattern", out.pattern, longest_pattern);
    if (!out.pattern.empty())
    {
        check_pattern(reader, out.pattern);
    }
    reader.finish();
}

} // namespace

bool is_object_path(std::string_view path)
{
    bool after_slash = false;
    for (const char letter : path)
    {
        if (letter != '/' && !is_word(letter))
        {
            return false;
        }
        if (letter == '/' && after_slash)
        {
            return false;
        }
        after_slash = letter == '/';
    }
    return path.size() > 1 && path.front() == '/' && !after_slash;
}

void read_object_path(ObjectReader& reader, std::string_view key, std::string& out)
{
    reader.text(key, out, longest_path);
    if (!out.empty() && !is_object_path(out))
    {
        reader.findings().mistake(reader.pointer(key), "is not a D-Bus object path",
                                  "write such as /xyz/openbmc_project/inventory/system/bmc");
    }
}

void read_software(ObjectReader reader, Software& out)
{
    reader.word("layout", out.layout, layout_words);
    reader.word("id", out.upload_id, id_words);
    reader.word("installed_id", out.installed_id, installed_words);
    read_id_name(reader, out);
    reader.path("upload_directory", out.upload_directory);
    read_object_path(reader, "inventory", out.inventory);
    reader.word("associations", out.own_associations, association_words);
    reader.number("max_active", out.most_active, 1, 16);
    read_apply_times(reader, out);
    read_image_sets(reader, out);
    reader.word("settings", out.foreign_settings, settings_words);
    reader.flag("reboot_guard", out.reboot_guard);
    if (const Place least = reader.member("minimum_bmc_version"); least.value != nullptr)
    {
        read_least_version(ObjectReader{least, reader.findings()}, out.least_bmc_version.emplace());
    }
    reader.finish();
}

} // namespace fwupdate::config
