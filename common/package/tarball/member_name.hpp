// What a member of a tarball may be called. Names are never used as paths, but whoever does so one day is safe.
#pragma once

#include "common/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fwupdate::package
{

struct NameLimits
{
    std::size_t length{};  ///< bytes
    std::uint32_t depth{}; ///< parts between slashes
};

/// "./MANIFEST" and "MANIFEST" are one name; a directory's '/' is not part of its name; the archive's root is ".".
[[nodiscard]] std::string plain_member_name(std::string_view path);

/// Whether a plain name is relative, of printable ASCII without blanks and backslashes, and without "." and "..".
/// Errors: denied, with a sentence that begins behind the name ("its name ...").
[[nodiscard]] Result<void> check_member_name(std::string_view name, const NameLimits& limits);

} // namespace fwupdate::package
