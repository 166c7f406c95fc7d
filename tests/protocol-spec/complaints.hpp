// Shared by the checks: how two sides are compared.
#pragma once

#include "prose_checks.hpp"

#include <string>

namespace fwupdate::test
{

void expect_equal(const std::string& what, const std::string& prose, const std::string& header, Complaints& complaints);

/// Both ways; the order does not matter.
void compare_values(const std::string& what, NamedValues prose, NamedValues header, Complaints& complaints);

/// The section's table; throws when there is none or more than one.
const Table& only_table(const Section& section);

} // namespace fwupdate::test
