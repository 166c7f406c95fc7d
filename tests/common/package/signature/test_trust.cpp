#include "common/package/signature/cms.hpp"

#include "tests/common/package/signature/pki.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>
#include <openssl/pem.h>

using namespace fwupdate;
using namespace fwupdate::package;
using namespace fwupdate::test;

namespace
{

const Bytes image(1000, 0x5A);

struct Chain
{
    Identity root = make_root();
    Identity middle = make_middle(root);
    Identity signer = make_signer(middle);
    Bytes der = sign();

    [[nodiscard]] Bytes sign() const
    {
        CmsOptions options;
        options.others = {middle.certificate.get()};
        return sign_cms(image, signer, options);
    }

    [[nodiscard]] Result<Signer> verify(const std::string& lists, const TimePolicy& time = clock_at()) const
    {
        const auto trust = TrustStore::from_pem(pem_of(root.certificate.get()), lists);
        REQUIRE(trust.has_value());
        CHECK(trust->checks_revocation() == !lists.empty());
        return verify_cms(der, memory_source(image), *trust, time);
    }
};

void expect_refused(const Result<Signer>& result, std::string_view part)
{
    REQUIRE_FALSE(result.has_value());
    CHECK_MESSAGE(result.error().kind == ErrorKind::denied, result.error().text);
    CHECK_MESSAGE(result.error().text.find(part) != std::string::npos, result.error().text);
}

} // namespace

TEST_CASE("revocation lists cover the whole chain, or the signature is refused")
{
    const Chain chain;
    CHECK(chain.verify("").has_value());
    const std::string roots = revocation_list(chain.root, {});
    const std::string middles = revocation_list(chain.middle, {});
    CHECK(chain.verify(roots + middles).has_value());
    expect_refused(chain.verify(roots), "\"CN=Signer\" is covered by none of the configured revocation lists");
    expect_refused(chain.verify(middles), "is covered by none");
}

TEST_CASE("a revoked signer and a revoked issuer are refused, whatever the time")
{
    const Chain chain;
    const std::string roots = revocation_list(chain.root, {});
    const std::string middles = revocation_list(chain.middle, {});
    const std::string signer_revoked = revocation_list(chain.middle, {chain.signer.certificate.get()});
    const std::string middle_revoked = revocation_list(chain.root, {chain.middle.certificate.get()});
    for (const TimePolicy& time : {clock_at(), TimePolicy{TimeSource::signing_time, std::nullopt}})
    {
        expect_refused(chain.verify(roots + signer_revoked, time), "\"CN=Signer\" is revoked");
        expect_refused(chain.verify(middle_revoked + middles, time), "\"CN=Middle\" is revoked");
    }
}

TEST_CASE("an expired list is refused by the clock; by the signing time it goes on to count")
{
    const Chain chain;
    const std::string roots = revocation_list(chain.root, {});
    const std::string expired = revocation_list(chain.middle, {}, present - 10 * day, present - day);
    const TimePolicy by_signature{TimeSource::signing_time, std::nullopt};
    expect_refused(chain.verify(roots + expired), "revocation list that has expired");
    CHECK(chain.verify(roots + expired, by_signature).has_value());
    const std::string future = revocation_list(chain.middle, {}, present + day, present + 2 * day);
    expect_refused(chain.verify(roots + future), "not valid yet");
    CHECK(chain.verify(roots + future, by_signature).has_value());
    const std::string expired_with_signer =
        revocation_list(chain.middle, {chain.signer.certificate.get()}, present - 10 * day, present - day);
    expect_refused(chain.verify(roots + expired_with_signer, by_signature), "\"CN=Signer\" is revoked");
}

TEST_CASE("a list that somebody else signed does not count")
{
    const Chain chain;
    const std::string roots = revocation_list(chain.root, {});
    Identity forger{make_key(KeyKind::ec), openssl::Certificate{X509_dup(chain.middle.certificate.get())}, KeyKind::ec};
    const auto refused = chain.verify(roots + revocation_list(forger, {}));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::denied);
    for (const TimePolicy& time : {clock_at(), TimePolicy{TimeSource::signing_time, std::nullopt}})
    {
        CHECK_FALSE(chain.verify(roots + revocation_list(forger, {}), time).has_value());
    }
}

TEST_CASE("lists inside a signature are nobody's business")
{
    // The signature brings no list that could stand in for the configured one: the PKI's helper adds none, and the
    // chain is checked against the store alone. What shows it: no list configured for the signer's issuer is a refusal
    // above.
    const Chain chain;
    const auto trust = TrustStore::from_pem(pem_of(chain.root.certificate.get()), revocation_list(chain.root, {}));
    REQUIRE(trust.has_value());
    const unsigned char* at = chain.der.data();
    const openssl::Cms cms{d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(chain.der.size()))};
    const openssl::Bio in = openssl::view(as_bytes(""));
    const std::string own = revocation_list(chain.middle, {});
    const openssl::Bio pem = openssl::view(as_bytes(own));
    const openssl::RevocationList list{PEM_read_bio_X509_CRL(pem.get(), nullptr, nullptr, nullptr)};
    REQUIRE(CMS_add1_crl(cms.get(), list.get()) == 1);
    unsigned char* der = nullptr;
    const int size = i2d_CMS_ContentInfo(cms.get(), &der);
    REQUIRE(size > 0);
    const Bytes with_list{der, der + size};
    OPENSSL_free(der);
    expect_refused(verify_cms(with_list, memory_source(image), *trust, clock_at()), "is covered by none");
}

TEST_CASE("a self-signed signer may itself be the root")
{
    CertificateOptions options;
    options.name = "Pinned";
    options.extended_key_usage = "codeSigning";
    const Identity pinned = make_identity(options);
    const auto trust = TrustStore::from_pem(pem_of(pinned.certificate.get()));
    REQUIRE(trust.has_value());
    CHECK(verify_cms(sign_cms(image, pinned), memory_source(image), *trust, clock_at()));
}

TEST_CASE("several roots with remarks; anything else in the file is a mistake")
{
    const Chain chain;
    const Identity other = make_root("Other root");
    const std::string roots =
        "the first\n" + pem_of(other.certificate.get()) + "# the second\n" + pem_of(chain.root.certificate.get());
    const auto trust = TrustStore::from_pem(roots);
    REQUIRE(trust.has_value());
    CHECK(verify_cms(chain.der, memory_source(image), *trust, clock_at()).has_value());

    const auto expect_mistake = [](const std::string& text, const std::string& lists, std::string_view part)
    {
        const auto mistaken = TrustStore::from_pem(text, lists);
        REQUIRE_FALSE(mistaken.has_value());
        CHECK(mistaken.error().kind == ErrorKind::invalid_field);
        CHECK_MESSAGE(mistaken.error().text.find(part) != std::string::npos, mistaken.error().text);
    };
    expect_mistake("", "", "roots: there is no PEM certificate");
    expect_mistake("garbage", "", "there is no PEM certificate");
    expect_mistake(pem_of(chain.middle.certificate.get()), "", "\"CN=Middle\" is no root");
    expect_mistake(pem_of(chain.root.key.get()), "", "item 1 is not a PEM certificate");
    expect_mistake(roots + pem_of(chain.root.key.get()), "", "item 3");
    std::string damaged = pem_of(chain.root.certificate.get());
    damaged[60] = damaged[60] == 'A' ? 'B' : 'A';
    expect_mistake(damaged, "", "roots: ");
    expect_mistake(damaged.substr(0, damaged.size() / 2), "", "item 1");
    expect_mistake(roots, "garbage", "revocation lists: there is no PEM revocation list");
    expect_mistake(roots, pem_of(chain.root.certificate.get()), "item 1 is not a PEM revocation list");
}
