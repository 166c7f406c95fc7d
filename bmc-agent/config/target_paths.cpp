// What the paths of targets may not be: shared, the agent's own, or something that is no file.
#include "bmc-agent/config/sections.hpp"
#include "bmc-agent/targets/file_place.hpp"

#include <algorithm>

namespace fwupdate::config
{
namespace
{

using Path = std::filesystem::path;

/// Every spelling of a place gives the same path; links are known only when the disk may be asked.
Path unified(const Path& path, Surroundings surroundings)
{
    if (surroundings == Surroundings::disk)
    {
        std::error_code error;
        Path resolved = std::filesystem::weakly_canonical(path, error);
        if (!error)
        {
            return resolved;
        }
    }
    return path.lexically_normal();
}

/// The last part is left as it is: a link there is a mistake of its own.
Path unified_file(const Path& file, Surroundings surroundings)
{
    return unified(file.parent_path(), surroundings) / file.filename();
}

bool names_a_file(const Path& path)
{
    const Path name = path.filename();
    return !name.empty() && name != "." && name != "..";
}

bool lies_in(const Path& path, const Path& directory)
{
    return std::ranges::mismatch(directory, path).in1 == directory.end();
}

class PathCheck
{
  public:
    PathCheck(const Config& config, Surroundings surroundings, Findings& findings)
        : config_{config}, surroundings_{surroundings}, findings_{findings}
    {
        for (const Target& target : config.targets)
        {
            paths_.push_back(names_a_file(target.path) ? unified_file(target.path, surroundings) : Path{});
        }
    }

    void run()
    {
        for (std::size_t at = 0; at < paths_.size(); ++at)
        {
            if (!paths_[at].empty())
            {
                check_staging(at);
                check_others(at);
                check_place(at);
            }
            else if (!config_.targets[at].path.empty()) // else it was wrong already
            {
                mistake(at, "does not end in a file's name", "write the file itself, such as /srv/firmware/bios.bin");
            }
        }
    }

  private:
    void mistake(std::size_t at, std::string_view reason, std::string_view remedy)
    {
        findings_.mistake(pointer(at), reason, remedy);
    }
    static std::string pointer(std::size_t at)
    {
        return pointer_to(pointer_to("/targets", std::to_string(at)), "path");
    }

    void check_staging(std::size_t at)
    {
        const Path& directory = config_.staging.directory;
        if (directory.has_relative_path() && lies_in(paths_[at], unified(directory, surroundings_)))
        {
            mistake(at, "lies in the staging directory, which the agent cleans up",
                    "choose a place outside of " + directory.string());
        }
    }

    void check_others(std::size_t at)
    {
        const auto before = paths_.begin() + static_cast<std::ptrdiff_t>(at);
        if (std::find(paths_.begin(), before, paths_[at]) != before)
        {
            mistake(at, "another target replaces this file too", "give each target a file of its own");
        }
        const auto writer = std::ranges::find_if(paths_, [&](const Path& other)
                                                 { return !other.empty() && agent::beside(other) == paths_[at]; });
        if (writer != paths_.end())
        {
            const Target& target = config_.targets[static_cast<std::size_t>(writer - paths_.begin())];
            mistake(at, "is where target \"" + target.name + "\" gathers its new bytes", "choose another name");
        }
    }

    /// Written in place: it must be there, and no file system's node for something else.
    void check_device(std::size_t at)
    {
        const Path& path = config_.targets[at].path;
        std::error_code error;
        const auto status = std::filesystem::status(path, error); // follows links, as updates do
        if (status.type() == std::filesystem::file_type::not_found)
        {
            findings_.warn(pointer(at), "is not there", "it must be, once an update comes");
        }
        else if (status.type() == std::filesystem::file_type::regular)
        {
            findings_.warn(pointer(at), "is a file, which will be written in place",
                           R"(write "type": "file", and it is replaced at once)");
        }
        else if (status.type() != std::filesystem::file_type::block)
        {
            mistake(at, "is no block device", "write one such as /dev/mmcblk0p2, or a link to one");
        }
    }

    void check_place(std::size_t at)
    {
        if (surroundings_ != Surroundings::disk)
        {
            return;
        }
        if (config_.targets[at].type == "block")
        {
            check_device(at);
            return;
        }
        const auto obstacle = agent::obstacle_at(config_.targets[at].path);
        if (obstacle && obstacle->passing)
        {
            findings_.warn(pointer(at), obstacle->reason, obstacle->remedy);
        }
        else if (obstacle)
        {
            mistake(at, obstacle->reason, obstacle->remedy);
        }
    }

    const Config& config_;
    Surroundings surroundings_;
    Findings& findings_;
    std::vector<Path> paths_; ///< unified; empty: names no file
};

} // namespace

void check_target_paths(const Config& config, Surroundings surroundings, Findings& findings)
{
    PathCheck{config, surroundings, findings}.run();
}

} // namespace fwupdate::config
