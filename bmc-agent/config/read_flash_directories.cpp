#include "bmc-agent/config/sections.hpp"

#include <algorithm>

namespace fwupdate::config
{

void read_flash_directories(ObjectReader reader, FlashDirectories& out)
{
    constexpr std::size_t most_directories = 8;
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
    reader.finish();
}

} // namespace fwupdate::config
