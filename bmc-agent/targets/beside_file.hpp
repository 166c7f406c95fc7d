// The file in which new bytes gather beside a target until they are put in its place. It is held by a lock from its
// first byte on, so that another agent with the same target neither writes into it nor takes it for a left-over.
#pragma once

#include "bmc-agent/staging/file.hpp"

namespace fwupdate::agent
{

/// Removes what a stopped agent left at `path`; what a running one holds stays.
void remove_abandoned(const std::filesystem::path& path);

/// Makes the file anew and locks it. Errors: wrong_state (another agent holds it), no_space, input_output.
[[nodiscard]] Result<File> make_locked(const std::filesystem::path& path, mode_t mode);

/// Gives the file, empty as yet, permissions and owner of what it will replace. Errors: input_output.
[[nodiscard]] Result<void> copy_owner_and_mode(const struct ::stat& from, const File& to);

/// Whether the file's path still leads to this very file.
[[nodiscard]] bool still_in_place(const File& file) noexcept;

} // namespace fwupdate::agent
