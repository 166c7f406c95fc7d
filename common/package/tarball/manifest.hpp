// The MANIFEST of an OpenBMC tarball: lines "key=value". Keys that decide something are read strictly, unknown keys are
// let be, as builds write more of them than anyone reads (BuildId, ...).
#pragma once

#include "common/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::package
{

/// xyz.openbmc_project.Software.Version.VersionPurpose.
enum class Purpose : std::uint8_t
{
    unknown,
    other,
    system,
    bmc,
    host,
    psu,
};

/// A whole and valid MANIFEST. Texts are printable, without blanks at their ends.
struct Manifest
{
    static constexpr std::size_t longest = 16384;      ///< bytes of the file
    static constexpr std::size_t longest_value = 256;  ///< bytes
    static constexpr std::size_t longest_version = 64; ///< bytes, as the protocol carries it
    static constexpr std::size_t most_lines = 128;
    static constexpr std::size_t most_compatible_names = 16;

    std::string version; ///< never empty
    Purpose purpose{};
    std::string extended_version;              ///< empty: not given, as all below
    std::string machine_name;                  ///< MachineName
    std::vector<std::string> compatible_names; ///< CompatibleName, one each
    std::string key_type;                      ///< KeyType: the system key that the build was signed for
    std::string hash_type;                     ///< HashType, such as "RSA-SHA256"

    bool operator==(const Manifest&) const = default;

    /// Lines end with LF or CR LF; empty ones are let be. Errors, all with the line's number: invalid_field (no
    /// "key=value", a key twice, a control character, blanks at an end, unknown purpose), length (too long), not_found
    /// (no version or no purpose).
    [[nodiscard]] static Result<Manifest> parse(std::string_view text);
};

/// "BMC", "Host", ... as in the enumerator's name.
[[nodiscard]] std::string_view to_text(Purpose purpose);

} // namespace fwupdate::package
