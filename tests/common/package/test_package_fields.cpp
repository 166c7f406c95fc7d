// One wrong field at a time, with a right checksum: what is refused, and with which words.
#include "tests/common/package/sample.hpp"
#include "tests/common/result_printing.hpp"

using namespace fwupdate;
using namespace fwupdate::pldm;
using namespace fwupdate::pldm::test;

namespace
{

/// A package of a revision that uses all areas, each image 10 bytes.
Content sample(std::uint8_t revision)
{
    Content content;
    content.revision = revision;
    content.identifier = find_revision(revision)->identifier;
    content.release_date_time = {0, {}, 1, 2, 3, 4, 5, 2026, 0};
    content.component_bitmap_bit_length = 8;
    content.version.bytes = "v1";
    DeviceIdRecord device{0, {StringType::ascii, "s"}, {}, {0, 1}, {{2, {}, Bytes(16)}}, {1, 2}, {}};
    device.descriptors.push_back({vendor_defined, VersionString{StringType::utf8, "t"}, {9}});
    content.firmware_devices = {device};
    if (revision >= 2)
    {
        device.update_option_flags = self_contained_activation;
        device.min_version_comparison_stamp = 7;
        content.downstream_devices = {device};
    }
    for (std::uint16_t identifier = 1; identifier <= 2; ++identifier)
    {
        content.components.push_back({10, identifier, no_comparison_stamp, 0, 1, 0, 10, {StringType::ascii, "c"}, {}});
    }
    REQUIRE(place_components(content));
    return content;
}

struct Made
{
    Bytes header;
    std::uint64_t total{};
    std::uint8_t revision{};
};

Made make(const Content& content)
{
    const ComponentImage& last = content.components.back();
    const std::uint64_t total = std::uint64_t{last.location_offset} + last.size;
    auto header = encode_header(content, total);
    REQUIRE(header);
    return {std::move(header->bytes), total, content.revision};
}

/// The answer to a header with these bytes in place of its own.
Result<Package> with(Made made, std::size_t at, const Bytes& bytes, Tolerance tolerance = Tolerance::none)
{
    REQUIRE(at + bytes.size() <= made.header.size());
    std::ranges::copy(bytes, made.header.begin() + static_cast<std::ptrdiff_t>(at));
    repair_checksum(made.header, made.revision);
    return Package::parse(made.header, made.total, tolerance);
}

void check_refused(const Result<Package>& result, ErrorKind kind, std::string_view field)
{
    REQUIRE(!result);
    CAPTURE(result.error().text);
    CHECK(result.error().kind == kind);
    CHECK(result.error().text.starts_with(std::string{field} + ": "));
}

void check_warned(const Result<Package>& result, std::string_view field)
{
    REQUIRE(result);
    REQUIRE(result->warnings().size() == 1);
    CHECK(result->warnings()[0].starts_with(std::string{field} + ": "));
}

// Offsets in sample(1): 38 DeviceIDRecordCount, 39 the record of 48 bytes (its bitmap 50, descriptors from 52: UUID,
// then vendor defined from 72, package data 80), 82 ComponentImageCount, 84 and 107 the components.
Made first()
{
    return make(sample(1));
}

} // namespace

TEST_CASE("the samples are good")
{
    for (std::uint8_t revision = 1; revision <= newest_revision; ++revision)
    {
        const Made made = make(sample(revision));
        const auto package = Package::parse(made.header, made.total);
        REQUIRE(package);
        CHECK(package->warnings().empty());
    }
    CHECK(first().header.size() == 84 + 2 * 23 + 4);
}

TEST_CASE("header information")
{
    check_refused(with(first(), 32, {7, 0}), ErrorKind::invalid_field, "ComponentBitmapBitLength at offset 32");
    check_refused(with(first(), 34, {0}), ErrorKind::invalid_field, "PackageVersionString at offset 36");
    check_refused(with(first(), 34, {6}), ErrorKind::invalid_field, "PackageVersionString at offset 36");
    check_refused(with(first(), 36, {0x80}), ErrorKind::invalid_field, "PackageVersionString at offset 36");
    check_refused(with(first(), 35, {255}), ErrorKind::length, "PackageVersionString at offset 36");
    check_warned(with(first(), 27, {32}), "PackageReleaseDateTime at offset 19");
    check_warned(with(first(), 28, {0}), "PackageReleaseDateTime at offset 19");
    check_warned(with(first(), 21, {0x40, 0x42, 0x0F}),
                 "PackageReleaseDateTime at offset 19"); // 1,000,000 microseconds
}

TEST_CASE("a bitmap that is too small for the components")
{
    Content content = sample(1);
    content.components.resize(9, content.components[0]);
    for (ComponentImage& image : content.components)
    {
        image.size = 0;
    }
    content.component_bitmap_bit_length = 16;
    REQUIRE(place_components(content));
    content.firmware_devices.clear();
    const Made made = make(content);
    check_refused(with(made, 32, {8, 0}), ErrorKind::invalid_field, "ComponentBitmapBitLength at offset 32");
}

TEST_CASE("device records")
{
    const std::string record = "FirmwareDeviceIDRecords[0].";
    check_refused(with(first(), 38, {2}), ErrorKind::length, "FirmwareDeviceIDRecords[1].RecordLength at offset 82");
    check_refused(with(first(), 39, {10, 0}), ErrorKind::length, record + "RecordLength at offset 39");
    check_refused(with(first(), 39, {0xFF, 0xFF}), ErrorKind::length, record + "RecordLength at offset 39");
    check_refused(with(first(), 39, {11, 0}), ErrorKind::length, record + "ApplicableComponents at offset 50");
    check_refused(with(first(), 41, {0}), ErrorKind::invalid_field, record + "DescriptorCount at offset 41");
    check_refused(with(first(), 41, {3}), ErrorKind::length,
                  record + "RecordDescriptors[2].DescriptorLength at offset 82"); // package data for a head
    check_refused(with(first(), 46, {0}), ErrorKind::invalid_field,
                  record + "ComponentImageSetVersionString at offset 51");
    check_refused(with(first(), 48, {1, 0}), ErrorKind::length, record + "RecordLength at offset 39");
    check_refused(with(first(), 48, {3, 0}), ErrorKind::length, record + "FirmwareDevicePackageData at offset 80");
    check_refused(with(first(), 50, {0x07}), ErrorKind::out_of_range, record + "ApplicableComponents at offset 50");
    check_warned(with(first(), 42, {2}), record + "DeviceUpdateOptionFlags at offset 42");
    CHECK(with(first(), 50, {0x02})->content().firmware_devices[0].applicable_components ==
          std::vector<std::uint16_t>{1});
}

TEST_CASE("descriptors")
{
    const std::string at = "FirmwareDeviceIDRecords[0].RecordDescriptors";
    check_refused(with(first(), 52, {1, 0}), ErrorKind::length, at + "[0].DescriptorLength at offset 54");
    check_refused(with(first(), 54, {0xFF, 0xFF}), ErrorKind::length, at + "[0].DescriptorData at offset 56");
    check_refused(with(first(), 74, {1, 0}), ErrorKind::length,
                  at + "[1].VendorDefinedDescriptorTitleStringLength at offset 77");
    check_refused(with(first(), 77, {3}), ErrorKind::length,
                  at + "[1].VendorDefinedDescriptorTitleString at offset 78");
    check_refused(with(first(), 76, {0}), ErrorKind::invalid_field,
                  at + "[1].VendorDefinedDescriptorTitleString at offset 78");
    check_warned(with(first(), 72, {0x0C, 0x01}), at + "[1].DescriptorType at offset 72"); // unknown
    check_warned(with(first(), 52, {0x0C, 0x01}), at + "[0].DescriptorType at offset 52");
    check_warned(with(first(), 52, {0x08, 0x01}),
                 at + "[0].DescriptorType at offset 52"); // SCSI product, not an initial one
}

TEST_CASE("components")
{
    const std::string one = "ComponentImageInformation[0].";
    const std::string two = "ComponentImageInformation[1].";
    check_refused(with(first(), 82, {0, 0}), ErrorKind::invalid_field, "ComponentImageCount at offset 82");
    check_refused(with(first(), 82, {1, 0}), ErrorKind::out_of_range,
                  "FirmwareDeviceIDRecords[0].ApplicableComponents at offset 50");
    check_refused(with(first(), 82, {3, 0}), ErrorKind::length,
                  "ComponentImageInformation[2].ComponentClassification at offset 130");
    check_refused(with(first(), 96, {133, 0}), ErrorKind::out_of_range, one + "ComponentLocationOffset at offset 96");
    check_refused(with(first(), 96, {0, 0}), ErrorKind::out_of_range, one + "ComponentLocationOffset at offset 96");
    check_refused(with(first(), 123, {11}), ErrorKind::out_of_range, two + "ComponentSize at offset 123");
    check_refused(with(first(), 123, {0xFF, 0xFF, 0xFF, 0xFF}), ErrorKind::out_of_range,
                  two + "ComponentSize at offset 123");
    check_refused(with(first(), 119, {0xFF, 0xFF, 0xFF, 0xFF}), ErrorKind::out_of_range,
                  two + "ComponentSize at offset 123");
    check_refused(with(first(), 100, {11}), ErrorKind::out_of_range, two + "ComponentLocationOffset at offset 119");
    check_refused(with(first(), 119, {134}), ErrorKind::out_of_range, two + "ComponentLocationOffset at offset 119");
    check_refused(with(first(), 104, {0}), ErrorKind::invalid_field, one + "ComponentVersionString at offset 106");
    check_refused(with(first(), 128, {2}), ErrorKind::length, two + "ComponentVersionString at offset 129");
    check_warned(with(first(), 84, {14, 0}), one + "ComponentClassification at offset 84");
    check_warned(with(first(), 88, {1}), one + "ComponentComparisonStamp at offset 88");
    check_warned(with(first(), 92, {2, 0}), one + "ComponentComparisonStamp at offset 88");
    check_warned(with(first(), 92, {8, 0}), one + "ComponentOptions at offset 92");
    check_warned(with(first(), 94, {0, 1}), one + "RequestedComponentActivationMethod at offset 94");
    check_warned(with(first(), 100, {9}), "the payload at offset 134"); // a gap of one byte
    CHECK(with(first(), 100, {0})->warnings().size() == 2);             // empty, and ten bytes of nobody
}

TEST_CASE("an empty image lies nowhere: it overlaps nothing")
{
    Content content = sample(1);
    content.components[0].size = 0;
    REQUIRE(place_components(content));
    content.components[0].location_offset += 5; // inside of the second
    const auto package = Package::parse(make(content).header, make(content).total);
    REQUIRE(package);
    CHECK(package->warnings().size() == 1);
}

TEST_CASE("areas of later revisions")
{
    const Made second = make(sample(2));
    const std::string record = "DownstreamDeviceIDRecords[0].";
    check_refused(with(second, 82, {2}), ErrorKind::length,
                  "DownstreamDeviceIDRecords[1].DownstreamDeviceRecordLength at offset 130");
    // From 83 on: the record of 47 bytes, with one more field than a firmware device's.
    check_refused(with(second, 86, {0}), ErrorKind::length, record + "DownstreamDeviceRecordLength at offset 83");
    check_refused(with(second, 90, {0}), ErrorKind::invalid_field,
                  record + "DownstreamDeviceSelfContainedActivationMinVersionString at offset 95");
    check_refused(with(second, 83, {46}), ErrorKind::length, record + "DownstreamDevicePackageData at offset 128");
    const Made third = make(sample(3));
    const std::size_t opaque = third.header.size() - 8;
    check_refused(with(third, opaque, {0xFF, 0xFF, 0xFF, 0xFF}), ErrorKind::length,
                  "ComponentImageInformation[1].ComponentOpaqueData at offset " + std::to_string(opaque + 4));
    const Made fourth = make(sample(4));
    check_refused(with(fourth, 50, {1}), ErrorKind::length,
                  "FirmwareDeviceIDRecords[0].ReferenceManifestData at offset 86");
    check_refused(with(fourth, 50, {0xFF, 0xFF, 0xFF, 0xFF}), ErrorKind::length,
                  "FirmwareDeviceIDRecords[0].ReferenceManifestData at offset 86");
}

TEST_CASE("a downstream device that does not activate itself")
{
    Content content = sample(2);
    DeviceIdRecord& device = content.downstream_devices[0];
    device.update_option_flags = 0;
    device.min_version_comparison_stamp.reset();
    device.version = {};
    REQUIRE(place_components(content));
    Made made = make(content);
    CHECK(Package::parse(made.header, made.total)->warnings().empty()); // type 1, length 0
    const std::string field =
        "DownstreamDeviceIDRecords[0].DownstreamDeviceSelfContainedActivationMinVersionStringType "
        "at offset 90";
    check_refused(with(made, 90, {0}), ErrorKind::invalid_field, field);
    check_warned(with(made, 90, {0}, Tolerance::script), field);
    made = make(sample(2)); // one that does, with a string of type 0 and no length: tolerated by nobody
    check_refused(with(made, 90, {0, 0}, Tolerance::script), ErrorKind::invalid_field,
                  "DownstreamDeviceIDRecords[0].DownstreamDeviceSelfContainedActivationMinVersionString at offset 95");
}

TEST_CASE("bytes of a header that belong to no field")
{
    Made made = first();
    made.header.insert(made.header.end() - 4, 0);
    made.header[17] = static_cast<std::uint8_t>(made.header.size());
    made.header[96] = static_cast<std::uint8_t>(made.header[96] + 1);
    made.header[119] = static_cast<std::uint8_t>(made.header[119] + 1);
    ++made.total;
    check_refused(with(made, 0, {}), ErrorKind::length, "PackageHeaderSize at offset 17");
}

TEST_CASE("thousands of warnings are told in few")
{
    Content content = sample(1);
    content.firmware_devices.clear();
    content.components.resize(2000, content.components[0]);
    for (ComponentImage& image : content.components)
    {
        image.size = 0;
    }
    content.component_bitmap_bit_length = 2000;
    REQUIRE(place_components(content));
    const Made made = make(content);
    const auto package = Package::parse(made.header, made.total);
    REQUIRE(package);
    REQUIRE(package->warnings().size() == 33);
    CHECK(package->warnings().back() == "and 1968 more warnings");
}
