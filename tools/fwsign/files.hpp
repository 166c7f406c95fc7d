// Files as fwsign reads and writes them: large ones in slices, results whole or not at all.
#pragma once

#include "common/package/byte_source.hpp"

#include <filesystem>

namespace fwupdate::fwsign
{

/// A regular file as a source of bytes; it stays open as long as the source lives. Errors: not_found, input_output.
[[nodiscard]] Result<package::ByteSource> open_file(const std::filesystem::path& path);

/// A small file whole. Errors: as above; length (more than `limit` bytes).
[[nodiscard]] Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit);

/// Writes a source and bytes behind it beside `path`, and puts that in its place. Errors: input_output, no_space, the
/// source's; `path` then is as it was.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, const package::ByteSource& content,
                                      ConstBytes behind);

} // namespace fwupdate::fwsign
