#include "tests/common/package/sample.hpp"
#include "tests/common/result_printing.hpp"

using namespace fwupdate;
using namespace fwupdate::pldm;
using namespace fwupdate::pldm::test;

namespace
{

Error refused(const Bytes& header, std::uint64_t total, Tolerance tolerance = Tolerance::none)
{
    const auto package = Package::parse(header, total, tolerance);
    REQUIRE(!package);
    return package.error();
}

} // namespace

TEST_CASE("a package of the script, field by field")
{
    const Bytes bytes = vector_package("v07-1.3-downstream-selfcontained");
    const auto package = Package::parse(bytes, bytes.size());
    REQUIRE(package);
    CHECK(package->revision().specification == "DSP0267 1.3");
    CHECK(package->total_size() == 1840);
    CHECK(package->payload_check_needed());
    CHECK(package->warnings().empty());
    const Content& content = package->content();
    CHECK(content.release_date_time == Timestamp104{0, {}, 0, 0, 0, 13, 12, 2023, 0});
    CHECK(content.component_bitmap_bit_length == 8);
    CHECK(content.version == VersionString{StringType::ascii, "VersionString1"});
    REQUIRE(content.firmware_devices.size() == 3);
    const DeviceIdRecord& device = content.firmware_devices[0];
    CHECK(device.update_option_flags == 1);
    CHECK(device.version.bytes == "VersionString2");
    CHECK(device.applicable_components == std::vector<std::uint16_t>{0, 1});
    CHECK(to_hex(device.reference_manifest) == "0102030405060708090a0b0c0d0e0f10");
    REQUIRE(device.descriptors.size() == 3);
    CHECK(device.descriptors[1] == Descriptor{1, {}, {0x47, 0x16, 0, 0}});
    CHECK(device.descriptors[2] ==
          Descriptor{vendor_defined, VersionString{StringType::ascii, "OpenBMC"}, {0x12, 0x34}});
    CHECK(!device.min_version_comparison_stamp);
    REQUIRE(content.downstream_devices.size() == 2);
    CHECK(content.downstream_devices[0].min_version_comparison_stamp == 287454020U);
    CHECK(to_hex(content.downstream_devices[0].reference_manifest) == "aabbccddeeff00112233445566778899");
    REQUIRE(content.components.size() == 3);
    const ComponentImage& image = content.components[1];
    CHECK(image.identifier == 200);
    CHECK(image.classification == 10);
    CHECK(image.comparison_stamp == no_comparison_stamp);
    CHECK(image.requested_activation_method == 1);
    CHECK(image.location_offset == package->header_size() + 1024U);
    CHECK(image.size == 257);
    CHECK(image.version.bytes == "VersionString6");
}

TEST_CASE("the script's packages: within the specification, or with what only tolerance lets pass")
{
    for (const std::string_view name : clean_vectors)
    {
        CAPTURE(name);
        const Bytes bytes = vector_package(name);
        CHECK(Package::parse(bytes, bytes.size()));
        CHECK(Package::parse(header_of(bytes), bytes.size())); // the images are not needed
    }
    for (const std::string_view name : tolerated_vectors)
    {
        CAPTURE(name);
        const Bytes bytes = vector_package(name);
        CHECK(refused(bytes, bytes.size()).text.find("DownstreamDeviceSelfContainedActivationMinVersionStringType") !=
              std::string::npos);
        const auto package = Package::parse(bytes, bytes.size(), Tolerance::script);
        REQUIRE(package);
        CHECK(package->warnings().size() == 3); // two records, and a classification
        CHECK(package->content().downstream_devices.size() == 2);
    }
}

TEST_CASE("how long a header is, from its start alone")
{
    const Bytes bytes = vector_package("v03-minimal-1comp-1byte");
    CHECK(header_size(ConstBytes{bytes}.first(header_prefix_size)).value() == 99);
    for (std::size_t size = 0; size < header_prefix_size; ++size)
    {
        CHECK(header_size(ConstBytes{bytes}.first(size)).error().kind == ErrorKind::length);
    }
    CHECK(
        header_size(Bytes(64)).error() ==
        Error{ErrorKind::unsupported, "PackageHeaderIdentifier at offset 0: this is no PLDM firmware update package"});
    Bytes future = bytes;
    future[16] = 5;
    CHECK(header_size(future).error() ==
          Error{ErrorKind::unsupported,
                "PackageHeaderFormatRevision at offset 16: revision 5 is not supported; 1 to 4 are"});
    Bytes tiny = bytes;
    tiny[17] = 39;
    CHECK(header_size(tiny).error().text ==
          "PackageHeaderSize at offset 17: 39 bytes are less than the fixed fields take");
}

TEST_CASE("an identifier of another revision, or none at all")
{
    Bytes header = header_of(vector_package("v03-minimal-1comp-1byte"));
    std::ranges::copy(find_revision(3)->identifier, header.begin());
    repair_checksum(header, 1);
    CHECK(refused(header, 100) == Error{ErrorKind::invalid_field,
                                        "PackageHeaderIdentifier at offset 0: belongs to revision "
                                        "3, but PackageHeaderFormatRevision is 1"});
    CHECK(Package::parse(header, 100, Tolerance::script)->warnings().size() == 1);
    header[3] = 0;
    repair_checksum(header, 1);
    CHECK(refused(header, 100).kind == ErrorKind::unsupported);
    CHECK(Package::parse(header, 100, Tolerance::script));
}

TEST_CASE("every truncation of every package is refused, and says where")
{
    for (const std::string_view name : clean_vectors)
    {
        CAPTURE(name);
        const Bytes bytes = vector_package(name);
        const std::size_t header = header_of(bytes).size();
        for (std::size_t size = 0; size < bytes.size(); ++size)
        {
            CAPTURE(size);
            const Bytes cut{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
            const Error error = refused(cut, cut.size());
            CHECK(error.kind == (size < header ? ErrorKind::length : ErrorKind::out_of_range));
            CHECK(error.text.find(" at offset ") != std::string::npos);
            if (size < header)
            {
                CHECK(refused(cut, bytes.size()).kind == ErrorKind::length); // whatever the size is said to be
            }
        }
    }
}

TEST_CASE("every damaged byte of every header is refused")
{
    for (const std::string_view name : clean_vectors)
    {
        CAPTURE(name);
        const Bytes bytes = vector_package(name);
        const Bytes header = header_of(bytes);
        const bool payload_checksum = header[16] >= 4;
        for (std::size_t at = 0; at < header.size() - (payload_checksum ? 4 : 0); ++at)
        {
            for (const int bit : {0x01, 0x80, 0xFF})
            {
                Bytes damaged = header;
                damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ bit);
                CAPTURE(at);
                CHECK(refused(damaged, bytes.size()).text.find(" at offset ") != std::string::npos);
            }
        }
    }
}
