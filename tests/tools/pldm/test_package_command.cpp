#include "tests/tools/pldm/workbench.hpp"

#include "common/package/content.hpp"
#include "tools/pldm/extract.hpp"

using namespace fwupdate;
using namespace fwupdate::tools;
using namespace fwupdate::tools::test;

namespace
{

std::string package_of(std::string_view vector)
{
    return (vectors / vector / "package.pldm").string();
}

/// A copy of a vector's package with one byte changed.
std::string damaged(const Workbench& bench, std::string_view vector, std::size_t from_end)
{
    std::string bytes = Workbench::read(package_of(vector));
    char& byte = bytes[bytes.size() - from_end];
    byte = static_cast<char>(byte ^ 1);
    bench.write("damaged", bytes);
    return bench.name("damaged");
}

constexpr std::string_view full = "v07-1.3-downstream-selfcontained";

} // namespace

TEST_CASE("inspect shows a package to people")
{
    const Outcome outcome = Workbench::package({"inspect", package_of(full)});
    CHECK(outcome.code == 0);
    CHECK(outcome.err.empty());
    for (const std::string_view line :
         {"package \"VersionString1\" (ASCII)\n", "4 (DSP0267 1.3)\n", "2023-12-13 00:00:00.000000, UTC offset 0 min\n",
          "firmware device 2\n", "downstream device 1\n", "component 2\n", "vendor defined \"OpenBMC\" (ASCII): 1234\n",
          "UUID: 1244d2648d7d4718a030fc8a56587d5b\n", "0 self-contained activation\n", "11223344h\n", "10 (firmware)\n",
          "0 force update, 2\n", "2 medium-specific reset, 3 system reboot\n", ", matches\n", "64 bytes at 1776\n"})
    {
        CHECK_MESSAGE(contains(outcome.out, line), line);
    }
}

TEST_CASE("inspect shows what only the script allows itself, and damage of the payload")
{
    const Outcome odd = Workbench::package({"inspect", package_of("ex1.1.0")});
    CHECK(odd.code == 0);
    CHECK(contains(odd.err, "warning: DownstreamDeviceIDRecords[0]."));
    const Workbench bench;
    const Outcome broken = Workbench::package({"inspect", damaged(bench, full, 1)});
    CHECK(broken.code == 1);
    CHECK(contains(broken.out, ", DOES NOT MATCH\n"));
    CHECK(contains(broken.err, "PackagePayloadChecksum at offset "));
}

TEST_CASE("nothing of a package reaches the terminal as it is")
{
    const Workbench bench;
    Json metadata = metadata_of("v03-minimal-1comp-1byte");
    metadata["PackageHeaderInformation"]["PackageVersionString"] = "\x1B[2J\n\xE2\x80\xAE";
    metadata["PackageHeaderInformation"]["PackageVersionStringType"] = "UTF-8";
    REQUIRE(bench.create(metadata, {image("d.bin")}, {"--extended"}).code == 0);
    const Outcome text = Workbench::package({"inspect", bench.name("package")});
    CHECK(contains(text.out, "\"?[2J??\" (UTF-8)"));
    const Outcome json = Workbench::package({"inspect", "--json", bench.name("package")});
    CHECK(contains(json.out, R"("\u001b[2J\n\u202e")"));
}

TEST_CASE("verify gives the verdict, with the reason and an exit code")
{
    const Workbench bench;
    const Outcome good = Workbench::package({"verify", package_of(full)});
    CHECK(good.code == 0);
    CHECK(contains(good.out, ": good, header and payload match their checksums\n"));
    CHECK(contains(Workbench::package({"verify", package_of("ex1.0.0")}).out, "the images have none"));
    const Outcome payload = Workbench::package({"verify", damaged(bench, full, 1)});
    CHECK(payload.code == 1);
    CHECK(contains(payload.err, "PackagePayloadChecksum at offset "));
    const Outcome header = Workbench::package({"verify", damaged(bench, full, 1840 - 40)});
    CHECK(header.code == 1);
    CHECK(contains(header.err, "PackageHeaderChecksum at offset "));
    const Outcome script = Workbench::package({"verify", package_of("ex1.3.0")});
    CHECK(script.code == 1);
    CHECK(contains(script.err, "string type 0 is unknown"));
    CHECK(Workbench::package({"verify", "--tolerant", package_of("ex1.3.0")}).code == 0);
    CHECK(Workbench::package({"verify", image("a.bin")}).code == 1);
    CHECK(Workbench::package({"verify", image("empty.bin")}).code == 3); // not there
}

TEST_CASE("verdicts as JSON")
{
    const Workbench bench;
    const Json good = Json::parse(Workbench::package({"verify", "--json", package_of("ex1.0.0")}).out);
    CHECK(good["valid"] == true);
    CHECK(good["warnings"].size() == 1);
    const Outcome outcome = Workbench::package({"verify", "--json", damaged(bench, full, 1)});
    CHECK(outcome.code == 1);
    const Json bad = Json::parse(outcome.out);
    CHECK(bad["valid"] == false);
    CHECK(contains(bad["error"].get<std::string>(), "PackagePayloadChecksum"));
    const Json shown = Json::parse(Workbench::package({"inspect", "--json", package_of(full)}).out);
    CHECK(shown["ComponentImageInformationArea"][1]["ComponentSize"] == 257);
    CHECK(shown["DownstreamDeviceIdentificationArea"][0]["ApplicableComponents"] == Json::array({0, 1, 2}));
    CHECK(shown["PackagePayloadChecksum"].is_number_unsigned());
}

TEST_CASE("extract gives the images back")
{
    const Workbench bench;
    const Outcome outcome = Workbench::package({"extract", "-d", bench.name("out"), package_of(full)});
    CHECK(outcome.code == 0);
    const std::vector<std::pair<std::string, std::string>> files{{"component-0-class-000A-id-0064.bin", "a.bin"},
                                                                 {"component-1-class-000A-id-00C8.bin", "b.bin"},
                                                                 {"component-2-class-000A-id-012C.bin", "c.bin"}};
    for (const auto& [name, original] : files)
    {
        CHECK(Workbench::read(bench.path("out") / name) == Workbench::read(image(original)));
        CHECK(contains(outcome.out, (bench.path("out") / name).string() + "\n"));
    }
    const Workbench other;
    CHECK(Workbench::package({"extract", package_of(full), "-c", "2", "-c", "0", "-c", "2", "-d", other.name("out")})
              .code == 0);
    CHECK(std::filesystem::exists(other.path("out") / files[0].first));
    CHECK(!std::filesystem::exists(other.path("out") / files[1].first));
    CHECK(std::filesystem::exists(other.path("out") / files[2].first));
}

TEST_CASE("extract overwrites nothing unasked, and follows no link")
{
    const Workbench bench;
    const std::string first = "component-0-class-000A-id-0064.bin";
    const std::string second = "component-1-class-000A-id-00C8.bin";
    bench.write(second, "mine");
    const Outcome outcome = Workbench::package({"extract", "-d", bench.name(""), package_of(full)});
    CHECK(outcome.code == 3);
    CHECK(contains(outcome.err, second + " exists already"));
    CHECK(Workbench::read(bench.path(second)) == "mine");
    CHECK(Workbench::package({"extract", "--overwrite", "-d", bench.name(""), package_of(full)}).code == 0);
    CHECK(Workbench::read(bench.path(second)) == Workbench::read(image("b.bin")));

    bench.write("victim", "mine");
    std::filesystem::remove(bench.path(first));
    std::filesystem::create_symlink("victim", bench.path(first));
    CHECK(Workbench::package({"extract", "-d", bench.name(""), package_of(full)}).code == 3);
    CHECK(Workbench::package({"extract", "--overwrite", "-d", bench.name(""), package_of(full)}).code == 0);
    CHECK(Workbench::read(bench.path("victim")) == "mine");
    CHECK(Workbench::read(bench.path(first)) == Workbench::read(image("a.bin")));
}

TEST_CASE("extract writes nothing of a package that it refuses")
{
    const Workbench bench;
    CHECK(Workbench::package({"extract", "-d", bench.name("out"), damaged(bench, full, 1)}).code == 1);
    CHECK(Workbench::package({"extract", "-d", bench.name("out"), package_of("ex1.3.0")}).code == 1);
    CHECK(Workbench::package({"extract", "-c", "3", "-d", bench.name("out"), package_of(full)}).code == 2);
    CHECK(!std::filesystem::exists(bench.path("out")));
    CHECK(Workbench::package({"extract", "--tolerant", "-d", bench.name("out"), package_of("ex1.3.0")}).code == 0);
    CHECK(Workbench::package({"extract", "-d", bench.name("no/such/folder"), package_of(full)}).code == 3);
    CHECK(Workbench::package({"extract", "-d", image("a.bin"), package_of(full)}).code == 3);
}

TEST_CASE("names of extracted images are made of numbers alone")
{
    pldm::ComponentImage component;
    component.classification = 0xFFFF;
    component.identifier = 0xABCD;
    component.version.bytes = "../../etc/passwd";
    CHECK(image_name(65535, component) == "component-65535-class-FFFF-id-ABCD.bin");
}

TEST_CASE("usage of the package command")
{
    CHECK(Workbench::package({}).code == 2);
    CHECK(Workbench::package({"inspect"}).code == 2);
    CHECK(Workbench::package({"eat", "package"}).code == 2);
    CHECK(Workbench::package({"extract", "-c", "one", "package"}).code == 2);
    CHECK(Workbench::package({"--help"}).code == 0);
    CHECK(contains(Workbench::package({"extract", "--help"}).out, "--overwrite"));
    CHECK(Workbench::package({"--version"}).out.starts_with("pldm-package "));
}
