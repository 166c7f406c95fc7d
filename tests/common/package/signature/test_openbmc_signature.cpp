#include "common/package/signature/openbmc_signature.hpp"

#include "tests/bmc-agent/temporary_directory.hpp"
#include "tests/common/package/signature/openbmc_vendor.hpp"
#include "tests/common/package/tarball/tar_builder.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <map>

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

namespace
{

using Vendor = OpenBmcVendor;

/// One vendor for all cases: RSA keys are slow to make.
const Vendor& vendor()
{
    static const Vendor one;
    return one;
}

Members bmc_images()
{
    return {{"image-kernel", std::string(3000, 'k')},
            {"image-rofs", std::string(5000, 'r')},
            {"image-rwfs", std::string(100, 'w')},
            {"image-u-boot", std::string(2000, 'u')}};
}

Result<std::string> verify(const Members& members, const std::vector<SystemKey>& keys)
{
    TarBuilder tar;
    for (const auto& [name, data] : members)
    {
        tar.add(name, data);
    }
    const Bytes bytes = tar.finish();
    TarballContents contents;
    if (const auto read = TarballReader{memory_source(bytes), contents}.run(); !read)
    {
        return read.error();
    }
    return verify_openbmc(contents, keys);
}

void expect_refused(const Members& members, ErrorKind kind, std::string_view part)
{
    const auto refused = verify(members, vendor().keys());
    REQUIRE_FALSE(refused.has_value());
    CHECK_MESSAGE(refused.error().kind == kind, refused.error().text);
    CHECK_MESSAGE(refused.error().text.find(part) != std::string::npos, refused.error().text);
}

} // namespace

TEST_CASE("a tarball signed as OpenBMC signs it is accepted, and the voucher named")
{
    CHECK(*verify(vendor().make("BMC", "2.14.0", bmc_images()), vendor().keys()) == "OpenBMC");
    CHECK(verify(vendor().make("BMC", "2.14.0", {{"image-bmc", "all of it"}}), vendor().keys()).has_value());
    Members host = vendor().make("Host", "1.0", {{"bios.fd", "bios"}});
    host.erase("image-full.sig");
    CHECK(verify(host, vendor().keys()).has_value());
    Vendor strong;
    strong.hash = "RSA-SHA512";
    strong.digest = EVP_sha512();
    CHECK(verify(strong.make("BMC", "2.14.0", bmc_images()), strong.keys()).has_value());
}

TEST_CASE("attacks: stripped signatures")
{
    const Members good = vendor().make("BMC", "2.14.0", bmc_images());
    for (const auto& member : good)
    {
        const std::string& name = member.first;
        if (name == "MANIFEST")
        {
            continue;
        }
        Members stripped = good;
        stripped.erase(name);
        // An image that is missing as a whole is for the list of components to notice, not for signatures.
        const auto refused = verify(stripped, vendor().keys());
        const bool image = name.starts_with("image-") && !name.ends_with(".sig");
        CHECK_MESSAGE(refused.has_value() == image, name);
    }
    Members without_manifest = good;
    without_manifest.erase("MANIFEST");
    expect_refused(without_manifest, ErrorKind::not_found, "no MANIFEST");
    Members unsigned_image = good;
    unsigned_image["image-hostfw"] = "evil";
    expect_refused(unsigned_image, ErrorKind::not_found, "there is no image-hostfw.sig");
}

TEST_CASE("attacks: swapped and altered parts")
{
    const Members good = vendor().make("BMC", "2.14.0", bmc_images());
    for (const std::string name :
         {"MANIFEST", "publickey", "image-rofs", "image-rofs.sig", "MANIFEST.sig", "publickey.sig", "image-full.sig"})
    {
        Members altered = good;
        altered[name][altered[name].size() / 2] ^= 1;
        CHECK_MESSAGE(!verify(altered, vendor().keys()).has_value(), name);
    }
    Members images = bmc_images();
    images["image-rofs"] = std::string(5000, 'o');
    const Members older = vendor().make("BMC", "2.9.0", images);
    Members mixed = good;
    mixed["image-rofs"] = older.at("image-rofs");
    expect_refused(mixed, ErrorKind::integrity, "image-rofs is not the one that was signed");
    mixed["image-rofs.sig"] = older.at("image-rofs.sig");
    expect_refused(mixed, ErrorKind::integrity, "image-full");
    // The newer manifest on older images.
    Members renamed = older;
    renamed["MANIFEST"] = good.at("MANIFEST");
    expect_refused(renamed, ErrorKind::denied, "none of the BMC's system keys");
    renamed["MANIFEST.sig"] = good.at("MANIFEST.sig");
    expect_refused(renamed, ErrorKind::integrity, "image-full");
    // Two images under each other's names.
    Members crossed = good;
    std::swap(crossed["image-kernel"], crossed["image-u-boot"]);
    std::swap(crossed["image-kernel.sig"], crossed["image-u-boot.sig"]);
    expect_refused(crossed, ErrorKind::integrity, "image-full");
}

TEST_CASE("attacks: an older image that image-full.sig says nothing of")
{
    for (const std::string purpose : {"BMC", "System"})
    {
        const Members older = vendor().make(purpose, "2.9.0", {{"image-recovery", std::string(3000, 'o')}});
        Members mixed = vendor().make(purpose, "2.14.0", {{"image-recovery", std::string(3000, 'n')}});
        mixed["image-recovery"] = older.at("image-recovery");
        mixed["image-recovery.sig"] = older.at("image-recovery.sig");
        expect_refused(mixed, ErrorKind::denied, "does not cover image-recovery");
    }
}

TEST_CASE("attacks: foreign keys")
{
    const Vendor other;
    expect_refused(other.make("BMC", "2.14.0", bmc_images()), ErrorKind::denied, "for the key type OpenBMC");
    // The vendor's manifest with a stranger's public key, images signed by the stranger.
    Members mixed = other.make("BMC", "2.14.0", bmc_images());
    const Members good = vendor().make("BMC", "2.14.0", bmc_images());
    mixed["MANIFEST"] = good.at("MANIFEST");
    mixed["MANIFEST.sig"] = good.at("MANIFEST.sig");
    expect_refused(mixed, ErrorKind::denied, "none of the BMC's system keys");
    mixed["publickey.sig"] = good.at("publickey.sig");
    expect_refused(mixed, ErrorKind::denied, "none of the BMC's system keys");
}

TEST_CASE("attacks: weak digests and keys")
{
    Vendor weak;
    weak.hash = "RSA-SHA1";
    weak.digest = EVP_sha1();
    CHECK_FALSE(
        make_system_key("OpenBMC", as_bytes(public_pem_of(weak.system.get())), "HashType=RSA-SHA1").has_value());
    Vendor short_key;
    short_key.build = make_key(KeyKind::rsa_1024);
    const auto refused = verify(short_key.make("BMC", "2", bmc_images()), short_key.keys());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text == "the tarball's publickey has a key weaker than RSA with 2048 bits");
    // MANIFEST properly signed, but it asks for SHA-1 below.
    Members asks = vendor().make("BMC", "2", bmc_images());
    asks["MANIFEST"] = manifest_text("BMC", "2", "RSA-SHA1");
    asks["MANIFEST.sig"] = vendor().sign(asks["MANIFEST"], vendor().system);
    expect_refused(asks, ErrorKind::denied, "weaker than SHA-256");
}

TEST_CASE("system keys are read from OpenBMC's directories, and mistakes are told")
{
    const TemporaryDirectory directory;
    const auto write = [&](const std::string& key, const std::string& file, const std::string& text)
    {
        std::filesystem::create_directories(directory.path() / key);
        std::ofstream{directory.path() / key / file} << text;
    };
    CHECK(load_system_keys(directory.path() / "missing").error().kind == ErrorKind::not_found);
    CHECK(load_system_keys(directory.path()).error().kind == ErrorKind::not_found);
    write("OpenBMC", "publickey", public_pem_of(vendor().system.get()));
    CHECK(load_system_keys(directory.path()).error().text.find("hashfunc") != std::string::npos);
    write("OpenBMC", "hashfunc", "HashType=RSA-SHA256\n");
    const auto keys = load_system_keys(directory.path());
    REQUIRE(keys.has_value());
    REQUIRE(keys->size() == 1);
    CHECK(keys->front().name == "OpenBMC");
    CHECK(keys->front().digest == DigestKind::sha256);
    CHECK(verify(vendor().make("BMC", "2.14.0", bmc_images()), *keys).has_value());
    write("Vendor", "publickey", "garbage");
    write("Vendor", "hashfunc", "HashType=RSA-SHA256");
    const auto garbage = load_system_keys(directory.path());
    REQUIRE_FALSE(garbage.has_value());
    CHECK(garbage.error().text.find("system key Vendor is not a public key") != std::string::npos);
    write("Vendor", "publickey", std::string(20'000, 'x'));
    CHECK(load_system_keys(directory.path()).error().kind == ErrorKind::length);
    for (const std::string bad : {"", "RSA-SHA256", "HashType=", "HashType=RSA-MD5", "hashtype=RSA-SHA256"})
    {
        const auto made = make_system_key("K", as_bytes(public_pem_of(vendor().system.get())), bad);
        REQUIRE_FALSE(made.has_value());
        CHECK(made.error().text.find("hashfunc") != std::string::npos);
    }
}
