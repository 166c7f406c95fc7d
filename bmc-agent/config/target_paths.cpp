// What the paths of targets may not be: shared, the agent's own, or something that is no file.
#include "bmc-agent/config/sections.hpp"
#include "bmc-agent/targets/device_place.hpp"
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

bool is_device(std::string_view type)
{
    return type == "block" || type == "mtd";
}

/// Links to devices are followed, and names looked up, as programming does.
Path unified_place(const Path& path, std::string_view type, Surroundings surroundings)
{
    if (!is_device(type))
    {
        return unified_file(path, surroundings);
    }
    const bool named = path.string().starts_with(agent::mtd_name_prefix);
    const auto device = surroundings == Surroundings::disk ? agent::mtd_path(path) : path;
    return named && (!device || *device == path) ? path : unified(*device, surroundings);
}

std::optional<agent::Obstacle> obstacle_of(std::string_view type, const Path& path)
{
    return type == "block" ? agent::block_obstacle(path)
           : type == "mtd" ? agent::mtd_obstacle(path)
                           : agent::obstacle_at(path);
}

/// A place that an update replaces: a target's, or one of its slots'.
struct Written
{
    std::string pointer;    ///< to its path
    std::string target;     ///< name
    std::string type;       ///< of the handler that writes it
    std::string slot_of;    ///< pointer to the target that has it as a slot; empty: it is the target's only place
    Path path;              ///< as configured
    Path unified;           ///< empty: names no file
    std::uint64_t offset{}; ///< bytes; of a part of a block device
    std::uint64_t size{};   ///< bytes; 0: to its end
};

/// Whether an update of the one would change the other.
bool overlap(const Written& one, const Written& other, Surroundings surroundings)
{
    const bool parts = one.type == "block" && other.type == "block";
    const auto extent = [&](const Written& place)
    {
        const auto on_disk = parts && surroundings == Surroundings::disk
                                 ? agent::disk_extent(place.unified, place.offset, place.size)
                                 : std::nullopt;
        const std::uint64_t end = place.size == 0 ? UINT64_MAX : place.offset + place.size;
        return on_disk.value_or(agent::DiskExtent{0, place.offset, end});
    };
    const agent::DiskExtent here = extent(one);
    const agent::DiskExtent there = extent(other);
    const bool same_place = one.unified == other.unified;
    return parts && (same_place || here.disk != 0) ? here.overlaps(there) : same_place;
}

class PathCheck
{
  public:
    PathCheck(const Config& config, Surroundings surroundings, Findings& findings)
        : config_{config}, surroundings_{surroundings}, findings_{findings}
    {
        for (std::size_t at = 0; at < config.targets.size(); ++at)
        {
            add(config.targets[at], pointer_to("/targets", std::to_string(at)));
        }
    }

    void run()
    {
        for (std::size_t at = 0; at < places_.size(); ++at)
        {
            if (!places_[at].unified.empty())
            {
                check_staging(at);
                check_others(at);
                check_place(at);
            }
            else if (!places_[at].path.empty()) // else it was wrong already
            {
                mistake(at, "does not end in a file's name", "write the file itself, such as /srv/firmware/bios.bin");
            }
        }
    }

  private:
    void add(const Target& target, const std::string& pointer)
    {
        const auto add_place =
            [&](const Path& path, const std::string& type, const std::string& parent, const std::string& slot_of)
        {
            places_.push_back({pointer_to(parent, "path"), target.name, type, slot_of, path,
                               names_a_file(path) ? unified_place(path, type, surroundings_) : Path{}, target.offset,
                               target.size});
        };
        if (!target.slots)
        {
            add_place(target.path, target.type, pointer, {});
            return;
        }
        for (std::size_t slot = 0; slot < target.slots->places.size(); ++slot)
        {
            add_place(target.slots->places[slot].path, target.slots->places[slot].type,
                      pointer_to(pointer_to(pointer, "slots"), std::to_string(slot)), pointer);
        }
    }

    void mistake(std::size_t at, std::string_view reason, std::string_view remedy)
    {
        findings_.mistake(places_[at].pointer, reason, remedy);
    }

    void check_staging(std::size_t at)
    {
        const Path& directory = config_.staging.directory;
        if (directory.has_relative_path() && lies_in(places_[at].unified, unified(directory, surroundings_)))
        {
            mistake(at, "lies in the staging directory, which the agent cleans up",
                    "choose a place outside of " + directory.string());
        }
    }

    void check_others(std::size_t at)
    {
        const auto before = places_.begin() + static_cast<std::ptrdiff_t>(at);
        const Path& path = places_[at].unified;
        const auto twin = std::find_if(
            places_.begin(), before,
            [&](const Written& other) { return !other.unified.empty() && overlap(places_[at], other, surroundings_); });
        if (twin != before && twin->slot_of == places_[at].slot_of && !twin->slot_of.empty())
        {
            mistake(at, "is the other slot too", "give each slot a place of its own: what runs must not be written");
        }
        else if (twin != before && is_device(places_[at].type))
        {
            mistake(at, "is written by target \"" + twin->target + "\" too",
                    "give each target a device, or a part of it, of its own");
        }
        else if (twin != before)
        {
            mistake(at, "another target replaces this file too", "give each target a file of its own");
        }
        const auto writer =
            std::ranges::find_if(places_, [&](const Written& other)
                                 { return !other.unified.empty() && agent::beside(other.unified) == path; });
        if (writer != places_.end())
        {
            mistake(at, "is where target \"" + writer->target + "\" gathers its new bytes", "choose another name");
        }
    }

    void check_place(std::size_t at)
    {
        if (surroundings_ != Surroundings::disk)
        {
            return;
        }
        const auto obstacle = obstacle_of(places_[at].type, places_[at].path);
        if (obstacle && obstacle->passing)
        {
            findings_.warn(places_[at].pointer, obstacle->reason, obstacle->remedy);
        }
        else if (obstacle)
        {
            mistake(at, obstacle->reason, obstacle->remedy);
        }
    }

    const Config& config_;
    Surroundings surroundings_;
    Findings& findings_;
    std::vector<Written> places_;
};

} // namespace

void check_target_paths(const Config& config, Surroundings surroundings, Findings& findings)
{
    PathCheck{config, surroundings, findings}.run();
}

} // namespace fwupdate::config
