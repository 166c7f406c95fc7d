#include "bmc-agent/config/sections.hpp"

#include <algorithm>

namespace fwupdate::config
{

namespace
{

constexpr std::size_t most_directories = 8;
constexpr std::size_t most_targets = 64;

/// What phosphor-ipmi-flash's configuration cannot say of a blob.
void read_blob(ObjectReader reader, Target& out)
{
    reader.require("blob", "write the id as it is configured, such as \"/flash/bios\"");
    reader.text("blob", out.blob, longest_blob_id);
    out.id = protocol::no_target;
    reader.number("id", out.id, 0, protocol::no_target - 1);
    reader.text("name", out.name, longest_target_name);
    read_target_facts(reader, out);
    reader.finish();
}

void read_blobs(ObjectReader& reader, std::vector<Target>& out)
{
    for (const Place& item : reader.items("targets", most_targets, "targets"))
    {
        Target target;
        read_blob(ObjectReader{item, reader.findings()}, target);
        if (std::ranges::find(out, target.blob, &Target::blob) != out.end())
        {
            reader.findings().mistake(pointer_to(item.pointer, "blob"), "\"" + target.blob + "\" stands here twice",
                                      "keep one of them");
        }
        out.push_back(std::move(target));
    }
}

} // namespace

void read_flash_directories(ObjectReader reader, FlashDirectories& out)
{
    const auto items = reader.items("directories", most_directories, "directories");
    if (reader.has("directories"))
    {
        out.directories.clear();
    }
    for (const Place& item : items)
    {
        std::filesystem::path directory;
        if (!read_path(item, directory, reader.findings()))
        {
            continue;
        }
        if (std::ranges::find(out.directories, directory) != out.directories.end())
        {
            reader.findings().mistake(item.pointer, "\"" + directory.string() + "\" stands here twice",
                                      "keep one of them");
            continue;
        }
        out.directories.push_back(std::move(directory));
    }
    read_blobs(reader, out.targets);
    reader.finish();
}

} // namespace fwupdate::config
