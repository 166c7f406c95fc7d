// The command line of pldm-package: shows, checks and takes apart PLDM firmware update packages.
#pragma once

#include <iosfwd>

namespace fwupdate::tools
{

/// Exit codes: 0 done, 1 the package is refused, 2 wrong usage, 3 a file can't be read or written.
int run_package_command(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

} // namespace fwupdate::tools
