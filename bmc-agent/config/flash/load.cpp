// The shell: directories to files to text.
#include "bmc-agent/config/file_text.hpp"
#include "bmc-agent/config/flash/entries.hpp"
#include "common/bytes.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <system_error>

namespace fwupdate::config::flash
{
namespace
{

using Path = std::filesystem::path;

constexpr std::size_t largest_file = 64U << 10U; ///< bytes; a configuration has some kilobytes
constexpr std::size_t most_names = 1024;         ///< in and below one directory, of any kind
constexpr std::size_t most_files = 256;          ///< of all directories
constexpr std::size_t deepest = 8;               ///< directories in each other

/// One directory with all below it.
class Walk
{
  public:
    explicit Walk(FlashConfig& out) : out_{out} {}

    void run(const Path& root)
    {
        names_ = 0;
        std::error_code error;
        const auto status = std::filesystem::status(root, error);
        if (status.type() == std::filesystem::file_type::not_found)
        {
            return;
        }
        enter(root, 1);
    }

  private:
    void mistake(const Path& place, std::string_view reason, std::string_view remedy)
    {
        out_.mistakes.push_back(printable(place.string()) + ": " + std::string{reason} + "; " + std::string{remedy});
    }

    /// Whoever adds a file decides what is started.
    bool only_for_some(const Path& place, std::filesystem::perms mode)
    {
        const bool open = (mode & std::filesystem::perms::others_write) != std::filesystem::perms::none;
        if (open)
        {
            mistake(place, "everybody may write here, and it is left out", "chmod o-w " + printable(place.string()));
        }
        return !open;
    }

    void enter(const Path& directory, std::size_t depth)
    {
        if (depth > deepest)
        {
            mistake(directory, "lies too deep", "move its files up");
            return;
        }
        std::error_code error;
        const auto status = std::filesystem::status(directory, error);
        std::filesystem::directory_iterator entry{directory, error};
        if (error)
        {
            mistake(directory, "can't be read: " + error.message(), "make it a directory that the agent may read");
            return;
        }
        if (only_for_some(directory, status.permissions()))
        {
            read_all(sorted(std::move(entry), directory), depth);
        }
    }

    /// By name: the order of readdir(3) is anyone's guess.
    std::vector<std::filesystem::directory_entry> sorted(std::filesystem::directory_iterator entry,
                                                         const Path& directory)
    {
        std::vector<std::filesystem::directory_entry> entries;
        std::error_code error;
        for (; entry != std::filesystem::directory_iterator{} && names_ <= most_names; entry.increment(error))
        {
            entries.push_back(*entry);
            ++names_;
        }
        if (error)
        {
            mistake(directory, "can't be read to its end: " + error.message(), "see the system's log");
        }
        if (names_ > most_names)
        {
            mistake(directory, "holds too much; not everything is read", "leave only configuration there");
        }
        std::ranges::sort(entries, {}, &std::filesystem::directory_entry::path);
        return entries;
    }

    void read_all(const std::vector<std::filesystem::directory_entry>& entries, std::size_t depth)
    {
        for (const auto& entry : entries)
        {
            std::error_code ignored; // what can't be asked for its kind tells so when it is opened
            const auto type = entry.symlink_status(ignored).type();
            if (type == std::filesystem::file_type::directory) // not through links, as there may be circles
            {
                enter(entry.path(), depth + 1);
            }
            else if (entry.path().extension() == ".json")
            {
                read(entry.path());
            }
        }
    }

    void read(const Path& file)
    {
        if (++files_ > most_files)
        {
            mistake(file, "is one file too many and left out", "leave at most " + std::to_string(most_files));
            return;
        }
        const auto whole = read_file_text(file, largest_file);
        if (!whole)
        {
            mistake(file, whole.error().text, "correct or remove it");
        }
        else if (only_for_some(file, static_cast<std::filesystem::perms>(whole->mode)))
        {
            add_file(whole->text, file, out_);
        }
    }

    FlashConfig& out_;
    std::size_t names_{}; ///< seen below the present root
    std::size_t files_{};
};

} // namespace

FlashConfig load(const std::vector<Path>& directories)
{
    FlashConfig config;
    Walk walk{config};
    for (const Path& directory : directories)
    {
        walk.run(directory);
    }
    settle_ids(config);
    return config;
}

} // namespace fwupdate::config::flash
