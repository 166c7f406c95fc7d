// The least version of a BMC image, by the rule of phosphor-bmc-code-mgmt (its options bmc-msl and regex-bmc-msl).
#pragma once

#include "bmc-agent/config/software.hpp"
#include "bmc-agent/software/errors.hpp"
#include "common/package/tarball/manifest.hpp"
#include "common/result.hpp"

#include <cstdint>
#include <regex>
#include <string>
#include <tuple>
#include <utility>

namespace fwupdate::agent::software
{

/// What the pattern's groups 2, 3 and 4 say. As there, a number is kept in 8 bits: 256 is 0 again, so that a vendor who
/// counts past 255 must not rely on this rule.
struct VersionNumbers
{
    std::uint8_t major{};
    std::uint8_t minor{};
    std::uint8_t revision{};

    bool operator==(const VersionNumbers&) const = default;
    bool operator<(const VersionNumbers& other) const
    {
        return std::tie(major, minor, revision) < std::tie(other.major, other.minor, other.revision);
    }
};

class MinimumVersion
{
  public:
    /// Errors: invalid_field (not a POSIX extended expression, or fewer than four groups).
    [[nodiscard]] static Result<MinimumVersion> make(config::LeastBmcVersion settings);

    /// The numbers of the first place that matches; 0.0.0: none does. A group that is no number counts as 0.
    [[nodiscard]] VersionNumbers numbers_of(const std::string& version) const;

    /// Errors: incompatible, with MIN_VERSION, ACTUAL_VERSION and VERSION_PURPOSE.
    [[nodiscard]] Outcome<void> check(const std::string& version, package::Purpose purpose) const;

  private:
    explicit MinimumVersion(config::LeastBmcVersion settings) : settings_{std::move(settings)} {}

    config::LeastBmcVersion settings_;
    std::regex pattern_;
};

} // namespace fwupdate::agent::software
