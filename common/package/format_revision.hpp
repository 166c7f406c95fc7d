// The revisions of the package header's format, and what each of them has (DSP0267 1.0 to 1.3).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fwupdate::pldm
{

using Identifier = std::array<std::uint8_t, 16>; ///< PackageHeaderIdentifier, a UUID

struct FormatRevision
{
    std::uint8_t number{};          ///< PackageHeaderFormatRevision
    std::string_view specification; ///< "DSP0267 1.0"
    Identifier identifier{};        ///< the UUID that goes with it

    [[nodiscard]] constexpr bool has_downstream_devices() const
    {
        return number >= 2;
    }
    [[nodiscard]] constexpr bool has_opaque_data() const
    {
        return number >= 3;
    }
    [[nodiscard]] constexpr bool has_reference_manifests() const
    {
        return number >= 4;
    }
    [[nodiscard]] constexpr bool has_payload_checksum() const
    {
        return number >= 4;
    }
    /// Bytes of the checksums at the header's end.
    [[nodiscard]] constexpr std::size_t checksums_size() const
    {
        return has_payload_checksum() ? 8 : 4;
    }
};

inline constexpr std::uint8_t newest_revision = 4;

/// nullptr: none that is known.
[[nodiscard]] const FormatRevision* find_revision(std::uint8_t number);
[[nodiscard]] const FormatRevision* find_revision(const Identifier& identifier);

} // namespace fwupdate::pldm
