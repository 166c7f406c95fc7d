// The parts of a package header that have a fixed layout, each declared once for reader and writer (DSP0267). What
// varies in length follows them.
#pragma once

#include "common/codec.hpp"
#include "common/package/content.hpp"

#include <cstdint>
#include <string_view>
#include <tuple>

namespace fwupdate::pldm::wire
{

using codec::Field;

struct HeaderInformation
{
    Identifier identifier{};
    std::uint8_t revision{};
    std::uint16_t size{}; ///< bytes of the header with its checksums
    Timestamp104 release_date_time;
    std::uint16_t component_bitmap_bit_length{};
    std::uint8_t version_type{};
    std::uint8_t version_length{};

    using Self = HeaderInformation;
    static constexpr auto layout = std::tuple{Field{"PackageHeaderIdentifier", &Self::identifier},
                                              Field{"PackageHeaderFormatRevision", &Self::revision},
                                              Field{"PackageHeaderSize", &Self::size},
                                              Field{"PackageReleaseDateTime", &Self::release_date_time},
                                              Field{"ComponentBitmapBitLength", &Self::component_bitmap_bit_length},
                                              Field{"PackageVersionStringType", &Self::version_type},
                                              Field{"PackageVersionStringLength", &Self::version_length}};
};

struct FirmwareDevice
{
    std::uint16_t record_length{}; ///< bytes of the whole record
    std::uint8_t descriptor_count{};
    std::uint32_t update_option_flags{};
    std::uint8_t version_type{};
    std::uint8_t version_length{};
    std::uint16_t package_data_length{};

    using Self = FirmwareDevice;
    static constexpr auto layout = std::tuple{Field{"RecordLength", &Self::record_length},
                                              Field{"DescriptorCount", &Self::descriptor_count},
                                              Field{"DeviceUpdateOptionFlags", &Self::update_option_flags},
                                              Field{"ComponentImageSetVersionStringType", &Self::version_type},
                                              Field{"ComponentImageSetVersionStringLength", &Self::version_length},
                                              Field{"FirmwareDevicePackageDataLength", &Self::package_data_length}};

    static constexpr bool downstream = false;
    static constexpr std::string_view count = "DeviceIDRecordCount";
    static constexpr std::string_view record_length_name = "RecordLength";
    static constexpr std::string_view records = "FirmwareDeviceIDRecords";
    static constexpr std::string_view reference_manifest_length = "ReferenceManifestLength";
    static constexpr std::string_view applicable_components = "ApplicableComponents";
    static constexpr std::string_view version = "ComponentImageSetVersionString";
    static constexpr std::string_view package_data = "FirmwareDevicePackageData";
    static constexpr std::string_view reference_manifest = "ReferenceManifestData";
};

struct DownstreamDevice
{
    std::uint16_t record_length{}; ///< bytes of the whole record
    std::uint8_t descriptor_count{};
    std::uint32_t update_option_flags{};
    std::uint8_t version_type{};
    std::uint8_t version_length{};
    std::uint16_t package_data_length{};

    using Self = DownstreamDevice;
    static constexpr auto layout =
        std::tuple{Field{"DownstreamDeviceRecordLength", &Self::record_length},
                   Field{"DownstreamDeviceDescriptorCount", &Self::descriptor_count},
                   Field{"DownstreamDeviceUpdateOptionFlags", &Self::update_option_flags},
                   Field{"DownstreamDeviceSelfContainedActivationMinVersionStringType", &Self::version_type},
                   Field{"DownstreamDeviceSelfContainedActivationMinVersionStringLength", &Self::version_length},
                   Field{"DownstreamDevicePackageDataLength", &Self::package_data_length}};

    static constexpr bool downstream = true;
    static constexpr std::string_view count = "DownstreamDeviceIDRecordCount";
    static constexpr std::string_view record_length_name = "DownstreamDeviceRecordLength";
    static constexpr std::string_view records = "DownstreamDeviceIDRecords";
    static constexpr std::string_view reference_manifest_length = "DownstreamDeviceReferenceManifestLength";
    static constexpr std::string_view applicable_components = "DownstreamDeviceApplicableComponents";
    static constexpr std::string_view version = "DownstreamDeviceSelfContainedActivationMinVersionString";
    static constexpr std::string_view comparison_stamp =
        "DownstreamDeviceSelfContainedActivationMinVersionComparisonStamp";
    static constexpr std::string_view package_data = "DownstreamDevicePackageData";
    static constexpr std::string_view reference_manifest = "DownstreamDeviceReferenceManifestData";
};

struct DescriptorHead
{
    std::uint16_t type{};
    std::uint16_t length{};

    using Self = DescriptorHead;
    static constexpr auto layout =
        std::tuple{Field{"DescriptorType", &Self::type}, Field{"DescriptorLength", &Self::length}};
};

struct VendorTitleHead
{
    std::uint8_t type{};
    std::uint8_t length{};

    using Self = VendorTitleHead;
    static constexpr auto layout = std::tuple{Field{"VendorDefinedDescriptorTitleStringType", &Self::type},
                                              Field{"VendorDefinedDescriptorTitleStringLength", &Self::length}};
};

struct ComponentImageInformation
{
    std::uint16_t classification{};
    std::uint16_t identifier{};
    std::uint32_t comparison_stamp{};
    std::uint16_t options{};
    std::uint16_t requested_activation_method{};
    std::uint32_t location_offset{};
    std::uint32_t size{};
    std::uint8_t version_type{};
    std::uint8_t version_length{};

    using Self = ComponentImageInformation;
    static constexpr auto layout =
        std::tuple{Field{"ComponentClassification", &Self::classification},
                   Field{"ComponentIdentifier", &Self::identifier},
                   Field{"ComponentComparisonStamp", &Self::comparison_stamp},
                   Field{"ComponentOptions", &Self::options},
                   Field{"RequestedComponentActivationMethod", &Self::requested_activation_method},
                   Field{"ComponentLocationOffset", &Self::location_offset},
                   Field{"ComponentSize", &Self::size},
                   Field{"ComponentVersionStringType", &Self::version_type},
                   Field{"ComponentVersionStringLength", &Self::version_length}};
};

/// Bytes that a field or message takes on the wire.
template <class T> constexpr std::size_t size_of()
{
    if constexpr (codec::Message<T>)
    {
        return std::apply([]<class... Type>(const Field<T, Type>&... /*field*/) { return (size_of<Type>() + ... + 0); },
                          T::layout);
    }
    else
    {
        static_assert(std::unsigned_integral<T> || codec::is_byte_array<T>);
        return sizeof(T);
    }
}

/// Where a field of a message starts, bytes from the message's start.
template <codec::Message M> constexpr std::size_t offset_of(std::string_view field)
{
    std::size_t offset = 0;
    bool found = false;
    std::apply([&]<class... Type>(const Field<M, Type>&... each)
               { ((found = found || each.name == field, offset += found ? 0 : size_of<Type>()), ...); },
               M::layout);
    return offset;
}

static_assert(size_of<HeaderInformation>() == 36);
static_assert(size_of<FirmwareDevice>() == 11 && size_of<DownstreamDevice>() == 11);
static_assert(size_of<ComponentImageInformation>() == 22);
static_assert(offset_of<HeaderInformation>("PackageHeaderSize") == 17);

} // namespace fwupdate::pldm::wire
