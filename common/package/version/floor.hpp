// The anti-rollback floor of one target: the oldest version, and the lowest security version, that may still be
// installed. Kept in a file of the agent's state directory; it rises, and never sinks.
//
// Use: at start `load`; before programming `check` the image's versions, whatever the client asks for (force included);
// `raise` to what runs once it has proved itself (confirmed, or up after the restart), never before: a floor above the
// version to fall back to makes a brick. A damaged file is an error, never "no floor": until somebody looks at it, or
// the agent calls `begin_anew` with the version that runs (which no healthy floor exceeds), nothing is to be installed.
#pragma once

#include "common/package/version/version.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace fwupdate::package
{

/// What the floor holds, and what an image is measured by.
struct FloorLevel
{
    std::string version; ///< empty: none known
    std::uint32_t
        security_version{}; ///< a number that the vendor raises with every fix that must not be undone; 0: none

    bool operator==(const FloorLevel&) const = default;
};

class VersionFloor
{
  public:
    /// Reads the target's floor; no file: no floor yet. Errors: integrity (damaged, with the path and what to do),
    /// input_output.
    [[nodiscard]] static Result<VersionFloor> load(const std::filesystem::path& directory, std::string_view target);

    /// Replaces whatever file is there: for one that is damaged, or was written under other version patterns. Errors:
    /// as raise.
    [[nodiscard]] static Result<VersionFloor> begin_anew(const std::filesystem::path& directory,
                                                         std::string_view target, const FloorLevel& running,
                                                         const VersionScheme& scheme);

    [[nodiscard]] const FloorLevel& level() const
    {
        return level_;
    }

    /// Whether an image may be installed. Errors: denied (below the floor; the sentence says which of the two), those
    /// of VersionScheme::compare (there is a floor, and the image's version cannot be compared with it; length: it has
    /// none).
    [[nodiscard]] Result<void> check(const FloorLevel& image, const VersionScheme& scheme) const;

    /// Raises version and security version, each by itself, where the new one is higher, and writes it down: after a
    /// power cut the old or the new floor is there. An empty version raises the security version alone. Errors:
    /// unsupported, length (a version that no other could be compared with: nothing was raised), input_output,
    /// no_space.
    [[nodiscard]] Result<void> raise(const FloorLevel& running, const VersionScheme& scheme);

    /// The file of a target's floor.
    [[nodiscard]] static std::filesystem::path file_of(const std::filesystem::path& directory, std::string_view target);

  private:
    explicit VersionFloor(std::filesystem::path file) : file_{std::move(file)} {}

    [[nodiscard]] Result<void> store(const FloorLevel& level);

    std::filesystem::path file_;
    FloorLevel level_;
};

} // namespace fwupdate::package
