#include "tests/common/package/signature/cms_rig.hpp"

#include <algorithm>

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

TEST_CASE("attacks: a foreign signer")
{
    const CmsRig rig;
    const Identity foreign_root = make_root("Root"); // of the same name, too
    const Identity foreign = make_signer(foreign_root);
    CmsOptions options;
    options.others = {foreign_root.certificate.get()};
    expect_refused(rig.verify(sign_cms(rig.image, foreign)), ErrorKind::denied, "\"CN=Signer\"");
    expect_refused(rig.verify(sign_cms(rig.image, foreign, options)), ErrorKind::denied, "");
    // Its own certificate, with the trusted signer's name, self-signed.
    CertificateOptions self;
    self.name = "Signer";
    self.extended_key_usage = "codeSigning";
    expect_refused(rig.verify(sign_cms(rig.image, make_identity(self))), ErrorKind::denied,
                   "leads to none of the configured roots");
}

TEST_CASE("attacks: the trusted signer's certificate, a foreign key")
{
    // The forger's own certificate has issuer and serial number of the trusted one, which travels in its place.
    const CmsRig rig;
    const Identity foreign_root = make_root("Root");
    CertificateOptions options;
    options.name = "Signer";
    options.issuer = &foreign_root;
    options.extended_key_usage = "codeSigning";
    options.same_serial_as = rig.signer.certificate.get();
    CmsOptions forged;
    forged.flags |= CMS_NOCERTS;
    forged.others = {rig.signer.certificate.get()};
    expect_refused(rig.verify(sign_cms(rig.image, make_identity(options), forged)), ErrorKind::integrity,
                   "was not made with the key of certificate \"CN=Signer\"");
    // Another number than that of any certificate inside.
    options.same_serial_as = nullptr;
    expect_refused(rig.verify(sign_cms(rig.image, make_identity(options), forged)), ErrorKind::invalid_field,
                   "signer's certificate is not in it");
}

TEST_CASE("attacks: expired and not yet valid, signer and root, by the clock")
{
    const CmsRig rig;
    const Bytes der = sign_cms(rig.image, rig.signer);
    expect_refused(rig.verify(der, clock_at(present + 101 * day)), ErrorKind::denied, "has expired");
    expect_refused(rig.verify(der, clock_at(present - 101 * day)), ErrorKind::denied, "is not valid yet");
    CertificateOptions options;
    options.name = "Old signer";
    options.issuer = &rig.root;
    options.extended_key_usage = "codeSigning";
    options.not_after = present - day;
    const Identity old = make_identity(options);
    expect_refused(rig.verify(sign_cms(rig.image, old)), ErrorKind::denied, "\"CN=Old signer\" has expired");
}

TEST_CASE("a BMC without a date refuses by the clock, and can check by the signing time")
{
    const CmsRig rig;
    const Bytes der = sign_cms(rig.image, rig.signer);
    expect_refused(rig.verify(der, {TimeSource::clock, std::nullopt}), ErrorKind::denied, "does not know the date");
    CHECK(rig.verify(der, {TimeSource::signing_time, std::nullopt}).has_value());
    CmsOptions late;
    late.signing_time = present + 101 * day;
    expect_refused(rig.verify(sign_cms(rig.image, rig.signer, late), {TimeSource::signing_time, std::nullopt}),
                   ErrorKind::denied, "has expired");
}

TEST_CASE("attacks: wrong purposes")
{
    const CmsRig rig;
    const auto refused = [&](const CertificateOptions& options, std::string_view part)
    { expect_refused(rig.verify(sign_cms(rig.image, make_identity(options))), ErrorKind::denied, part); };
    CertificateOptions options;
    options.name = "Other";
    options.issuer = &rig.root;
    refused(options, "\"CN=Other\" is not for signing firmware");
    options.extended_key_usage = "serverAuth,clientAuth,emailProtection";
    refused(options, "lacks code signing");
    options.extended_key_usage = "anyExtendedKeyUsage";
    refused(options, "lacks code signing");
    options.extended_key_usage = "codeSigning";
    options.key_usage = "keyEncipherment";
    refused(options, "lacks digital signature");
    options.key_usage = "";
    options.critical_extension = "1.2.3.4.5";
    refused(options, "is not accepted");
}

TEST_CASE("attacks: issuers that may not issue")
{
    const CmsRig rig;
    const auto signed_by = [&](const CertificateOptions& middle_options)
    {
        const Identity middle = make_identity(middle_options);
        CmsOptions options;
        options.others = {middle.certificate.get()};
        return rig.verify(sign_cms(rig.image, make_signer(middle), options));
    };
    CertificateOptions middle;
    middle.name = "Middle";
    middle.issuer = &rig.root;
    middle.authority = true;
    middle.key_usage = "keyCertSign";
    CHECK(signed_by(middle));
    middle.extended_key_usage = "serverAuth";
    expect_refused(signed_by(middle), ErrorKind::denied, "\"CN=Middle\" may not issue certificates for code signing");
    middle.extended_key_usage = "codeSigning";
    CHECK(signed_by(middle));
    middle.authority = false;
    expect_refused(signed_by(middle), ErrorKind::denied, "");
    middle.authority = true;
    middle.key_usage = "digitalSignature";
    expect_refused(signed_by(middle), ErrorKind::denied, "");
    middle.key_usage = "keyCertSign";
    middle.not_after = present - day;
    expect_refused(signed_by(middle), ErrorKind::denied, "\"CN=Middle\" has expired");
}

TEST_CASE("attacks: weak digests and keys")
{
    const CmsRig rig;
    const Identity rsa_signer = make_signer(rig.root, "Signer", KeyKind::rsa);
    for (const EVP_MD* const weak : {EVP_sha1(), EVP_md5(), EVP_sha224()})
    {
        CmsOptions options;
        options.digest = weak;
        expect_refused(rig.verify(sign_cms(rig.image, rsa_signer, options)), ErrorKind::denied, "weaker than SHA-256");
    }
    CertificateOptions options;
    options.name = "Weak";
    options.issuer = &rig.root;
    options.extended_key_usage = "codeSigning";
    options.digest = EVP_sha1();
    expect_refused(rig.verify(sign_cms(rig.image, make_identity(options))), ErrorKind::denied,
                   "\"CN=Weak\" is signed with a digest weaker than SHA-256");
    options.digest = EVP_sha224();
    expect_refused(rig.verify(sign_cms(rig.image, make_identity(options))), ErrorKind::denied, "weaker than SHA-256");
    options.digest = EVP_sha256();
    options.key = KeyKind::rsa_1024;
    expect_refused(rig.verify(sign_cms(rig.image, make_identity(options))), ErrorKind::denied,
                   "\"CN=Weak\" has a key weaker than RSA with 2048 bits");
}

TEST_CASE("attacks: forms that say something else than one detached signature")
{
    const CmsRig rig;
    const auto refused = [&](const CmsOptions& options, std::string_view part)
    { expect_refused(rig.verify(sign_cms(rig.image, rig.signer, options)), ErrorKind::invalid_field, part); };
    CmsOptions options;
    options.flags |= CMS_NOATTR;
    refused(options, "signed attributes");
    options = {};
    options.flags |= CMS_NOCERTS;
    refused(options, "certificate");
    options = {};
    const Identity second = make_signer(rig.root, "Second");
    options.second_signer = &second;
    refused(options, "more than one");
    options = {};
    options.content_type = NID_id_smime_ct_TSTInfo;
    refused(options, "something else than plain data");
    options = {};
    const std::vector<Identity> many = [&]
    {
        std::vector<Identity> made;
        for (int at = 0; at < 8; ++at)
        {
            made.push_back(make_signer(rig.root, "Extra"));
        }
        return made;
    }();
    for (const Identity& each : many)
    {
        options.others.push_back(each.certificate.get());
    }
    refused(options, "more than 8");
    CmsRig small;
    small.image = make_image(50);
    options = {};
    options.flags = CMS_BINARY;
    expect_refused(small.verify(sign_cms(small.image, small.signer, options)), ErrorKind::invalid_field,
                   "content of its own");
}

TEST_CASE("attacks: an algorithm that is not its key's and digest's")
{
    const CmsRig rig;
    Bytes der = sign_cms(rig.image, rig.signer);
    const Bytes ecdsa_with_sha256{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
    const auto last = std::find_end(der.begin(), der.end(), ecdsa_with_sha256.begin(), ecdsa_with_sha256.end());
    REQUIRE(last != der.end());
    for (const std::uint8_t other : Bytes{0x01, 0x03, 0x04, 0x7F}) // SHA-224, SHA-384, SHA-512, none
    {
        last[7] = other;
        expect_refused(rig.verify(der), ErrorKind::invalid_field,
                       "algorithm is not one of its signer's key and digest");
    }
}

TEST_CASE("attacks: digests that nobody uses, each of which would be computed over the whole image")
{
    const CmsRig rig;
    CmsOptions options;
    const Identity second = make_signer(rig.root, "Second");
    options.second_signer = &second;
    options.second_digest = EVP_sha512();
    const Bytes both = sign_cms(rig.image, rig.signer, options);
    const unsigned char* at = both.data();
    const openssl::Cms cms{d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(both.size()))};
    STACK_OF(CMS_SignerInfo)* const signers = CMS_get0_SignerInfos(cms.get());
    REQUIRE(sk_CMS_SignerInfo_num(signers) == 2);
    CMS_SignerInfo* const removed = sk_CMS_SignerInfo_pop(signers);
    unsigned char* der = nullptr;
    const int size = i2d_CMS_ContentInfo(cms.get(), &der);
    REQUIRE(size > 0);
    const Bytes one{der, der + size};
    OPENSSL_free(der);
    expect_refused(rig.verify(one), ErrorKind::invalid_field, "announces other digests");
    sk_CMS_SignerInfo_push(signers, removed);
}

TEST_CASE("attacks: what is no signature")
{
    const CmsRig rig;
    expect_refused(rig.verify({}), ErrorKind::length, "0 bytes");
    expect_refused(rig.verify(Bytes(largest_signature + 1, 0x30)), ErrorKind::length, "16385 bytes");
    expect_refused(rig.verify(Bytes(100, 0xFF)), ErrorKind::invalid_field, "not DER");
    expect_refused(rig.verify(as_bytes("-----BEGIN CMS-----\n")), ErrorKind::invalid_field, "not DER");
    // Deep nesting of indefinite lengths.
    expect_refused(rig.verify(Bytes(10'000, 0x30)), ErrorKind::invalid_field, "not DER");
}

TEST_CASE("the attributes of a signature cannot be passed off as an image")
{
    // Whoever takes the signed attributes (a SET OF in DER) as content and drops them from the signature has a valid
    // signature without attributes: those are refused as a form, see above; here, that begin() says so.
    const CmsRig rig;
    CmsOptions options;
    options.flags |= CMS_NOATTR;
    const auto begun = CmsVerifier::begin(sign_cms(rig.image, rig.signer, options), rig.trust, clock_at());
    REQUIRE_FALSE(begun.has_value());
    CHECK(begun.error().kind == ErrorKind::invalid_field);
}

TEST_CASE("a forged signature is refused before any content is read")
{
    const CmsRig rig;
    Bytes der = sign_cms(rig.image, rig.signer);
    der[der.size() - 3] ^= 0x10; // in the signature value, which comes last
    ByteSource source = memory_source(rig.image);
    bool asked = false;
    source.read = [&](std::uint64_t, MutableBytes) -> Result<void>
    {
        asked = true;
        return {};
    };
    expect_refused(verify_cms(der, source, rig.trust, clock_at()), ErrorKind::integrity, "\"CN=Signer\"");
    CHECK_FALSE(asked);
}

TEST_CASE("a failing source ends the verification with its own words")
{
    const CmsRig rig;
    const Bytes der = sign_cms(rig.image, rig.signer);
    ByteSource source = memory_source(rig.image);
    source.read = [](std::uint64_t, MutableBytes) -> Result<void>
    { return fail(ErrorKind::input_output, "the disk is gone"); };
    expect_refused(verify_cms(der, source, rig.trust, clock_at()), ErrorKind::input_output, "the disk is gone");
}

TEST_CASE("names from certificates are safe to print and bounded")
{
    const CmsRig rig;
    const Identity evil = make_signer(rig.root, "Evil\x1B[31m\xE2\x80\xAE" + std::string(30, 'x'));
    const auto verified = rig.verify(sign_cms(rig.image, evil));
    REQUIRE(verified.has_value());
    CHECK(printable(verified->certificate) == verified->certificate);
    CHECK(verified->certificate.find('\x1B') == std::string::npos);
}
