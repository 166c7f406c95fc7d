// What OpenBMC's script can't write: with --extended, under the specification's names.
#include "common/package/package.hpp"
#include "tests/common/result_printing.hpp"
#include "tests/tools/pldm/workbench.hpp"

using namespace fwupdate;
using namespace fwupdate::tools;
using namespace fwupdate::tools::test;

namespace
{

pldm::Content content_of(const Workbench& bench)
{
    const std::string bytes = Workbench::read(bench.path("package"));
    const auto package = pldm::Package::parse(as_bytes(bytes), bytes.size());
    REQUIRE(package);
    return package->content();
}

} // namespace

TEST_CASE("package data, opaque data, string types, other first descriptors, a bitmap's length")
{
    const Workbench bench;
    Json metadata = metadata_of("v07-1.3-downstream-selfcontained");
    Json& header = metadata["PackageHeaderInformation"];
    header.erase("PackageHeaderIdentifier"); // follows from the revision
    header["PackageVersionString"] = "Gr\xC3\xBC\xC3\x9F"
                                     "e";
    header["PackageVersionStringType"] = "UTF-16LE";
    header["ComponentBitmapBitLength"] = 24;
    Json& device = metadata["FirmwareDeviceIdentificationArea"][0];
    device["FirmwareDevicePackageData"] = "0102";
    device["ComponentImageSetVersionStringType"] = 2;
    device["Descriptors"][2]["VendorDefinedDescriptorTitleStringType"] = "utf16";
    device["Descriptors"].erase(0);
    device["Descriptors"][0] = {{"DescriptorType", 0x108}, {"DescriptorData", std::string(32, '0')}};
    metadata["DownstreamDeviceIdentificationArea"][1]["DownstreamDevicePackageData"] = "03";
    metadata["DownstreamDeviceIdentificationArea"][1]["DownstreamDevicePackageDataLength"] = 1;
    metadata["ComponentImageInformationArea"][1]["ComponentOpaqueData"] = "040506";
    metadata["ComponentImageInformationArea"][1]["RequestedComponentActivationMethod"] = {6, 7};
    const Outcome outcome = bench.create(metadata, three_images(), {"--extended"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(!contains(outcome.err, "note: "));
    const pldm::Content content = content_of(bench);
    CHECK(content.version.type == pldm::StringType::utf16le);
    CHECK(to_utf8(content.version) == header["PackageVersionString"].get<std::string>());
    CHECK(content.component_bitmap_bit_length == 24);
    CHECK(to_hex(content.firmware_devices[0].package_data) == "0102");
    CHECK(content.firmware_devices[0].version.type == pldm::StringType::utf8);
    CHECK(content.firmware_devices[0].descriptors[0].type == 0x108);
    CHECK(content.firmware_devices[0].descriptors[1].title->type == pldm::StringType::utf16);
    CHECK(to_hex(content.downstream_devices[1].package_data) == "03");
    CHECK(to_hex(content.components[1].opaque_data) == "040506");
    CHECK(content.components[1].requested_activation_method == 0xC0);
}

TEST_CASE("more than 32 components")
{
    const Workbench bench;
    Json metadata = metadata_of("v03-minimal-1comp-1byte");
    metadata["ComponentImageInformationArea"] = Json(300, metadata["ComponentImageInformationArea"][0]);
    metadata["FirmwareDeviceIdentificationArea"][0]["ApplicableComponents"] = {299, 0, 40};
    REQUIRE(bench.create(metadata, std::vector<std::string>(300, image("d.bin")), {"--extended"}).code == 0);
    const pldm::Content content = content_of(bench);
    CHECK(content.components.size() == 300);
    CHECK(content.component_bitmap_bit_length == 304);
    CHECK(content.firmware_devices[0].applicable_components == std::vector<std::uint16_t>{0, 40, 299});
}

TEST_CASE("nothing that the specification does not allow")
{
    const Workbench bench;
    const auto refused = [&](const Json& metadata)
    { return bench.create(metadata, three_images(), {"--extended"}).err; };
    Json metadata = metadata_of("ex1.1.0");
    CHECK(bench.create(metadata, three_images(), {"--extended"}).code == 0); // downstream strings of type 1
    CHECK(content_of(bench).downstream_devices[0].version.type == pldm::StringType::ascii);
    metadata["PackageHeaderInformation"]["PackageHeaderFormatVersion"] = 1;
    CHECK(contains(refused(metadata), "ERROR: PackageHeaderIdentifier at offset 0: belongs to revision 2"));
    metadata = metadata_of("ex1.0.0");
    metadata["FirmwareDeviceIdentificationArea"][0]["Descriptors"] = Json::array();
    CHECK(contains(refused(metadata), "FirmwareDeviceIDRecords[0].DescriptorCount"));
    CHECK(contains(refused(metadata_of("ex1.2.0")),
                   "ComponentOpaqueDataLength: contradicts the data, which has 17 bytes"));
    metadata = metadata_of("ex1.0.0");
    metadata["PackageHeaderInformation"]["PackageVersionStringType"] = "EBCDIC";
    CHECK(contains(refused(metadata), "must be ASCII, UTF-8, UTF-16"));
    metadata["PackageHeaderInformation"]["PackageVersionStringType"] = 6;
    CHECK(contains(refused(metadata), "string type 6 is reserved"));
    metadata["PackageHeaderInformation"]["PackageVersionStringType"] = 4;
    metadata["PackageHeaderInformation"]["PackageVersionString"] = std::string(128, 'a');
    CHECK(refused(metadata).starts_with("ERROR: Max permitted string length is 255\n"));
    metadata = metadata_of("ex1.0.0");
    metadata["PackageHeaderInformation"]["ComponentBitmapBitLength"] = 9;
    CHECK(contains(refused(metadata), "ERROR: ComponentBitmapBitLength at offset 32"));
    metadata = metadata_of("ex1.0.0");
    metadata["FirmwareDeviceIdentificationArea"][0]["FirmwareDevicePackageData"] = std::string(132000, '0');
    CHECK(contains(refused(metadata), "ERROR: FirmwareDeviceIDRecords[0].RecordLength: "));
}

TEST_CASE("what inspect --json shows is metadata of the same package")
{
    for (const std::string_view vector :
         {"ex1.0.0", "v02-iso-T-date-libpldm-clean", "v07-1.3-downstream-selfcontained"})
    {
        CAPTURE(vector);
        const Workbench bench;
        const std::string package = (vectors / vector / "package.pldm").string();
        const Outcome shown = Workbench::package({"inspect", "--json", package});
        REQUIRE(shown.code == 0);
        const Outcome made = bench.create(Json::parse(shown.out), three_images(), {"--extended"});
        CAPTURE(made.err);
        REQUIRE(made.code == 0);
        CHECK(!contains(made.err, "note: "));
        CHECK(Workbench::read(bench.path("package")) == Workbench::read(package));
    }
}
