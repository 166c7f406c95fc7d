// What can be read as installed, and how it is known that it is still the same.
#pragma once

#include "common/package/byte_source.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

namespace fwupdate::agent
{

/// What tells that other bytes are installed: of a file, its status. A device says nothing when it is written behind
/// our back.
struct InstalledIdentity
{
    std::uint64_t device{}; ///< that has the file, or that it is
    std::uint64_t inode{};
    std::uint64_t size{}; ///< bytes
    std::int64_t changed_seconds{};
    std::int64_t changed_nanoseconds{};

    bool operator==(const InstalledIdentity&) const = default;
};

struct InstalledContent
{
    InstalledIdentity identity;
    /// Errors: not_found, input_output, length.
    std::function<Result<package::ByteSource>()> open;
};

/// A regular file's; none: there is no such file.
[[nodiscard]] std::optional<InstalledContent> file_content(const std::filesystem::path& path);

} // namespace fwupdate::agent
