// The digest of what is installed, computed in slices and kept as long as it does not change.
#pragma once

#include "bmc-agent/targets/target_handler.hpp"
#include "common/sha256.hpp"

#include <optional>

namespace fwupdate::agent
{

class InstalledDigest
{
  public:
    /// `handler` outlives it.
    explicit InstalledDigest(const TargetHandler& handler);

    /// Looks whether something else is installed; if so the digest is unknown until it is computed anew.
    void refresh();

    /// From now on so many bytes are taken for installed where that can't be seen; the digest is computed anew.
    void expect(std::optional<std::uint64_t> size);

    /// What is installed; none: not computed yet, or nothing readable is there.
    [[nodiscard]] const std::optional<Installed>& get() const
    {
        return installed_;
    }

    /// Whether a slice of work is left.
    [[nodiscard]] bool wants_work() const
    {
        return source_.has_value();
    }

    /// Hashes one slice.
    void work();

  private:
    const TargetHandler* handler_;
    std::optional<std::uint64_t> expected_; ///< bytes
    std::optional<InstalledIdentity> identity_;
    std::optional<Installed> installed_;
    std::optional<package::ByteSource> source_; ///< while it is read
    Sha256Hasher hasher_;
    std::uint64_t offset_{};
    Bytes slice_;
};

} // namespace fwupdate::agent
