// Where a target of type "file" lies, and whether it can: the same answer when the configuration is read and when
// programming begins.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace fwupdate::agent
{

/// What stands in the way of replacing a file.
struct Obstacle
{
    std::string reason; ///< follows the path: "is a directory"
    std::string remedy;
    bool passing{}; ///< may be another when an update comes: a directory that is not mounted yet
};

/// Where the new bytes for `target` gather until they are put in its place.
[[nodiscard]] std::filesystem::path beside(const std::filesystem::path& target);

/// Looks at the path and its directory; changes nothing. A file that is not there yet is no obstacle.
[[nodiscard]] std::optional<Obstacle> obstacle_at(const std::filesystem::path& path);

} // namespace fwupdate::agent
