// Enumerators and integer constants, read from the text of a header: so that one nobody wrote down in the
// specification is found too.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fwupdate::test
{

using NamedValues = std::vector<std::pair<std::string, std::uint64_t>>; ///< in the order of the header

struct HeaderText
{
    std::map<std::string, NamedValues> enums; ///< by name of the type
    NamedValues constants;                    ///< namespace scope, integers and completion codes
};

HeaderText parse_header(std::string_view text);

/// Reads "27", "0x1B", "1BH" in the page's form "1Bh", "51'200", "1U << 3", "64 * 1024", "std::uint64_t{1} << 32".
/// Throws when it is none of these.
std::uint64_t evaluate(std::string_view expression);

/// Whether evaluate() reads it.
bool evaluates(std::string_view expression);

} // namespace fwupdate::test
