// The digest of what is installed, computed in slices and kept as long as the file does not change.
#pragma once

#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/target_handler.hpp"
#include "common/package/byte_source.hpp"
#include "common/sha256.hpp"

#include <filesystem>
#include <functional>
#include <optional>

namespace fwupdate::agent
{

class InstalledDigest
{
  public:
    using Opener = std::function<Result<package::ByteSource>(std::uint64_t size)>;

    /// `open` reads what is no regular file; empty: nothing does.
    explicit InstalledDigest(std::filesystem::path path, Opener open = {});

    /// Looks whether the file changed since; if so the digest is unknown until it is computed anew.
    void refresh();

    /// How many bytes of a device are the image's, bytes; 0: not known. From now on the digest is of these.
    void expect(std::uint64_t size);

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
        return source_.read != nullptr;
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

    void look_at_device(std::uint64_t device);
    void start(Identity identity, Result<package::ByteSource> source);
    void stop();

    std::filesystem::path path_;
    Opener open_;
    std::uint64_t expected_{};   ///< bytes of a device
    std::uint64_t generation_{}; ///< counts what was programmed: a device does not tell that it changed
    std::optional<Identity> identity_;
    std::optional<Installed> installed_;
    package::ByteSource source_; ///< while it is read
    Sha256Hasher hasher_;
    std::uint64_t offset_{};
    Bytes slice_;
};

} // namespace fwupdate::agent
