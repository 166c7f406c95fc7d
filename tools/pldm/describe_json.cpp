#include "tools/pldm/describe.hpp"

#include <array>
#include <cstdio>

namespace fwupdate::tools
{
namespace
{

std::string iso_date(const pldm::Timestamp104& time)
{
    std::array<char, 64> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%04u-%02u-%02uT%02u:%02u:%02u", time.year, time.month,
                                    time.day, time.hour, time.minute, time.second));
    return text.data();
}

OrderedJson bits(std::uint32_t word)
{
    OrderedJson list = OrderedJson::array();
    for (unsigned bit = 0; bit < 32; ++bit)
    {
        if ((word >> bit & 1) != 0)
        {
            list.push_back(bit);
        }
    }
    return list;
}

/// The string, and its type beside it.
void put(OrderedJson& json, const std::string& key, const pldm::VersionString& string)
{
    json[key + "Type"] = static_cast<unsigned>(string.type);
    json[key] = to_utf8(string);
}

OrderedJson descriptors(const pldm::DeviceIdRecord& device)
{
    OrderedJson list = OrderedJson::array();
    for (const pldm::Descriptor& descriptor : device.descriptors)
    {
        OrderedJson json{{"DescriptorType", descriptor.type}};
        if (descriptor.title)
        {
            put(json, "VendorDefinedDescriptorTitleString", *descriptor.title);
        }
        json[descriptor.title ? "VendorDefinedDescriptorData" : "DescriptorData"] = to_hex(descriptor.data);
        list.push_back(std::move(json));
    }
    return list;
}

void put_bytes(OrderedJson& json, const std::string& key, const Bytes& bytes)
{
    if (!bytes.empty())
    {
        json[key] = to_hex(bytes);
    }
}

OrderedJson firmware_device(const pldm::DeviceIdRecord& device)
{
    OrderedJson json{{"DeviceUpdateOptionFlags", bits(device.update_option_flags)}};
    put(json, "ComponentImageSetVersionString", device.version);
    json["ApplicableComponents"] = device.applicable_components;
    json["Descriptors"] = descriptors(device);
    put_bytes(json, "FirmwareDevicePackageData", device.package_data);
    put_bytes(json, "ReferenceManifestData", device.reference_manifest);
    return json;
}

OrderedJson downstream_device(const pldm::DeviceIdRecord& device)
{
    OrderedJson json{{"DownstreamDeviceUpdateOptionFlags", bits(device.update_option_flags)}};
    put(json, "DownstreamDeviceSelfContainedActivationMinVersionString", device.version);
    if (device.min_version_comparison_stamp)
    {
        json["DownstreamDeviceSelfContainedActivationMinVersionComparisonStamp"] = *device.min_version_comparison_stamp;
    }
    json["ApplicableComponents"] = device.applicable_components;
    json["Descriptors"] = descriptors(device);
    put_bytes(json, "DownstreamDevicePackageData", device.package_data);
    put_bytes(json, "DownstreamDeviceReferenceManifestData", device.reference_manifest);
    return json;
}

OrderedJson component(const pldm::ComponentImage& image)
{
    std::array<char, 16> stamp{};
    static_cast<void>(
        std::snprintf(stamp.data(), stamp.size(), "0x%08X", static_cast<unsigned>(image.comparison_stamp)));
    OrderedJson json{{"ComponentClassification", image.classification},
                     {"ComponentIdentifier", image.identifier},
                     {"ComponentComparisonStamp", stamp.data()},
                     {"ComponentOptions", bits(image.options)},
                     {"RequestedComponentActivationMethod", bits(image.requested_activation_method)},
                     {"ComponentLocationOffset", image.location_offset},
                     {"ComponentSize", image.size}};
    put(json, "ComponentVersionString", image.version);
    put_bytes(json, "ComponentOpaqueData", image.opaque_data);
    return json;
}

template <class Record> OrderedJson list(const std::vector<Record>& records, OrderedJson (*describe)(const Record&))
{
    OrderedJson json = OrderedJson::array();
    for (const Record& record : records)
    {
        json.push_back(describe(record));
    }
    return json;
}

OrderedJson header(const pldm::Package& package)
{
    const pldm::Content& content = package.content();
    OrderedJson json{{"PackageHeaderIdentifier", to_hex(content.identifier)},
                     {"PackageHeaderFormatVersion", content.revision},
                     {"PackageHeaderSize", package.header_size()},
                     {"PackageReleaseDateTime", iso_date(content.release_date_time)},
                     {"ComponentBitmapBitLength", content.component_bitmap_bit_length}};
    put(json, "PackageVersionString", content.version);
    return json;
}

} // namespace

OrderedJson describe_json(const pldm::Package& package, std::optional<bool> payload_matches)
{
    const pldm::Content& content = package.content();
    OrderedJson json{{"PackageHeaderInformation", header(package)},
                     {"FirmwareDeviceIdentificationArea", list(content.firmware_devices, firmware_device)}};
    if (package.revision().has_downstream_devices())
    {
        json["DownstreamDeviceIdentificationArea"] = list(content.downstream_devices, downstream_device);
    }
    json["ComponentImageInformationArea"] = list(content.components, component);
    json["PackageHeaderChecksum"] = package.header_checksum();
    if (payload_matches)
    {
        json["PackagePayloadChecksum"] = content.payload_checksum;
    }
    return json;
}

std::string to_text(const OrderedJson& json)
{
    constexpr int indent = 2;
    constexpr bool ascii_alone = true;
    return json.dump(indent, ' ', ascii_alone, OrderedJson::error_handler_t::replace) + "\n";
}

} // namespace fwupdate::tools
