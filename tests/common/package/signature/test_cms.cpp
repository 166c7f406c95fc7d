#include "tests/common/package/signature/cms_rig.hpp"

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

TEST_CASE("a good signature tells who signed, when and how")
{
    const CmsRig rig;
    const auto verified = rig.verify(sign_cms(rig.image, rig.signer));
    REQUIRE(verified.has_value());
    CHECK(verified->certificate == "certificate \"CN=Signer\"");
    CHECK(verified->digest == "SHA256");
    CHECK(verified->signed_at == std::chrono::system_clock::from_time_t(present));
}

TEST_CASE("RSA, RSA-PSS and ECDSA, SHA-256 and up")
{
    CmsRig rig;
    for (const KeyKind kind : {KeyKind::ec, KeyKind::rsa, KeyKind::rsa_pss})
    {
        const Identity signer = make_signer(rig.root, "Signer", kind);
        for (const EVP_MD* const digest : {EVP_sha256(), EVP_sha384(), EVP_sha512()})
        {
            CmsOptions options;
            options.digest = digest;
            const auto verified = rig.verify(sign_cms(rig.image, signer, options));
            CHECK(verified);
        }
    }
}

TEST_CASE("the content is taken in any slices, and never asked for as a whole")
{
    const CmsRig rig;
    const Bytes der = sign_cms(rig.image, rig.signer);
    for (const std::size_t step : {1U, 13U, 65536U, 200'000U})
    {
        auto verifier = CmsVerifier::begin(der, rig.trust, clock_at());
        REQUIRE(verifier.has_value());
        for (std::size_t at = 0; at < rig.image.size(); at += step)
        {
            verifier->update(ConstBytes{rig.image}.subspan(at, std::min(step, rig.image.size() - at)));
        }
        CHECK(verifier->finish().has_value());
    }
    ByteSource source = memory_source(rig.image);
    std::size_t largest = 0;
    source.read = [&, inner = source.read](std::uint64_t offset, MutableBytes out)
    {
        largest = std::max(largest, out.size());
        return inner(offset, out);
    };
    CHECK(verify_cms(der, source, rig.trust, clock_at()).has_value());
    CHECK(largest == 65536);
}

TEST_CASE("an image of nothing has a signature as well")
{
    CmsRig rig;
    rig.image.clear();
    CHECK(rig.verify(sign_cms({}, rig.signer)).has_value());
}

TEST_CASE("an altered, cut or swapped image is refused")
{
    CmsRig rig;
    const Bytes der = sign_cms(rig.image, rig.signer);
    for (const std::size_t at : {std::size_t{0}, std::size_t{65536}, rig.image.size() - 1})
    {
        rig.image[at] ^= 1;
        expect_refused(rig.verify(der), ErrorKind::integrity, "\"CN=Signer\" signed: image or signature was altered");
        rig.image[at] ^= 1;
    }
    rig.image.pop_back();
    expect_refused(rig.verify(der), ErrorKind::integrity, "altered or swapped");
    rig.image = make_image(1000);
    expect_refused(rig.verify(der), ErrorKind::integrity, "altered or swapped");
}

TEST_CASE("every truncation and every flipped bit of a signature is refused, or leaves the same signer's word")
{
    CmsRig rig;
    rig.image = make_image(100);
    const Bytes der = sign_cms(rig.image, rig.signer);
    for (std::size_t size = 0; size < der.size(); ++size)
    {
        CHECK_FALSE(rig.verify(ConstBytes{der}.first(size)).has_value());
    }
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < der.size() * 8; ++bit)
    {
        Bytes flipped = der;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
        const auto verified = rig.verify(flipped);
        accepted += verified ? 1 : 0;
        CHECK((!verified || verified->certificate == "certificate \"CN=Signer\""));
    }
    // What nobody signs and nothing depends on: version numbers, kinds of sets, the case of the issuer's name.
    CHECK(accepted < 32);
    Bytes longer = der;
    longer.push_back(0);
    expect_refused(rig.verify(longer), ErrorKind::invalid_field, "bytes behind its end");
}
