#include "bmc-agent/software/upload.hpp"
#include "tests/bmc-agent/software/outcome_printing.hpp"
#include "tests/bmc-agent/software/tarballs.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent::software;
using namespace fwupdate::agent::software::test;

namespace
{

const UploadRules rules{"testboard", {"othername"}, config::Software{}.image_sets};

/// What inspecting these bytes ends with.
struct Inspected
{
    explicit Inspected(Bytes bytes, const UploadRules& by = rules)
        : content{std::move(bytes)}, inspection{package::memory_source(content), by, "/tmp/images/x"}
    {
        Outcome<bool> end{false};
        while (end && !*end)
        {
            end = inspection.step();
        }
        if (!end)
        {
            refusal = end.error();
        }
    }

    Bytes content;
    UploadInspection inspection;
    std::optional<Refusal> refusal;
};

ErrorCode code_of(Bytes bytes)
{
    const Inspected inspected{std::move(bytes)};
    REQUIRE(inspected.refusal);
    CHECK_FALSE(inspected.refusal->text.empty());
    CHECK(inspected.refusal->metadata.front() == std::pair<std::string, std::string>{"PATH", "/tmp/images/x"});
    return inspected.refusal->code;
}

Bytes bytes_of(const std::string& text)
{
    return {text.begin(), text.end()};
}

} // namespace

TEST_CASE("a good tarball tells what it is")
{
    const Inspected good{tarball(manifest("2.7.0-dev", "BMC",
                                          "MachineName=testboard\nExtendedVersion=more\nCompatibleName=a\n"
                                          "CompatibleName=b\nBuildId=17\n"))
                             .finish()};
    CHECK_FALSE(good.refusal);
    const ImageFacts& facts = good.inspection.facts();
    CHECK(facts.version == "2.7.0-dev");
    CHECK(facts.purpose == package::Purpose::bmc);
    CHECK(facts.extended_version == "more");
    CHECK(facts.compatible_names == std::vector<std::string>{"a", "b"});
    CHECK(facts.complete);
    CHECK_FALSE(good.inspection.remark());
}

TEST_CASE("packed ones are taken, MANIFEST may come last")
{
    const auto builder = fwupdate::test::TarBuilder{}.add("image-bmc", "bytes").add("MANIFEST", manifest("1"));
    for (const Bytes& packed : {fwupdate::test::gzip(builder.finish()), fwupdate::test::xz(builder.finish()),
                                fwupdate::test::zstd(builder.finish())})
    {
        CHECK_FALSE(Inspected{packed}.refusal);
    }
}

TEST_CASE("what is no tarball, or a damaged one, is an UnTarFailure")
{
    CHECK(code_of(bytes_of("x")) == ErrorCode::untar_failure);
    CHECK(code_of(Bytes(4096, 0xA5)) == ErrorCode::untar_failure);
    const Bytes whole = tarball(manifest("1")).finish();
    for (std::size_t length = 1; length < whole.size() - 512; length += 97)
    {
        CAPTURE(length);
        CHECK(code_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}) ==
              ErrorCode::untar_failure);
    }
    Bytes packed = fwupdate::test::gzip(whole);
    packed[packed.size() / 2] ^= 0xFF;
    CHECK(code_of(packed) == ErrorCode::untar_failure);
    auto link = tarball(manifest("1"));
    link.add({"image-rofs", "", '2', "/etc/shadow", {}});
    CHECK(code_of(link.finish()) == ErrorCode::untar_failure);
    auto climbing = tarball(manifest("1"));
    climbing.add("../image-rofs", "x");
    CHECK(code_of(climbing.finish()) == ErrorCode::untar_failure);
}

TEST_CASE("a MANIFEST that is not there, lacks what it must have, or is broken, is a ManifestFileFailure")
{
    CHECK(code_of(fwupdate::test::TarBuilder{}.add("image-bmc", "x").finish()) == ErrorCode::manifest_file_failure);
    for (const std::string& text :
         {std::string{}, std::string{"version=1\n"}, manifest(""), manifest("1", "Toaster"),
          std::string{"purpose=xyz.openbmc_project.Software.Version.VersionPurpose.BMC\n"},
          std::string{"version=1\npurpose=\n"}, manifest("1") + "version=2\n", std::string{"no equals sign\n"},
          manifest(std::string(65, 'v')), std::string(20'000, '\n')})
    {
        CAPTURE(text);
        CHECK(code_of(tarball(text).finish()) == ErrorCode::manifest_file_failure);
    }
}

TEST_CASE("another machine's image is an ImageFailure, with what failed")
{
    const Inspected other{tarball(manifest("1", "BMC", "MachineName=toaster\n")).finish()};
    REQUIRE(other.refusal);
    CHECK(other.refusal->code == ErrorCode::image_failure);
    CHECK(other.refusal->text == "the image is for toaster, this machine is testboard");
    CHECK(other.refusal->metadata.at(1).first == "FAIL");
    CHECK_FALSE(Inspected{tarball(manifest("1", "BMC", "MachineName=othername\n")).finish()}.refusal);
    CHECK_FALSE(
        Inspected{tarball(manifest("1", "BMC", "MachineName=toaster\nCompatibleName=testboard\n")).finish()}.refusal);
    const UploadRules anything{{}, {}, {}};
    const Inspected anywhere{tarball(manifest("1", "BMC", "MachineName=toaster\n")).finish(), anything};
    CHECK_FALSE(anywhere.refusal);
}

TEST_CASE("without a machine it is taken, and told")
{
    const Inspected silent{tarball(manifest("1", "BMC", "")).finish()};
    CHECK_FALSE(silent.refusal);
    REQUIRE(silent.inspection.remark());
    CHECK(silent.inspection.remark()->code == ErrorCode::image_failure);
    CHECK(silent.inspection.remark()->text == "MANIFEST is missing machine name");
}

TEST_CASE("a BMC's images must be a whole set; a host's are taken as they are, but there must be some")
{
    const auto complete = [](const std::string& purpose, const std::vector<std::string>& names)
    {
        fwupdate::test::TarBuilder builder;
        builder.add("MANIFEST", manifest("1", purpose));
        for (const std::string& name : names)
        {
            builder.add(name, "x");
        }
        const Inspected inspected{builder.finish()};
        CHECK_FALSE(inspected.refusal);
        return inspected.inspection.facts().complete;
    };
    CHECK(complete("BMC", {"image-bmc"}));
    CHECK(complete("System", {"image-u-boot", "image-rwfs", "image-rofs", "image-kernel"}));
    CHECK_FALSE(complete("BMC", {"image-u-boot", "image-rwfs", "image-rofs"}));
    CHECK_FALSE(complete("BMC", {"image-bmc.sig", "bios.bin"}));
    CHECK(complete("Host", {"bios.bin"}));
    CHECK_FALSE(complete("Host", {}));
    CHECK_FALSE(complete("BMC", {}));
}

TEST_CASE("only regular files with something in them are opened")
{
    const fwupdate::test::TemporaryDirectory directory;
    const auto code = [&](const char* name)
    {
        const auto file = open_upload(directory.path() / name);
        return file ? std::string{"opened"} : std::string{dbus_name(file.error().code)};
    };
    const std::string manifest_failure{dbus_name(ErrorCode::manifest_file_failure)};
    std::ofstream{directory.path() / "good"} << "x";
    std::ofstream{directory.path() / "empty"};
    std::filesystem::create_symlink(directory.path() / "good", directory.path() / "link");
    std::filesystem::create_directory(directory.path() / "directory");
    REQUIRE(::mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
    CHECK(code("good") == "opened");
    CHECK(code("empty") == dbus_name(ErrorCode::untar_failure));
    CHECK(code("link") == manifest_failure);
    CHECK(code("directory") == manifest_failure);
    CHECK(code("fifo") == manifest_failure);
    CHECK(code("missing") == manifest_failure);
}

TEST_CASE("the machine's name in os-release")
{
    CHECK(machine_of("ID=openbmc\nOPENBMC_TARGET_MACHINE=\"romulus\"\nX=1\n") == "romulus");
    CHECK(machine_of("OPENBMC_TARGET_MACHINE=romulus") == "romulus");
    CHECK(machine_of("XOPENBMC_TARGET_MACHINE=romulus\n").empty());
    CHECK(machine_of("OPENBMC_TARGET_MACHINE=\"\n") == "\"");
    CHECK(machine_of("").empty());
}

TEST_CASE("TFTP: a name loses slashes and leading dots; what is left of name and server must be something")
{
    const auto name = [](std::string_view file)
    {
        const auto request = tftp_request(file, "192.0.2.1");
        return request ? request->file : std::string{dbus_name(request.error().code)};
    };
    const std::string refused{dbus_name(ErrorCode::invalid_argument)};
    CHECK(name("image.tar") == "image.tar");
    CHECK(name("../../etc/image.tar") == "etcimage.tar");
    CHECK(name("/.hidden") == "hidden");
    CHECK(name("") == refused);
    CHECK(name("/../.") == refused);
    CHECK(name("a\nb") == refused);
    CHECK(name(std::string(256, 'a')) == refused);
    const auto server = [](std::string_view text) { return tftp_request("a", text).has_value(); };
    CHECK(server("host.example"));
    CHECK(server("[2001:db8::1%eth0]"));
    CHECK_FALSE(server(""));
    CHECK_FALSE(server("-l"));
    CHECK_FALSE(server("host/path"));
    CHECK_FALSE(server("a b"));
    CHECK_FALSE(server(std::string(254, 'a')));
}
