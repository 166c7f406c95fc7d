#include "bmc-agent/ship-level/machine_view.hpp"

#include "bmc-agent/config/file_text.hpp"

#include <algorithm>
#include <system_error>

namespace fwupdate::agent::ship_level
{

Result<std::string> DiskView::read(const std::filesystem::path& file) const
{
    constexpr std::size_t largest = 64UL * 1024; // bytes
    auto whole = config::read_file_text(file, largest);
    return whole ? Result<std::string>{std::move(whole->text)} : whole.error();
}

bool DiskView::exists(const std::filesystem::path& file) const
{
    std::error_code error;
    return std::filesystem::exists(file, error) && !error;
}

std::vector<std::filesystem::path> DiskView::list(const std::filesystem::path& directory) const
{
    std::vector<std::filesystem::path> entries;
    std::error_code error;
    for (std::filesystem::directory_iterator entry{directory, error}, end; !error && entry != end;
         entry.increment(error))
    {
        entries.push_back(entry->path());
    }
    std::ranges::sort(entries);
    return entries;
}

} // namespace fwupdate::agent::ship_level
