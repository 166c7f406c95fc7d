// PackageReleaseDateTime as people write it.
#pragma once

#include "common/package/content.hpp"

#include <optional>
#include <string_view>

namespace fwupdate::tools
{

/// "2026-01-31T12:00:00", "2026-01-31 12:00:00" or "31/01/2026 12:00:00", as Python's strptime takes them: leading
/// zeros may be missing, blanks may be more. Nothing: none of them, or no such day.
[[nodiscard]] std::optional<pldm::Timestamp104> parse_release_date(std::string_view text);

/// The local time, with microseconds and no UTC offset, as OpenBMC's script writes it.
[[nodiscard]] pldm::Timestamp104 local_time_now();

} // namespace fwupdate::tools
