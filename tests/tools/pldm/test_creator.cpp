// pldm-fwup-pkg-creator against what OpenBMC's script has made and said.
#include "tests/tools/pldm/workbench.hpp"

using namespace fwupdate;
using namespace fwupdate::tools;
using namespace fwupdate::tools::test;

TEST_CASE("every vector: the script's bytes, or its words and exit code")
{
    const Json index = Json::parse(Workbench::read(vectors / "index.json"));
    std::size_t made = 0;
    std::size_t refused = 0;
    for (const Json& vector : index)
    {
        const auto name = vector["case"].get<std::string>();
        CAPTURE(name);
        const Workbench bench;
        std::vector<std::string> arguments{bench.name("package"), (vectors / name / "metadata.json").string()};
        for (const Json& each : vector["images"])
        {
            arguments.push_back((vectors / each.get<std::string>()).string());
        }
        const Outcome outcome = Workbench::creator(arguments);
        CHECK(outcome.out.empty());
        if (!vector.contains("error"))
        {
            ++made;
            CHECK(outcome.code == 0);
            CHECK(Workbench::read(bench.path("package")) == Workbench::read(vectors / name / "package.pldm"));
        }
        else if (name != "e06-readme-key-FormatRevision")
        {
            ++refused;
            CHECK(outcome.code == 1);
            CHECK(outcome.err.starts_with(vector["error"].get<std::string>() + "\n  "));
            CHECK(bench.files() == 0);
        }
    }
    CHECK(made == 9);
    CHECK(refused == 14);
}

TEST_CASE("the spelling of the script's documentation is taken for the one that the script reads")
{
    const Workbench bench;
    const Outcome outcome = bench.create(metadata_of("e06-readme-key-FormatRevision"), three_images());
    CHECK(outcome.code == 0);
    CHECK(outcome.err.starts_with("note: PackageHeaderInformation.PackageHeaderFormatRevision: taken for "));
    CHECK(Workbench::read(bench.path("package")) == Workbench::read(vectors / "ex1.0.0" / "package.pldm"));
    Json both = metadata_of("ex1.0.0");
    both["PackageHeaderInformation"]["PackageHeaderFormatRevision"] = 9;
    const Outcome second = bench.create(both, three_images());
    CHECK(second.code == 0);
    CHECK(contains(second.err, "note: PackageHeaderInformation.PackageHeaderFormatRevision: ignored"));
}

TEST_CASE("what the script ignores is ignored, with a note")
{
    const Workbench bench;
    Json metadata = metadata_of("ex1.0.0");
    metadata["FirmwareDeviceIdentificationArea"][0]["FirmwareDevicePackageData"] = "01";
    metadata["FirmwareDeviceIdentificationArea"][0]["ReferenceManifestData"] = "01";
    metadata["PackageHeaderInformation"]["PackageVersionStringType"] = "UTF-8";
    metadata["DownstreamDeviceIdentificationArea"] = "anything";
    metadata["ComponentImageInformationArea"][0]["ComponentOpaqueData"] = "anything";
    metadata["ComponentImageInformationArea"][0]["ComponentVersionStrng"] = "x";
    const Outcome outcome = bench.create(metadata, three_images());
    CHECK(outcome.code == 0);
    CHECK(Workbench::read(bench.path("package")) == Workbench::read(vectors / "ex1.0.0" / "package.pldm"));
    for (const std::string_view note :
         {"FirmwareDeviceIdentificationArea[0].FirmwareDevicePackageData: ignored, as pldm_fwup_pkg_creator.py does; "
          "--extended",
          "FirmwareDeviceIdentificationArea[0].ReferenceManifestData: ignored: packages before revision 4",
          "PackageHeaderInformation.PackageVersionStringType: ignored, as ",
          "DownstreamDeviceIdentificationArea: ignored: packages of revision 1",
          "ComponentImageInformationArea[0].ComponentOpaqueData: ignored: packages before revision 3",
          "ComponentImageInformationArea[0].ComponentVersionStrng: ignored: an unknown key"})
    {
        CHECK_MESSAGE(contains(outcome.err, "note: " + std::string{note}), note);
    }
}

TEST_CASE("an identifier of another revision is written as asked, with a warning")
{
    const Workbench bench;
    Json metadata = metadata_of("v03-minimal-1comp-1byte");
    metadata["PackageHeaderInformation"]["PackageHeaderIdentifier"] = "1244D2648D7D4718A030FC8A56587D5A";
    const Outcome outcome = bench.create(metadata, {image("d.bin")});
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.err, "warning: PackageHeaderIdentifier at offset 0: belongs to revision 2"));
    CHECK(to_hex(as_bytes(Workbench::read(bench.path("package")).substr(0, 4))) == "1244d264");
    metadata["PackageHeaderInformation"]["PackageHeaderIdentifier"] = "F018";
    CHECK(contains(bench.create(metadata, {image("d.bin")}).err, "must have 16 bytes, not 2"));
}

TEST_CASE("without a date a package has the present one")
{
    const Workbench bench;
    Json metadata = metadata_of("v03-minimal-1comp-1byte");
    metadata["PackageHeaderInformation"]["PackageReleaseDateTime"] = nullptr;
    CHECK(bench.create(metadata, {image("d.bin")}).code == 0);
    metadata["PackageHeaderInformation"].erase("PackageReleaseDateTime");
    CHECK(bench.create(metadata, {image("d.bin")}).code == 0);
    const std::string package = Workbench::read(bench.path("package"));
    const unsigned year = static_cast<std::uint8_t>(package[29]) + 256U * static_cast<std::uint8_t>(package[30]);
    CHECK(year >= 2025);
    CHECK(year < 2200);
    CHECK(Workbench::package({"verify", bench.name("package")}).code == 0);
}

TEST_CASE("limits of the script, in its words")
{
    const Workbench bench;
    Json metadata = metadata_of("v03-minimal-1comp-1byte");
    const Json component = metadata["ComponentImageInformationArea"][0];
    metadata["ComponentImageInformationArea"] = Json(33, component);
    const std::vector<std::string> images(33, image("d.bin"));
    CHECK(bench.create(metadata, images).err.starts_with("ERROR: only up to 32 components supported now\n"));
    metadata["ComponentImageInformationArea"] = Json(32, component);
    CHECK(bench.create(metadata, {images.begin(), images.begin() + 32}).code == 0);

    metadata = metadata_of("ex1.1.0");
    const Json device = metadata["FirmwareDeviceIdentificationArea"][2];
    const Json downstream = metadata["DownstreamDeviceIdentificationArea"][0];
    metadata["FirmwareDeviceIdentificationArea"] = Json(256, device);
    CHECK(bench.create(metadata, three_images())
              .err.starts_with("ERROR: there can be only up to 255 entries in the                 "
                               "FirmwareDeviceIdentificationArea section\n"));
    metadata["FirmwareDeviceIdentificationArea"] = Json(255, device);
    CHECK(bench.create(metadata, three_images()).code == 0);
    metadata["DownstreamDeviceIdentificationArea"] = Json(256, downstream);
    CHECK(bench.create(metadata, three_images())
              .err.starts_with("ERROR: there can be only upto 255 entries in the                 "
                               "FirmwareDeviceIdentificationArea section\n"));
}

TEST_CASE("an error leaves the older package and nothing else")
{
    const Workbench bench;
    bench.write("package", "the older one");
    const std::vector<std::pair<Json, std::vector<std::string>>> cases{
        {metadata_of("e04-rev5"), three_images()},
        {metadata_of("ex1.0.0"), {image("a.bin"), image("b.bin"), bench.name("absent.bin")}},
        {metadata_of("ex1.0.0"), {image("a.bin"), image("b.bin"), bench.path("").string()}}, // a folder
    };
    for (const auto& [metadata, images] : cases)
    {
        const Outcome outcome = bench.create(metadata, images);
        CHECK(outcome.code == 1);
        CHECK(outcome.err.starts_with("ERROR: "));
        CHECK(Workbench::read(bench.path("package")) == "the older one");
        CHECK(bench.files() == 2); // it, and the metadata
    }
}

TEST_CASE("places that a package can't go to, and one behind a link")
{
    const Workbench bench;
    const Json metadata = metadata_of("v03-minimal-1comp-1byte");
    std::filesystem::create_directory(bench.path("package"));
    CHECK(contains(bench.create(metadata, {image("d.bin")}).err, "is not a regular file"));
    std::filesystem::remove(bench.path("package"));
    std::filesystem::create_symlink("elsewhere", bench.path("package"));
    bench.write("elsewhere", "older");
    CHECK(bench.create(metadata, {image("d.bin")}).code == 0);
    CHECK(std::filesystem::is_symlink(bench.path("package")));
    CHECK(Workbench::read(bench.path("elsewhere")).size() == 100);
    const Outcome outcome =
        Workbench::creator({bench.name("no/such/folder"), bench.name("metadata.json"), image("d.bin")});
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.err, "cannot create"));
}

TEST_CASE("the package may take the place of its own image")
{
    const Workbench bench;
    bench.write("package", "x");
    CHECK(bench.create(metadata_of("v03-minimal-1comp-1byte"), {bench.name("package")}).code == 0);
    const std::string package = Workbench::read(bench.path("package"));
    CHECK(package.size() == 100);
    CHECK(package.back() == 'x');
}

TEST_CASE("usage")
{
    CHECK(Workbench::creator({}).code == 2);
    CHECK(Workbench::creator({"package", "metadata"}).code == 2);
    CHECK(Workbench::creator({"package", "metadata", "image", "--unknown"}).code == 2);
    for (const char* option : {"-h", "--help"})
    {
        const Outcome help = Workbench::creator({option});
        CHECK(help.code == 0);
        CHECK(contains(help.out, "pldmfwuppkgname"));
    }
    CHECK(Workbench::creator({"--version"}).out.starts_with("pldm-fwup-pkg-creator "));
    const Outcome outcome = Workbench::creator({"/tmp/never", "/no/such/metadata", "image"});
    CHECK(outcome.code == 1);
    CHECK(outcome.err == "ERROR: cannot open /no/such/metadata: No such file or directory\n");
}
