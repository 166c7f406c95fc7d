// Who vouches for an image: detached CMS signatures, sent beside it (4Eh) or standing behind it in the same file.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "bmc-agent/verification/check.hpp"
#include "common/package/signature/cms.hpp"
#include "common/package/signature/openbmc_keys.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace fwupdate::agent
{

/// Whom the configuration trusts, read once.
struct Trust
{
    std::optional<package::TrustStore> roots;    ///< none: no CMS signature can be good
    std::vector<package::SystemKey> system_keys; ///< OpenBMC's; empty: none

    /// Errors: those of the files, with their paths.
    [[nodiscard]] static Result<Trust> load(const config::Verification& settings);
};

/// The BMC's time in seconds since 1970; none: it does not know the date.
using WallClock = std::function<std::optional<std::chrono::system_clock::time_point>()>;

/// Takes a signature off the image's end, and verifies it and the one of 4Eh. Where signatures are required, what has
/// none is refused here, but for tarballs, which may carry signatures of their own.
[[nodiscard]] std::unique_ptr<Check> make_signature_check(const config::Verification& settings, const Trust& trust,
                                                          WallClock clock);

/// Behind the check of the form: whether somebody vouches for the image, where somebody must.
[[nodiscard]] std::unique_ptr<Check> make_vouching_check(const config::Verification& settings, Log& log);

} // namespace fwupdate::agent
