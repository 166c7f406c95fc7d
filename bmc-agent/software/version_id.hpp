// The last part of a version's object path. OpenBMC has made it in several ways; clients only rely on its being the
// same for the same version where the way says so.
#pragma once

#include "bmc-agent/config/software.hpp"
#include "bmc-agent/software/errors.hpp"
#include "common/package/tarball/manifest.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fwupdate::agent::software
{

/// What ids are made of; a rule takes what it needs.
struct IdParts
{
    std::string_view version;
    package::Purpose purpose{};
    std::string_view location; ///< where an installed one lies in the flash
    std::string_view name;     ///< of IdRule::named
    std::uint32_t salt{};      ///< random
};

/// 8 lower-case hexadecimal digits, or NAME_NUMBER. As in OpenBMC what is hashed ends at a NUL. Errors:
/// invalid_argument (a rule that needs a version, and it is empty).
[[nodiscard]] Outcome<std::string> make_id(config::IdRule rule, const IdParts& parts);

} // namespace fwupdate::agent::software
