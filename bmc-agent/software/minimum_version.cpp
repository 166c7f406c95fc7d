#include "bmc-agent/software/minimum_version.hpp"

#include "bmc-agent/software/names.hpp"
#include "common/bytes.hpp"

#include <utility>

namespace fwupdate::agent::software
{
namespace
{

constexpr std::size_t longest_version = 128; ///< bytes that the pattern is tried on

/// Modulo 256, whatever its length.
std::uint8_t number_of(const std::string& digits)
{
    unsigned value = 0;
    for (const char digit : digits)
    {
        if (digit < '0' || digit > '9')
        {
            return 0;
        }
        value = (value * 10 + static_cast<unsigned>(digit - '0')) & 0xFFU;
    }
    return static_cast<std::uint8_t>(value);
}

} // namespace

Result<MinimumVersion> MinimumVersion::make(config::LeastBmcVersion settings)
{
    constexpr unsigned groups = 4;
    MinimumVersion minimum{std::move(settings)};
    try
    {
        minimum.pattern_.assign(minimum.settings_.pattern, std::regex::extended);
    }
    catch (const std::regex_error& error)
    {
        return fail(ErrorKind::invalid_field, std::string{"is not a POSIX extended expression: "} + error.what());
    }
    if (minimum.pattern_.mark_count() < groups)
    {
        return fail(ErrorKind::invalid_field, "has fewer than four groups; major, minor and revision are 2, 3 and 4");
    }
    return minimum;
}

VersionNumbers MinimumVersion::numbers_of(const std::string& version) const
{
    std::smatch groups;
    const std::string text = version.substr(0, longest_version);
    if (!std::regex_search(text, groups, pattern_))
    {
        return {};
    }
    return {number_of(groups[2].str()), number_of(groups[3].str()), number_of(groups[4].str())};
}

Outcome<void> MinimumVersion::check(const std::string& version, package::Purpose purpose) const
{
    if (!(numbers_of(version) < numbers_of(settings_.version)))
    {
        return {};
    }
    return Refusal{ErrorCode::incompatible,
                   "version " + printable(version) + " is older than the least one, " + settings_.version,
                   {{"MIN_VERSION", settings_.version},
                    {"ACTUAL_VERSION", printable(version)},
                    {"VERSION_PURPOSE", to_dbus(purpose)}}};
}

} // namespace fwupdate::agent::software
