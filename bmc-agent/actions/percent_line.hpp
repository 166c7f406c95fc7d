// How a program tells its progress: lines of its output.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fwupdate::agent
{

/// The percent that a line tells, or nothing.
///
///     line    = [blanks] ( number [blanks] "%" / "percent" blanks number [[blanks] "%"] ) [blanks [text]]
///     number  = 1*3DIGIT ["." 1*DIGIT]        ; 0 to 100; what is behind the point is dropped
///     blanks  = 1*( space / tab )
[[nodiscard]] std::optional<std::uint8_t> percent_of(std::string_view line);

} // namespace fwupdate::agent
