// What a firmware update package says (DSP0267, package header), apart from how it is laid out. Names are the
// specification's; plain data that the reader gives and the writer takes.
#pragma once

#include "common/bytes.hpp"
#include "common/codec.hpp"
#include "common/package/descriptor_type.hpp"
#include "common/package/format_revision.hpp"
#include "common/package/version_string.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace fwupdate::pldm
{

/// PackageReleaseDateTime (DSP0240, timestamp104). Binary numbers, not BCD.
struct Timestamp104
{
    std::uint16_t utc_offset{}; ///< minutes, two's complement
    std::array<std::uint8_t, 3> microsecond{};
    std::uint8_t second{};
    std::uint8_t minute{};
    std::uint8_t hour{};
    std::uint8_t day{};   ///< 1..31
    std::uint8_t month{}; ///< 1..12
    std::uint16_t year{};
    std::uint8_t resolution{}; ///< of UTC offset and time

    using Self = Timestamp104;
    static constexpr auto layout = std::tuple{codec::Field{"UTCOffset", &Self::utc_offset},
                                              codec::Field{"Microsecond", &Self::microsecond},
                                              codec::Field{"Second", &Self::second},
                                              codec::Field{"Minute", &Self::minute},
                                              codec::Field{"Hour", &Self::hour},
                                              codec::Field{"Day", &Self::day},
                                              codec::Field{"Month", &Self::month},
                                              codec::Field{"Year", &Self::year},
                                              codec::Field{"Resolution", &Self::resolution}};
    bool operator==(const Self&) const = default;
};

struct Descriptor
{
    std::uint16_t type{};               ///< DescriptorType
    std::optional<VersionString> title; ///< VendorDefinedDescriptorTitleString; there if and only if vendor_defined
    Bytes data;                         ///< DescriptorData, or VendorDefinedDescriptorData

    bool operator==(const Descriptor&) const = default;
};

/// DownstreamDeviceUpdateOptionFlags: the device activates itself from a least version on.
inline constexpr std::uint32_t self_contained_activation = 1U << 0;

/// A record of the firmware device or the downstream device identification area.
struct DeviceIdRecord
{
    std::uint32_t update_option_flags{}; ///< DeviceUpdateOptionFlags, DownstreamDeviceUpdateOptionFlags
    /// A firmware device's ComponentImageSetVersionString, a downstream device's
    /// DownstreamDeviceSelfContainedActivationMinVersionString.
    VersionString version;
    /// DownstreamDeviceSelfContainedActivationMinVersionComparisonStamp: in a downstream device's record if and only if
    /// its flag self_contained_activation is set.
    std::optional<std::uint32_t> min_version_comparison_stamp;
    std::vector<std::uint16_t> applicable_components; ///< indexes into Content::components, ascending
    std::vector<Descriptor> descriptors;
    Bytes package_data;       ///< FirmwareDevicePackageData, DownstreamDevicePackageData
    Bytes reference_manifest; ///< ReferenceManifestData; revision 4

    bool operator==(const DeviceIdRecord&) const = default;
};

/// ComponentOptions: ComponentComparisonStamp counts.
inline constexpr std::uint16_t use_component_comparison_stamp = 1U << 1;
inline constexpr std::uint32_t no_comparison_stamp = 0xFFFFFFFF;

/// A record of the component image information area.
struct ComponentImage
{
    std::uint16_t classification{};
    std::uint16_t identifier{};
    std::uint32_t comparison_stamp{no_comparison_stamp};
    std::uint16_t options{};
    std::uint16_t requested_activation_method{};
    std::uint32_t location_offset{}; ///< bytes from the package's start
    std::uint32_t size{};            ///< bytes
    VersionString version;
    Bytes opaque_data; ///< revision 3 and later

    bool operator==(const ComponentImage&) const = default;
};

/// A whole package header but what follows from the rest: lengths, counts, its own checksum.
struct Content
{
    Identifier identifier{};
    std::uint8_t revision{}; ///< PackageHeaderFormatRevision
    Timestamp104 release_date_time;
    std::uint16_t component_bitmap_bit_length{}; ///< a multiple of 8, not below the number of components
    VersionString version;                       ///< PackageVersionString
    std::vector<DeviceIdRecord> firmware_devices;
    std::vector<DeviceIdRecord> downstream_devices; ///< revision 2 and later
    std::vector<ComponentImage> components;
    std::uint32_t payload_checksum{}; ///< PackagePayloadChecksum; revision 4, otherwise 0

    bool operator==(const Content&) const = default;
};

} // namespace fwupdate::pldm
