// fwsign verify: what a BMC with the same roots and keys would say of an image.
#pragma once

#include "common/package/signature/trust.hpp"
#include "common/result.hpp"

#include <filesystem>
#include <string>

namespace fwupdate::fwsign
{

struct VerifyOptions
{
    std::filesystem::path image;
    std::filesystem::path signature;        ///< detached; empty: none beside the image
    std::filesystem::path roots;            ///< PEM; empty: CMS signatures are not checked
    std::filesystem::path revocation_lists; ///< PEM; empty: none
    std::filesystem::path openbmc_keys; ///< directory of system keys; empty: tarballs' own signatures are not checked
    package::TimeSource time{package::TimeSource::clock};
};

/// What verification said; `good` false: a refusal.
struct Verdict
{
    bool good{false};
    std::string text; ///< good: one line per signature
};

/// Every signature that is there must be good, and at least one must be there. Errors: files, roots and keys that could
/// not be used, so that nothing was verified.
[[nodiscard]] Result<Verdict> verify(const VerifyOptions& options);

} // namespace fwupdate::fwsign
