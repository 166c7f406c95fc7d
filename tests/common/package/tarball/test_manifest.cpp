#include "common/package/tarball/manifest.hpp"

#include "common/bytes.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::package;

namespace
{

const std::string purpose = "purpose=xyz.openbmc_project.Software.Version.VersionPurpose.BMC\n";

void expect(const std::string& text, ErrorKind kind, std::string_view part)
{
    const auto manifest = Manifest::parse(text);
    REQUIRE_FALSE(manifest.has_value());
    CHECK_MESSAGE(manifest.error().kind == kind, manifest.error().text);
    CHECK_MESSAGE(manifest.error().text.find(part) != std::string::npos, manifest.error().text);
    CHECK(printable(manifest.error().text) == manifest.error().text);
}

} // namespace

TEST_CASE("a MANIFEST as OpenBMC builds write it")
{
    const auto manifest = Manifest::parse(purpose + "version=2.14.0-dev-123-gabcdef\n"
                                                    "ExtendedVersion=openbmc-phosphor;x=y\n"
                                                    "KeyType=OpenBMC\n"
                                                    "HashType=RSA-SHA256\n"
                                                    "MachineName=romulus\n"
                                                    "CompatibleName=com.example.romulus\n"
                                                    "CompatibleName=com.example.palmetto\n"
                                                    "BuildId=2026-11-26\n"
                                                    "mldsa_Hash_Type=SHA512,pqsigs\n");
    REQUIRE(manifest.has_value());
    CHECK(manifest->version == "2.14.0-dev-123-gabcdef");
    CHECK(manifest->purpose == Purpose::bmc);
    CHECK(to_text(manifest->purpose) == "BMC");
    CHECK(manifest->extended_version == "openbmc-phosphor;x=y");
    CHECK(manifest->machine_name == "romulus");
    CHECK(manifest->compatible_names == std::vector<std::string>{"com.example.romulus", "com.example.palmetto"});
    CHECK(manifest->key_type == "OpenBMC");
    CHECK(manifest->hash_type == "RSA-SHA256");
}

TEST_CASE("lines may end with CR LF, the last one without, and be empty")
{
    const auto manifest = Manifest::parse("version=1\r\n\r\n\n" + purpose + "MachineName=a");
    REQUIRE(manifest.has_value());
    CHECK(manifest->version == "1");
    CHECK(manifest->machine_name == "a");
}

TEST_CASE("every purpose is known by its full name only")
{
    for (const Purpose each :
         {Purpose::unknown, Purpose::other, Purpose::system, Purpose::bmc, Purpose::host, Purpose::psu})
    {
        const auto manifest = Manifest::parse(
            "version=1\npurpose=xyz.openbmc_project.Software.Version.VersionPurpose." + std::string{to_text(each)});
        REQUIRE(manifest.has_value());
        CHECK(manifest->purpose == each);
    }
    expect("version=1\npurpose=BMC\n", ErrorKind::invalid_field, "line 2: the purpose is none of");
    expect("version=1\npurpose=xyz.openbmc_project.Software.Version.VersionPurpose.bmc\n", ErrorKind::invalid_field,
           "purpose");
}

TEST_CASE("what is missing, twice, too long or binary is refused with its line")
{
    expect("", ErrorKind::not_found, "no version");
    expect(purpose, ErrorKind::not_found, "no version");
    expect(purpose + "version=\n", ErrorKind::not_found, "no version");
    expect("version=1\n", ErrorKind::not_found, "no purpose");
    expect(purpose + "version=1\nversion=2\n", ErrorKind::invalid_field, "line 3: the key version is there twice");
    expect(purpose + purpose + "version=2\n", ErrorKind::invalid_field, "line 2: the key purpose is there twice");
    expect(purpose + "version=1\nBuildId=1\nBuildId=2\n", ErrorKind::invalid_field, "line 4");
    expect(purpose + "version\n", ErrorKind::invalid_field, "line 2: it is not key=value");
    expect(purpose + "=1\n", ErrorKind::invalid_field, "key=value");
    expect(purpose + " version=1\n", ErrorKind::invalid_field, "key=value");
    expect(purpose + "# a remark\n", ErrorKind::invalid_field, "key=value");
    expect(purpose + "version= 1\n", ErrorKind::invalid_field, "blanks");
    expect(purpose + "version=1 \n", ErrorKind::invalid_field, "blanks");
    expect(purpose + "version=1\r2\n", ErrorKind::invalid_field, "control characters");
    expect(purpose + "version=1\r\r\n", ErrorKind::invalid_field, "control characters");
    expect(purpose + "version=1\r", ErrorKind::invalid_field, "control characters");
    expect(purpose + std::string{"version=1\0002\n", 12}, ErrorKind::invalid_field, "control characters");
    expect(purpose + "version=\x1B[31m\n", ErrorKind::invalid_field, "control characters");
    expect(purpose + "version=\xFF\xFE\n", ErrorKind::invalid_field, "not UTF-8");
    expect(purpose + "version=" + std::string(65, '1') + "\n", ErrorKind::length, "longer than 64");
    expect(purpose + "x=" + std::string(256, '1') + "\n", ErrorKind::length, "line 2: longer than 256");
    expect(std::string(129, '\n'), ErrorKind::length, "more than 128 lines");
    expect(std::string(16385, '\n'), ErrorKind::length, "longer than 16384");
    expect("\x7F"
           "ELF",
           ErrorKind::invalid_field, "line 1");
}

TEST_CASE("compatible names are bounded and not empty")
{
    expect("CompatibleName=\n", ErrorKind::invalid_field, "CompatibleName is empty");
    std::string many;
    for (int at = 0; at < 17; ++at)
    {
        many += "CompatibleName=c" + std::to_string(at) + "\n";
    }
    expect(many, ErrorKind::invalid_field, "line 17");
}

TEST_CASE("every truncation of a MANIFEST parses or is refused, and never has half a version")
{
    const std::string whole = purpose + "version=1.2.3\nMachineName=romulus\n";
    for (std::size_t size = 0; size < whole.size(); ++size)
    {
        const auto manifest = Manifest::parse(std::string_view{whole}.substr(0, size));
        CHECK((!manifest || !manifest->version.empty()));
    }
}
