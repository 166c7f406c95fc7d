#include "common/package/writer.hpp"

#include "tests/common/package/sample.hpp"
#include "tests/common/result_printing.hpp"

using namespace fwupdate;
using namespace fwupdate::pldm;
using namespace fwupdate::pldm::test;

namespace
{

Content small(std::uint8_t revision = 1)
{
    Content content;
    content.revision = revision;
    content.identifier = find_revision(revision)->identifier;
    content.release_date_time = {0, {}, 0, 0, 0, 1, 1, 2026, 0};
    content.component_bitmap_bit_length = 8;
    content.version.bytes = "v";
    content.firmware_devices = {{0, {StringType::ascii, "s"}, {}, {0}, {{0, {}, {1, 2}}}, {}, {}}};
    content.components = {{10, 1, no_comparison_stamp, 0, 0, 0, 4, {StringType::ascii, "c"}, {}}};
    return content;
}

Error refused(Content content, Tolerance tolerance = Tolerance::none)
{
    const auto total = place_components(content);
    if (!total)
    {
        return total.error();
    }
    const auto header = encode_header(content, *total, tolerance);
    REQUIRE(!header);
    return header.error();
}

void check_field(const Error& error, std::string_view field)
{
    CAPTURE(error.text);
    CHECK(error.text.starts_with(field));
}

} // namespace

TEST_CASE("the smallest package has the bytes of the script's")
{
    const Bytes expected = vector_package("v03-minimal-1comp-1byte");
    const auto package = Package::parse(expected, expected.size());
    REQUIRE(package);
    Content content = package->content();
    content.components[0].location_offset = 0;
    CHECK(place_components(content).value() == expected.size());
    Bytes bytes = encode_header(content, expected.size())->bytes;
    bytes.push_back(expected.back());
    CHECK(bytes == expected);
}

TEST_CASE("what does not fit its field is refused with the field's name")
{
    Content content = small();
    content.revision = 5;
    check_field(refused(content), "PackageHeaderFormatRevision: revision 5 ");
    content = small();
    content.version.bytes = std::string(256, 'a');
    check_field(refused(content), "PackageVersionStringLength: 256; the most is 255");
    content = small();
    content.firmware_devices.resize(256, content.firmware_devices[0]);
    check_field(refused(content), "DeviceIDRecordCount: 256");
    content = small();
    content.firmware_devices[0].descriptors.resize(256, content.firmware_devices[0].descriptors[0]);
    check_field(refused(content), "FirmwareDeviceIDRecords[0].DescriptorCount: 256");
    content = small();
    content.firmware_devices[0].package_data.resize(65536);
    check_field(refused(content), "FirmwareDeviceIDRecords[0].RecordLength: 65555; the most is 65535");
    content = small(2);
    content.downstream_devices = content.firmware_devices;
    content.downstream_devices[0].descriptors = {{vendor_defined, VersionString{StringType::ascii, ""}, Bytes(65534)}};
    check_field(refused(content), "DownstreamDeviceIDRecords[0].RecordDescriptors[0].DescriptorLength: 65536");
    content = small();
    content.components.resize(65536, content.components[0]);
    check_field(refused(content), "ComponentImageCount: 65536");
    content = small(3);
    content.components[0].opaque_data.resize(65536);
    check_field(refused(content), "PackageHeaderSize: ");
}

TEST_CASE("what the reader would refuse is not written")
{
    Content content = small();
    content.identifier = find_revision(2)->identifier;
    check_field(refused(content), "PackageHeaderIdentifier at offset 0: ");
    content = small();
    content.components.clear();
    check_field(refused(content), "ComponentImageCount at offset ");
    content = small();
    content.component_bitmap_bit_length = 9;
    check_field(refused(content), "ComponentBitmapBitLength at offset 32");
    content = small();
    content.firmware_devices[0].applicable_components = {8};
    check_field(refused(content), "FirmwareDeviceIDRecords[0].ApplicableComponents: component 8 has no bit");
    content.firmware_devices[0].applicable_components = {1};
    check_field(refused(content), "FirmwareDeviceIDRecords[0].ApplicableComponents at offset ");
    content = small();
    content.firmware_devices[0].descriptors[0].data.push_back(0);
    check_field(refused(content), "FirmwareDeviceIDRecords[0].RecordDescriptors[0].DescriptorLength at offset ");
    content = small();
    content.firmware_devices[0].descriptors.clear();
    check_field(refused(content), "FirmwareDeviceIDRecords[0].DescriptorCount at offset ");
    content = small();
    content.version.type = StringType::unknown;
    check_field(refused(content), "PackageVersionString at offset 36");
}

TEST_CASE("what a revision has no place for is not dropped in silence")
{
    const std::string_view reason = "the package would not say what was asked for";
    Content content = small(1);
    content.downstream_devices = content.firmware_devices;
    check_field(refused(content), reason);
    content = small(2);
    content.components[0].opaque_data = {1};
    check_field(refused(content), reason);
    content = small(3);
    content.firmware_devices[0].reference_manifest = {1};
    CHECK(refused(content).kind == ErrorKind::length); // its bytes are in the record, but no length tells of them
    content = small(3);
    content.payload_checksum = 1;
    check_field(refused(content), reason);
    content = small(1);
    content.firmware_devices[0].applicable_components = {0, 0};
    check_field(refused(content), reason);
}

TEST_CASE("what the script writes against the specification passes with its tolerance and a warning")
{
    Content content = small();
    content.identifier = find_revision(2)->identifier;
    content.firmware_devices[0].descriptors.clear();
    const std::uint64_t total = place_components(content).value();
    const auto header = encode_header(content, total, Tolerance::script);
    REQUIRE(header);
    CHECK(header->warnings.size() == 2);
}

TEST_CASE("images beyond 4 GiB")
{
    Content content = small();
    content.components.resize(3, content.components[0]);
    content.components[0].size = 0xFFFFFFFF;
    check_field(refused(content), "ComponentImageInformation[1].ComponentLocationOffset: ");
    content.components.resize(1);
    const std::uint64_t total = place_components(content).value();
    CHECK(total > 0xFFFFFFFF);
    CHECK(encode_header(content, total)); // the last one may end beyond
}
