// A block device, or a file that stands for one, as a place that is written directly.
#pragma once

#include "bmc-agent/staging/file.hpp"

#include <cstdint>
#include <filesystem>

namespace fwupdate::agent
{

/// Bytes a block device has, or a file. Errors: input_output, invalid_field (it is neither).
[[nodiscard]] Result<std::uint64_t> capacity_of(const File& device);

/// The next read comes from the medium, as far as the kernel lets us.
void forget_cached(const File& device);

/// Opens it for writing, a device by nobody else: a mounted one is refused. Links are followed. Errors: wrong_state (in
/// use), not_found, input_output, invalid_field (neither a block device nor a file).
[[nodiscard]] Result<File> open_exclusively(const std::filesystem::path& path);

} // namespace fwupdate::agent
