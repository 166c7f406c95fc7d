#include "common/package/tarball/contents.hpp"

#include "common/sha256.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"
#include "tests/common/package/tarball/tar_builder.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

namespace
{

const std::string manifest = "purpose=xyz.openbmc_project.Software.Version.VersionPurpose.Host\n"
                             "version=1.2.3\nHashType=RSA-SHA512\n";

Result<void> read(ConstBytes tarball, TarballContents& contents)
{
    return TarballReader{memory_source(tarball), contents}.run();
}

Bytes file_bytes(const std::filesystem::path& path)
{
    std::ifstream file{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return {text.begin(), text.end()};
}

} // namespace

TEST_CASE("contents: manifest, small members and digests")
{
    TarballContents contents;
    const Bytes tar = TarBuilder{}.add("MANIFEST", manifest).add("image-bios", "abc").add("publickey", "key").finish();
    REQUIRE(read(tar, contents).has_value());
    REQUIRE(contents.manifest());
    CHECK(contents.manifest()->version == "1.2.3");
    REQUIRE(contents.images().size() == 1);
    CHECK(contents.small_members().size() == 2);
    CHECK(as_text(contents.small_members().at("publickey")) == "key");
    const TarballImage* const image = contents.image("image-bios");
    REQUIRE(image != nullptr);
    CHECK(image->member.size == 3);
    CHECK(image->digests.size() == 2);
    CHECK(to_hex(image->digests.at(DigestKind::sha256)) == to_hex(sha256(as_bytes("abc"))));
    CHECK(to_hex(image->digests.at(DigestKind::sha512)).starts_with("ddaf35a193617abacc417349ae204131"));
    CHECK(contents.image("image-rofs") == nullptr);
}

TEST_CASE("an image in front of MANIFEST gets every digest that a signature may need")
{
    TarballContents contents;
    REQUIRE(read(TarBuilder{}.add("image-bios", "abc").add("MANIFEST", manifest).finish(), contents).has_value());
    CHECK(contents.images().at(0).digests.size() == all_digest_kinds.size());
}

TEST_CASE("no MANIFEST is told, a damaged one ends the reading with its name")
{
    TarballContents none;
    REQUIRE(read(TarBuilder{}.add("image-bios", "abc").finish(), none).has_value());
    CHECK_FALSE(none.manifest());
    TarballContents damaged;
    const auto refused = read(TarBuilder{}.add("MANIFEST", "version").finish(), damaged);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text.find("\"MANIFEST\": MANIFEST, line 1") != std::string::npos);
}

TEST_CASE("small members are small")
{
    for (const std::string name : {"MANIFEST", "publickey", "image-bmc.sig"})
    {
        TarballContents contents;
        const auto refused = read(TarBuilder{}.add(name, std::string(16385, 'x')).finish(), contents);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().kind == ErrorKind::no_space);
        CHECK(refused.error().text.find(name) != std::string::npos);
    }
}

TEST_CASE("hash types: SHA-256 and up")
{
    CHECK(digest_kind_from("RSA-SHA256") == DigestKind::sha256);
    CHECK(digest_kind_from("SHA384") == DigestKind::sha384);
    CHECK(digest_kind_from("RSA-SHA512") == DigestKind::sha512);
    for (const char* const weak : {"RSA-SHA1", "SHA1", "RSA-MD5", "MD5", "RSA-SHA224", "", "RSA-", "sha256", "SHA256 "})
    {
        CHECK_FALSE(digest_kind_from(weak));
    }
}

TEST_CASE("what the distribution's tar and packers write is read")
{
    const TemporaryDirectory directory;
    const std::string at = directory.path().string();
    std::ofstream{directory.path() / "MANIFEST"} << manifest;
    std::ofstream{directory.path() / "image-bios"} << std::string(100'000, 'b');
    const Sha256 expected = sha256(as_bytes(std::string(100'000, 'b')));
    for (const std::string format : {"gnu", "ustar", "pax", "v7"})
    {
        for (const std::string packing : {"cf", "czf", "cJf"})
        {
            for (const std::string names : {"MANIFEST image-bios", "."})
            {
                const std::string file = (directory.path().string() + "." + format + packing);
                const std::string command =
                    "tar -C " + at + " --format=" + format + " -" + packing + " " + file + " " + names;
                REQUIRE(std::system(command.c_str()) == 0);
                const Bytes tarball = file_bytes(file);
                std::filesystem::remove(file);
                TarballContents contents;
                const auto result = read(tarball, contents);
                CHECK_MESSAGE(result.has_value(), command, ": ", result.has_value() ? "" : result.error().text);
                REQUIRE(contents.image("image-bios") != nullptr);
                CHECK(to_hex(contents.image("image-bios")->digests.at(DigestKind::sha256)) == to_hex(expected));
                CHECK(contents.manifest()->version == "1.2.3");
            }
        }
    }
}

TEST_CASE("sparse members as the distribution's tar writes them are refused")
{
    const TemporaryDirectory directory;
    const std::string at = directory.path().string();
    std::ofstream{directory.path() / "image-bios"} << "begin";
    std::filesystem::resize_file(directory.path() / "image-bios", 1 << 20);
    for (const std::string format :
         {"gnu", "pax --sparse-version=0.0", "pax --sparse-version=0.1", "pax --sparse-version=1.0"})
    {
        const std::string command = "tar -C " + at + " -S --format=" + format + " -cf " + at + "/sparse.tar image-bios";
        REQUIRE(std::system(command.c_str()) == 0);
        TarballContents contents;
        const auto refused = read(file_bytes(directory.path() / "sparse.tar"), contents);
        REQUIRE_FALSE(refused.has_value());
        CHECK_MESSAGE(refused.error().text.find("\"image-bios\": is a sparse file") != std::string::npos,
                      refused.error().text);
    }
}
