// The digest of what is installed, computed in slices and kept as long as the file does not change.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/target_handler.hpp"
#include "common/sha256.hpp"

#include <filesystem>
#include <optional>

namespace fwupdate::agent
{

class InstalledDigest
{
  public:
    explicit InstalledDigest(std::filesystem::path path);

    /// Looks whether the file changed since; if so the digest is unknown until it is computed anew.
    void refresh();

    /// From now on that place: of two slots, the one that runs.
    void move_to(const std::filesystem::path& path);

    /// What is installed; none: not computed yet, or nothing readable is there.
    [[nodiscard]] const std::optional<Installed>& get() const
    {
        return installed_;
    }

    /// Whether a slice of work is left.
    [[nodiscard]] bool wants_work() const
    {
        return file_.is_open();
    }

    /// Hashes one slice.
    void work();

  private:
    /// What tells that a file is another one.
    struct Identity
    {
        std::uint64_t device{};
        std::uint64_t inode{};
        std::uint64_t size{};
        std::int64_t changed_seconds{};
        std::int64_t changed_nanoseconds{};

        bool operator==(const Identity&) const = default;
    };

    std::filesystem::path path_;
    std::optional<Identity> identity_;
    std::optional<Installed> installed_;
    File file_;
    Sha256Hasher hasher_;
    std::uint64_t offset_{};
    Bytes slice_;
};

} // namespace fwupdate::agent
