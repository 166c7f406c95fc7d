// Signatures as OpenBMC's tarballs carry them: a system key vouches for MANIFEST and for the tarball's own publickey,
// and that key for everything else. Stricter than OpenBMC's updater in that every member must be signed, and in that a
// failure is always a failure (there, it is one in field mode only).
//
// What the scheme does not bind: without image-full.sig, an older signed image can be put under a newer signed
// MANIFEST. So image-full.sig is wanted wherever OpenBMC's builds make one (purposes BMC and System). A tarball with
// another purpose should be signed as a whole: a CMS signature, sent with 4Eh or as a trailer.
#pragma once

#include "common/package/signature/openbmc_keys.hpp"
#include "common/package/tarball/contents.hpp"

#include <string>
#include <vector>

namespace fwupdate::package
{

/// `contents`: after a TarballReader came to the tarball's end. Gives the name of the system key that vouches. Errors,
/// each with the member: not_found (no MANIFEST, publickey, or signature of a member), denied (no system key vouches,
/// weak digest or key), integrity (a signature does not match).
[[nodiscard]] Result<std::string> verify_openbmc(const TarballContents& contents, const std::vector<SystemKey>& keys);

} // namespace fwupdate::package
