#include "tools/pldm/metadata.hpp"

#include "tools/pldm/metadata_records.hpp"
#include "tools/pldm/release_date.hpp"

#include <algorithm>

namespace fwupdate::tools
{
namespace
{

constexpr std::size_t most_components_of_script = 32;
constexpr std::size_t most_components = 0xFFF8; ///< a bitmap's length has 16 bits and is a multiple of 8
constexpr std::size_t most_records = 255;

/// Both spellings: the script has always read one, its documentation has always said the other.
std::uint64_t read_revision(MetadataObject& header)
{
    constexpr std::string_view read = "PackageHeaderFormatVersion";
    constexpr std::string_view documented = "PackageHeaderFormatRevision";
    std::string_view key = read;
    if (header.has(documented) && !header.has(read))
    {
        header.findings().note(header.place(documented),
                               "taken for PackageHeaderFormatVersion, which is what pldm_fwup_pkg_creator.py reads");
        key = documented;
    }
    else
    {
        header.unused(documented, "ignored, as PackageHeaderFormatVersion is there");
    }
    constexpr std::uint64_t any = 0x7FFFFFFF;
    const Json* const value = header.value(key);
    const bool number = value != nullptr && value->is_number(); // anything else may be nested without end
    return header.number(key, any, "ERROR: Unsupported package format version " + (number ? value->dump() : ""));
}

void read_identifier(MetadataObject& header, pldm::Content& content)
{
    constexpr std::string_view key = "PackageHeaderIdentifier";
    if (header.findings().extended() && !header.has(key))
    {
        return; // follows from the revision
    }
    const Bytes identifier = header.hex(key);
    if (identifier.size() != content.identifier.size())
    {
        header.findings().refuse({}, header.place(key), "must have 16 bytes, not " + std::to_string(identifier.size()));
        return;
    }
    std::ranges::copy(identifier, content.identifier.begin());
}

void read_date(MetadataObject& header, pldm::Content& content)
{
    constexpr std::string_view key = "PackageReleaseDateTime";
    if (!header.has(key) || header.value(key)->is_null())
    {
        content.release_date_time = local_time_now();
        return;
    }
    const std::string text = header.text(key);
    const auto date = parse_release_date(text);
    if (!date)
    {
        header.findings().refuse("Can't parse release date '" + printable(text) + "'", header.place(key),
                                 "write it as 2026-01-31T12:00:00");
        return;
    }
    content.release_date_time = *date;
}

void read_bitmap_length(MetadataObject& header, std::size_t components, pldm::Content& content)
{
    const bool extended = header.findings().extended();
    const std::size_t most = extended ? most_components : most_components_of_script;
    if (components > most)
    {
        header.findings().refuse(extended ? "" : "ERROR: only up to 32 components supported now",
                                 "ComponentImageInformationArea",
                                 std::to_string(components) + " components; " +
                                     (extended ? "a package can't have so many" : "--extended writes more than 32"));
        return;
    }
    content.component_bitmap_bit_length = static_cast<std::uint16_t>((components + 7) / 8 * 8);
    if (header.extension("ComponentBitmapBitLength"))
    {
        content.component_bitmap_bit_length =
            static_cast<std::uint16_t>(header.number("ComponentBitmapBitLength", most_components));
    }
}

void read_header(MetadataObject& root, std::size_t components, pldm::Content& content)
{
    MetadataObject header = root.object("PackageHeaderInformation");
    MetadataFindings& findings = header.findings();
    read_identifier(header, content);
    const std::uint64_t number = read_revision(header);
    read_date(header, content);
    read_bitmap_length(header, components, content);
    content.version = read_string(header, "PackageVersionString");
    const pldm::FormatRevision* const revision =
        number > pldm::newest_revision ? nullptr : pldm::find_revision(static_cast<std::uint8_t>(number));
    if (revision == nullptr)
    {
        findings.refuse("ERROR: Unsupported package format version " + std::to_string(number),
                        header.place("PackageHeaderFormatVersion"), "must be 1 to 4");
        return;
    }
    content.revision = revision->number;
    if (content.identifier == pldm::Identifier{} && !header.has("PackageHeaderIdentifier"))
    {
        content.identifier = revision->identifier;
    }
    header.derived({"PackageHeaderSize", "PackageVersionStringLength"});
    header.finish();
}

std::vector<MetadataObject> read_records(MetadataObject& root, std::string_view key, std::string_view words)
{
    std::vector<MetadataObject> records = root.objects(key);
    if (records.size() > most_records)
    {
        root.findings().refuse(words, key, std::to_string(records.size()) + " entries");
        records.clear();
    }
    return records;
}

void read_downstream_area(MetadataObject& root, pldm::Content& content)
{
    constexpr std::string_view key = "DownstreamDeviceIdentificationArea";
    if (content.revision < 2)
    {
        root.unused(key, "ignored: packages of revision 1 have no downstream devices");
        return;
    }
    if (!root.has(key))
    {
        return;
    }
    auto devices = read_records(root, key,
                                "ERROR: there can be only upto 255 entries in the                 "
                                "FirmwareDeviceIdentificationArea section");
    for (MetadataObject& device : devices)
    {
        content.downstream_devices.push_back(read_downstream_device(device, content));
    }
}

void read_areas(MetadataObject& root, std::vector<MetadataObject>& components, pldm::Content& content)
{
    content.components.resize(components.size()); // device records name them by index
    auto devices = read_records(root, "FirmwareDeviceIdentificationArea",
                                "ERROR: there can be only up to 255 entries in the                 "
                                "FirmwareDeviceIdentificationArea section");
    for (MetadataObject& device : devices)
    {
        content.firmware_devices.push_back(read_firmware_device(device, content));
    }
    read_downstream_area(root, content);
    const pldm::FormatRevision& revision = *pldm::find_revision(content.revision);
    for (std::size_t at = 0; at < components.size(); ++at)
    {
        content.components[at] = read_component(components[at], revision);
    }
    root.derived({"PackageHeaderChecksum", "PackagePayloadChecksum"});
    root.finish();
}

Result<Metadata> read(const Json& json, std::size_t images, bool extended)
{
    MetadataFindings findings{extended};
    MetadataObject root{&json, {}, findings};
    Metadata metadata;
    auto components = root.objects("ComponentImageInformationArea");
    if (components.size() != images)
    {
        findings.refuse("ERROR: number of images passed != number of entries             in "
                        "ComponentImageInformationArea",
                        "ComponentImageInformationArea",
                        std::to_string(components.size()) + " entries, but " + std::to_string(images) +
                            " images; name one image for each entry, in the same order");
    }
    read_header(root, components.size(), metadata.content);
    if (!findings.failure())
    {
        read_areas(root, components, metadata.content);
    }
    if (findings.failure())
    {
        return *findings.failure();
    }
    metadata.notes = findings.notes();
    return metadata;
}

} // namespace

Result<Metadata> read_metadata(std::string_view text, std::size_t images, bool extended)
{
    Json json;
    try
    {
        json = Json::parse(text);
    }
    catch (const Json::exception& error)
    {
        const std::string_view what = error.what();
        const std::size_t reason = what.find("] ");
        return fail(ErrorKind::invalid_field,
                    "ERROR: Invalid metadata JSON file\n  " +
                        printable(reason == std::string_view::npos ? what : what.substr(reason + 2)));
    }
    return read(json, images, extended);
}

} // namespace fwupdate::tools
