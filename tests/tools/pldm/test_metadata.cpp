#include "tools/pldm/metadata.hpp"

#include "tests/common/result_printing.hpp"
#include "tests/tools/pldm/workbench.hpp"

using namespace fwupdate;
using namespace fwupdate::tools;
using namespace fwupdate::tools::test;

namespace
{

/// The metadata with one member changed; `pointer` is a JSON pointer.
Json with(std::string_view vector, const std::string& pointer, Json value)
{
    Json metadata = metadata_of(vector);
    metadata[Json::json_pointer{pointer}] = std::move(value);
    return metadata;
}

Result<Metadata> read(const Json& metadata, bool extended = false)
{
    return read_metadata(metadata.dump(), metadata["ComponentImageInformationArea"].size(), extended);
}

void check_refused(const std::string& pointer, const Json& value, std::string_view text)
{
    CAPTURE(pointer);
    CAPTURE(value.dump());
    const auto metadata = read(with("v07-1.3-downstream-selfcontained", pointer, value));
    REQUIRE(!metadata);
    CAPTURE(metadata.error().text);
    CHECK(metadata.error().text.starts_with(text));
}

} // namespace

TEST_CASE("each mistake in the script's words, if it has some, with its place")
{
    const std::string header = "/PackageHeaderInformation/";
    const std::string device = "/FirmwareDeviceIdentificationArea/0/";
    const std::string downstream = "/DownstreamDeviceIdentificationArea/1/";
    const std::string component = "/ComponentImageInformationArea/2/";
    check_refused(header + "PackageHeaderFormatVersion", -1, "ERROR: Unsupported package format version -1\n");
    check_refused(header + "PackageHeaderFormatVersion", 260, "ERROR: Unsupported package format version 260\n");
    check_refused(header + "PackageHeaderFormatVersion", "1",
                  "ERROR: PackageHeaderInformation.PackageHeaderFormatVersion: "
                  "must be a whole number, not string");
    check_refused(header + "PackageHeaderIdentifier", "7B2",
                  "ERROR: PackageHeaderInformation.PackageHeaderIdentifier: an odd");
    check_refused(header + "PackageReleaseDateTime", "\x1B[2J", "Can't parse release date '?[2J'\n");
    check_refused(header + "PackageVersionString", "\xC3\xBC",
                  "ERROR: PackageHeaderInformation.PackageVersionString: the bytes are not ASCII; with --extended, ");
    check_refused(header + "PackageVersionString", 1,
                  "ERROR: PackageHeaderInformation.PackageVersionString: must be a string");
    check_refused(device + "DeviceUpdateOptionFlags", Json::array({0, 32}),
                  "ERROR: unsupported DeviceUpdateOptionFlag entry\n");
    check_refused(device + "DeviceUpdateOptionFlags", 0,
                  "ERROR: FirmwareDeviceIdentificationArea[0].DeviceUpdateOptionFlags: "
                  "must be a list");
    check_refused(device + "ApplicableComponents", Json::array({-1}), "ERROR: Applicable Component index not found.\n");
    check_refused(device + "ReferenceManifestData", "0g",
                  "ERROR: FirmwareDeviceIdentificationArea[0].ReferenceManifestData: 'g'");
    check_refused(device + "ComponentImageSetVersionString", std::string(256, 'a'),
                  "ERROR: Max permitted string length is 255\n");
    check_refused(device + "Descriptors/0/DescriptorType", 65536, "ERROR: Initial descriptor type not supported\n");
    check_refused(device + "Descriptors/0/DescriptorType", 65535, "ERROR: Initial descriptor type not supported\n");
    check_refused(device + "Descriptors/1/DescriptorType", 12, "ERROR: Descriptor type not supported\n");
    check_refused(device + "Descriptors/0/DescriptorData", "00", "ERROR: Descriptor type - UUID length is incorrect\n");
    check_refused(device + "Descriptors/2/VendorDefinedDescriptorTitleString", std::string(256, 'a'),
                  "ERROR: Max permitted string length is 255\n");
    check_refused(downstream + "DownstreamDeviceUpdateOptionFlags", Json::array({1}),
                  "ERROR: unsupported DownstreamDeviceUpdateOptionFlag entry\n");
    check_refused(
        downstream + "DownstreamDeviceSelfContainedActivationMinVersionComparisonStamp", 4294967296U,
        "ERROR: DownstreamDeviceIdentificationArea[1].DownstreamDeviceSelfContainedActivationMinVersionComparison");
    check_refused(component + "ComponentClassification", 65536,
                  "ERROR: ComponentClassification should be [0x0000 - 0xFFFF]\n");
    check_refused(component + "ComponentIdentifier", -1, "ERROR: ComponentIdentifier should be [0x0000 - 0xFFFF]\n");
    check_refused(component + "ComponentIdentifier", 1.5,
                  "ERROR: ComponentImageInformationArea[2].ComponentIdentifier: must");
    check_refused(component + "ComponentOptions", Json::array({3}),
                  "ERROR: unsupported ComponentOption in                    ComponentImageInformationArea section\n");
    check_refused(component + "RequestedComponentActivationMethod", Json::array({6}),
                  "ERROR: unsupported RequestedComponent                        ActivationMethod entry\n");
    check_refused("/ComponentImageInformationArea/1", 5, "ERROR: ComponentImageInformationArea[1]: must be an object");
    check_refused("/PackageHeaderInformation", nullptr, "ERROR: PackageHeaderInformation: must be an object");
}

TEST_CASE("a missing key is named with its place")
{
    Json metadata = metadata_of("ex1.0.0");
    metadata["ComponentImageInformationArea"][1].erase("ComponentVersionString");
    CHECK(read(metadata).error().text ==
          "ERROR: ComponentImageInformationArea[1].ComponentVersionString: the key is missing; add it");
    metadata.erase("PackageHeaderInformation");
    CHECK(read(metadata).error().text == "ERROR: PackageHeaderInformation: the key is missing; add it");
    CHECK(read_metadata("{}", 1, false).error().text ==
          "ERROR: ComponentImageInformationArea: the key is missing; add it");
    CHECK(read_metadata("[]", 1, false).error().text == "ERROR: the metadata: must be an object, {...}");
    CHECK(read_metadata("", 1, false).error().text.starts_with("ERROR: Invalid metadata JSON file\n"));
    CHECK(read_metadata("{\"a\": \"\xFF\"}", 1, false).error().text.starts_with("ERROR: Invalid metadata JSON file\n"));
    const std::string deep = std::string(200000, '[') + std::string(200000, ']');
    CHECK(read_metadata("{\"ComponentImageInformationArea\": [{}], \"PackageHeaderInformation\": "
                        "{\"PackageHeaderIdentifier\": \"\", \"PackageHeaderFormatVersion\": " +
                            deep + "}}",
                        1, true)
              .error()
              .text.starts_with("ERROR: PackageHeaderInformation."));
    CHECK(read_metadata("{\"ComponentImageInformationArea\": [{}], \"PackageHeaderInformation\": "
                        "{\"PackageHeaderFormatVersion\": " +
                            deep + "}}",
                        1, true)
              .error()
              .text.starts_with("ERROR: PackageHeaderInformation.PackageHeaderFormatVersion: must be a whole number"));
    CHECK(read_metadata(std::string(200000, '['), 1, false).error().text.starts_with("ERROR: Invalid"));
}

TEST_CASE("comparison stamps as Python reads them")
{
    const auto stamp = [](const Json& value) -> std::optional<std::uint32_t>
    {
        const auto metadata = read(with("ex1.0.0", "/ComponentImageInformationArea/0/ComponentComparisonStamp", value));
        return metadata ? std::optional{metadata->content.components[0].comparison_stamp} : std::nullopt;
    };
    for (const char* good : {"0x12ab", "12AB", " 0X12ab\n", "+12ab", "0x_12ab", "1_2_a_b", "0000000000000012ab"})
    {
        CAPTURE(good);
        CHECK(stamp(good) == 0x12AB);
    }
    for (const char* bad : {"", "0x", "  ", "12__ab", "_12", "12_", "1 2", "0xg", "-12", "0", "-0", "FFFFFFFF",
                            "100000001", "fffffffffffffffffffffffffffffff1", "0x0x1", "--1"})
    {
        CAPTURE(bad);
        CHECK(!stamp(bad));
    }
    CHECK(!stamp(4779));
    CHECK(stamp("FFFFFFFE") == 0xFFFFFFFE);
}

TEST_CASE("Python's habits: true is 1, the last of two equal keys counts, blanks between bytes")
{
    Json metadata = with("ex1.0.0", "/ComponentImageInformationArea/0/ComponentIdentifier", true);
    metadata["FirmwareDeviceIdentificationArea"][0]["Descriptors"][1]["DescriptorData"] = "47 16\t00\n 00 ";
    std::string text = metadata.dump();
    const std::size_t at = text.find("\"ComponentIdentifier\":200");
    REQUIRE(at != std::string::npos);
    text.insert(at, "\"ComponentIdentifier\":9,");
    const auto read = read_metadata(text, 3, false);
    REQUIRE(read);
    CHECK(read->content.components[0].identifier == 1);
    CHECK(read->content.components[1].identifier == 200);
    CHECK(to_hex(read->content.firmware_devices[0].descriptors[1].data) == "47160000");
}

TEST_CASE("the documentation's name of a downstream device's components")
{
    Json metadata = metadata_of("v07-1.3-downstream-selfcontained");
    Json& device = metadata["DownstreamDeviceIdentificationArea"][0];
    device["DownstreamDeviceApplicableComponents"] = Json::array({2, 0, 2});
    device.erase("ApplicableComponents");
    const auto read_back = read(metadata);
    REQUIRE(read_back);
    CHECK(read_back->content.downstream_devices[0].applicable_components == std::vector<std::uint16_t>{0, 2});
    CHECK(read_back->notes.size() == 1);
}

TEST_CASE("thousands of notes are told in few")
{
    Json metadata = metadata_of("ex1.0.0");
    for (int at = 0; at < 300; ++at)
    {
        metadata["unknown " + std::to_string(at)] = at;
    }
    const auto notes = read(metadata)->notes;
    REQUIRE(notes.size() == 101);
    CHECK(notes.back() == "and 200 more");
}
