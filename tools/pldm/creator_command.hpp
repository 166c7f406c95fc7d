// The command line of pldm-fwup-pkg-creator, a drop-in for OpenBMC's pldm_fwup_pkg_creator.py.
#pragma once

#include <iosfwd>

namespace fwupdate::tools
{

/// Exit codes: 0 made, 1 not made, 2 wrong usage; as the script.
int run_creator(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

} // namespace fwupdate::tools
