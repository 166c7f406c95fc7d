#include "tools/pldm/metadata_records.hpp"

#include <algorithm>

namespace fwupdate::tools
{
namespace
{

constexpr std::string_view too_long = "ERROR: Max permitted string length is 255";

/// What the script counts: characters, not bytes.
std::size_t characters(std::string_view utf8)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char each) { return (static_cast<std::uint8_t>(each) & 0xC0) != 0x80; }));
}

/// "UTF-8", "utf8" and 2 are the same type.
pldm::StringType read_string_type(MetadataObject& object, const std::string& key)
{
    const Json* const value = object.value(key);
    if (value != nullptr && value->is_number())
    {
        return static_cast<pldm::StringType>(object.number(key, 255));
    }
    const auto plain = [](std::string_view name)
    {
        std::string letters;
        for (const char each : name)
        {
            letters +=
                each == '-' ? "" : std::string(1, each >= 'a' && each <= 'z' ? static_cast<char>(each - 32) : each);
        }
        return letters;
    };
    const std::string name = plain(object.text(key));
    const auto found =
        std::ranges::find_if(pldm::string_types, [&](auto type) { return plain(pldm::name(type)) == name; });
    if (found == pldm::string_types.end())
    {
        object.findings().refuse({}, object.place(key),
                                 "must be ASCII, UTF-8, UTF-16, UTF-16LE or UTF-16BE, or 1 to 5");
        return pldm::StringType::ascii;
    }
    return *found;
}

/// A length that may stand beside the bytes it tells of must not contradict them.
void check_length(MetadataObject& object, const std::string& key, std::size_t size)
{
    if (object.has(key) && object.findings().extended() && object.number(key, 0xFFFFFFFF) != size)
    {
        object.findings().refuse({}, object.place(key),
                                 "contradicts the data, which has " + std::to_string(size) +
                                     " bytes; leave the length out");
    }
}

/// Bytes of a field that the script does not write.
Bytes read_extension_bytes(MetadataObject& object, std::string_view key)
{
    Bytes bytes = object.extension(key) ? object.hex(key) : Bytes{};
    check_length(object, std::string{key} + "Length", bytes.size());
    return bytes;
}

Bytes read_manifest(MetadataObject& object, std::string_view key, const pldm::Content& content)
{
    if (content.revision < 4)
    {
        object.unused(key, "ignored: packages before revision 4 have no reference manifests");
        return {};
    }
    return object.has(key) ? object.hex(key) : Bytes{};
}

pldm::Descriptor read_vendor_descriptor(MetadataObject& object)
{
    return {pldm::vendor_defined, read_string(object, "VendorDefinedDescriptorTitleString"),
            object.hex("VendorDefinedDescriptorData")};
}

/// The script takes only some types for the first descriptor of a record.
void check_type(MetadataObject& object, std::uint64_t type, bool first)
{
    constexpr std::uint64_t last_initial_of_script = 4;
    const bool known =
        type == pldm::vendor_defined || pldm::find_descriptor_type(static_cast<std::uint16_t>(type)) != nullptr;
    const std::string place = object.place("DescriptorType");
    if (first && type > last_initial_of_script && !object.findings().extended())
    {
        object.findings().refuse("ERROR: Initial descriptor type not supported", place,
                                 std::to_string(type) + "; the first descriptor of a record must be of type 0 to 4" +
                                     (known ? ", or write it with --extended" : ""));
    }
    else if (!known)
    {
        object.findings().refuse("ERROR: Descriptor type not supported", place, std::to_string(type) + " is not known");
    }
}

pldm::Descriptor read_descriptor(MetadataObject& object, bool first)
{
    const std::uint64_t type =
        object.number("DescriptorType", 0xFFFF,
                      first ? "ERROR: Initial descriptor type not supported" : "ERROR: Descriptor type not supported");
    check_type(object, type, first);
    object.derived({"DescriptorLength", "VendorDefinedDescriptorTitleStringLength"});
    if (type == pldm::vendor_defined)
    {
        pldm::Descriptor descriptor = read_vendor_descriptor(object);
        object.finish();
        return descriptor;
    }
    pldm::Descriptor descriptor{static_cast<std::uint16_t>(type), {}, object.hex("DescriptorData")};
    const pldm::DescriptorType* const known = pldm::find_descriptor_type(descriptor.type);
    if (known != nullptr && descriptor.data.size() != known->size)
    {
        object.findings().refuse("ERROR: Descriptor type - " + std::string{known->name} + " length is incorrect",
                                 object.place("DescriptorData"),
                                 std::to_string(descriptor.data.size()) + " bytes instead of " +
                                     std::to_string(known->size));
    }
    object.finish();
    return descriptor;
}

std::vector<pldm::Descriptor> read_descriptors(MetadataObject& object)
{
    std::vector<pldm::Descriptor> descriptors;
    for (MetadataObject& descriptor : object.objects("Descriptors"))
    {
        descriptors.push_back(read_descriptor(descriptor, descriptors.empty()));
    }
    return descriptors;
}

/// The documentation has another name for downstream devices than the script reads.
std::vector<std::uint16_t> read_applicable(MetadataObject& object, std::string_view other_name,
                                           const pldm::Content& content)
{
    std::string_view key = "ApplicableComponents";
    if (!other_name.empty() && object.has(other_name) && !object.has(key))
    {
        object.findings().note(object.place(other_name),
                               "taken for ApplicableComponents, which is what pldm_fwup_pkg_creator.py reads");
        key = other_name;
    }
    return object.indexes(key, content.components.size(), "ERROR: Applicable Component index not found.");
}

/// The least version from which on a downstream device activates itself; the script leaves even the type empty.
void read_min_version(MetadataObject& object, pldm::DeviceIdRecord& record)
{
    constexpr std::string_view version = "DownstreamDeviceSelfContainedActivationMinVersionString";
    constexpr std::string_view stamp = "DownstreamDeviceSelfContainedActivationMinVersionComparisonStamp";
    object.derived({version, stamp, "DownstreamDeviceSelfContainedActivationMinVersionStringType",
                    "DownstreamDeviceSelfContainedActivationMinVersionStringLength"});
    if ((record.update_option_flags & pldm::self_contained_activation) != 0)
    {
        record.version = read_string(object, version);
        record.min_version_comparison_stamp = static_cast<std::uint32_t>(object.number(stamp, 0xFFFFFFFF));
        return;
    }
    object.unused(version, "ignored: bit 0 of DownstreamDeviceUpdateOptionFlags is clear");
    object.unused(stamp, "ignored: bit 0 of DownstreamDeviceUpdateOptionFlags is clear");
    record.version.type = object.findings().extended() ? pldm::StringType::ascii : pldm::StringType::unknown;
}

/// Hexadecimal as Python's int(text, 16) takes it: blanks around, a sign, 0x, underscores between digits. The value is
/// capped beyond 32 bits; nothing: not hexadecimal.
std::optional<std::int64_t> parse_hex_number(std::string_view text)
{
    constexpr std::string_view blanks = " \t\n\r\f\v";
    const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
    text = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative || text.starts_with('+') ? 1 : 0);
    const bool prefixed = text.starts_with("0x") || text.starts_with("0X");
    text.remove_prefix(prefixed ? 2 : 0);
    text.remove_prefix(prefixed && text.starts_with('_') ? 1 : 0);
    std::int64_t value = 0;
    bool digit_before = false;
    for (const char each : text)
    {
        const bool joint = each == '_' && digit_before;
        const auto digit = from_hex(std::string{'0', each});
        if (!joint && !digit)
        {
            return std::nullopt;
        }
        value = joint ? value : std::min<std::int64_t>(value * 16 + digit->front(), std::int64_t{1} << 40);
        digit_before = !joint;
    }
    return digit_before ? std::optional{negative ? -value : value} : std::nullopt;
}

std::uint32_t read_comparison_stamp(MetadataObject& object)
{
    constexpr std::string_view key = "ComponentComparisonStamp";
    if (!object.has(key))
    {
        object.findings().refuse(
            "ERROR: ComponentComparisonStamp is required when value '1' is specified in ComponentOptions field",
            object.place(key), "the key is missing; add it, or leave bit 1 out of ComponentOptions");
        return 0;
    }
    const auto stamp = parse_hex_number(object.text(key));
    if (!stamp)
    {
        object.findings().refuse("ERROR: Invalid hex for ComponentComparisonStamp", object.place(key),
                                 "write it as \"0x0102A0FF\"");
        return 0;
    }
    if (*stamp <= 0 || *stamp >= pldm::no_comparison_stamp)
    {
        object.findings().refuse("ERROR: Value for ComponentComparisonStamp  should be  [0x01 - 0xFFFFFFFE] when "
                                 "ComponentOptions bit is set to'1'(UseComponentComparisonStamp)",
                                 object.place(key), "the value is outside of these bounds");
        return 0;
    }
    return static_cast<std::uint32_t>(*stamp);
}

} // namespace

pldm::VersionString read_string(MetadataObject& object, std::string_view key)
{
    const std::string type_key = std::string{key} + "Type";
    object.derived({std::string{key} + "Length"});
    const std::string text = object.text(key);
    if (characters(text) > pldm::longest_string)
    {
        object.findings().refuse(too_long, object.place(key), std::to_string(characters(text)) + " characters");
        return {};
    }
    const bool typed = object.extension(type_key);
    const auto string = pldm::from_utf8(typed ? read_string_type(object, type_key) : pldm::StringType::ascii, text);
    if (!string)
    {
        const bool longer = string.error().kind == ErrorKind::length;
        object.findings().refuse(
            longer ? too_long : "", object.place(key),
            string.error().text +
                (longer || typed ? "" : "; with --extended, " + type_key + " names another type, such as UTF-8"));
        return {};
    }
    return *string;
}

pldm::DeviceIdRecord read_firmware_device(MetadataObject& object, const pldm::Content& content)
{
    pldm::DeviceIdRecord record;
    record.update_option_flags =
        object.bits("DeviceUpdateOptionFlags", 1, "ERROR: unsupported DeviceUpdateOptionFlag entry");
    record.version = read_string(object, "ComponentImageSetVersionString");
    record.reference_manifest = read_manifest(object, "ReferenceManifestData", content);
    record.applicable_components = read_applicable(object, {}, content);
    record.descriptors = read_descriptors(object);
    record.package_data = read_extension_bytes(object, "FirmwareDevicePackageData");
    object.derived({"RecordLength", "DescriptorCount", "ReferenceManifestLength"});
    object.finish();
    return record;
}

pldm::DeviceIdRecord read_downstream_device(MetadataObject& object, const pldm::Content& content)
{
    pldm::DeviceIdRecord record;
    record.update_option_flags = object.bits("DownstreamDeviceUpdateOptionFlags", pldm::self_contained_activation,
                                             "ERROR: unsupported DownstreamDeviceUpdateOptionFlag entry");
    read_min_version(object, record);
    record.reference_manifest = read_manifest(object, "DownstreamDeviceReferenceManifestData", content);
    record.applicable_components = read_applicable(object, "DownstreamDeviceApplicableComponents", content);
    record.descriptors = read_descriptors(object);
    record.package_data = read_extension_bytes(object, "DownstreamDevicePackageData");
    object.derived(
        {"DownstreamDeviceRecordLength", "DownstreamDeviceDescriptorCount", "DownstreamDeviceReferenceManifestLength"});
    object.finish();
    return record;
}

pldm::ComponentImage read_component(MetadataObject& object, const pldm::FormatRevision& revision)
{
    pldm::ComponentImage image;
    image.classification = static_cast<std::uint16_t>(
        object.number("ComponentClassification", 0xFFFF, "ERROR: ComponentClassification should be [0x0000 - 0xFFFF]"));
    image.identifier = static_cast<std::uint16_t>(
        object.number("ComponentIdentifier", 0xFFFF, "ERROR: ComponentIdentifier should be [0x0000 - 0xFFFF]"));
    image.options = static_cast<std::uint16_t>(
        object.bits("ComponentOptions", 0x07,
                    "ERROR: unsupported ComponentOption in                    ComponentImageInformationArea section"));
    if ((image.options & pldm::use_component_comparison_stamp) != 0)
    {
        image.comparison_stamp = read_comparison_stamp(object);
    }
    image.requested_activation_method = static_cast<std::uint16_t>(
        object.bits("RequestedComponentActivationMethod", object.findings().extended() ? 0xFF : 0x3F,
                    "ERROR: unsupported RequestedComponent                        ActivationMethod entry"));
    image.version = read_string(object, "ComponentVersionString");
    if (revision.has_opaque_data())
    {
        image.opaque_data = read_extension_bytes(object, "ComponentOpaqueData");
    }
    else
    {
        object.unused("ComponentOpaqueData", "ignored: packages before revision 3 have no opaque data");
    }
    object.derived(
        {"ComponentComparisonStamp", "ComponentLocationOffset", "ComponentSize", "ComponentOpaqueDataLength"});
    object.finish();
    return image;
}

} // namespace fwupdate::tools
