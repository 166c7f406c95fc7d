#include "common/package/signature/cms.hpp"

#include "common/package/signature/certificate.hpp"
#include "common/package/signature/openssl.hpp"

#include <openssl/objects.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

namespace fwupdate::package
{
namespace
{

constexpr int most_certificates = 8; ///< inside a signature
constexpr std::size_t slice = 65536; ///< bytes

Error malformed(const std::string& why)
{
    return fail(ErrorKind::invalid_field, "the signature is not a detached CMS signature: " + why);
}

Result<openssl::Cms> parse(ConstBytes der)
{
    if (der.empty() || der.size() > largest_signature)
    {
        return fail(ErrorKind::length, "the signature has " + std::to_string(der.size()) + " bytes; 1 to " +
                                           std::to_string(largest_signature) + " are taken");
    }
    const unsigned char* at = der.data();
    openssl::Cms cms{d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size()))};
    if (!cms)
    {
        return malformed("it is not DER, or damaged (" + openssl::reason() + ")");
    }
    if (at != der.data() + der.size())
    {
        return malformed("there are bytes behind its end");
    }
    if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed)
    {
        return malformed("it is another kind of CMS message");
    }
    if (OBJ_obj2nid(CMS_get0_eContentType(cms.get())) != NID_pkcs7_data)
    {
        return malformed("it signs something else than plain data");
    }
    if (CMS_is_detached(cms.get()) != 1)
    {
        return malformed("it has content of its own; sign with -binary and without -nodetach");
    }
    return cms;
}

/// The digests that a signer may have used.
bool is_strong(int digest)
{
    return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
}

/// Whether the signature's algorithm is one of this key and digest: OpenSSL looks at key and digest alone. "RSA
/// encryption" and PSS do not name the digest.
bool is_consistent(const X509_ALGOR* signature, int digest, const EVP_PKEY* key)
{
    const int algorithm = OBJ_obj2nid(signature->algorithm);
    int stated_digest = NID_undef;
    int stated_key = NID_undef;
    if (algorithm == NID_rsaEncryption || algorithm == NID_rsassaPss)
    {
        return EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
    }
    return OBJ_find_sigid_algs(algorithm, &stated_digest, &stated_key) == 1 && stated_digest == digest &&
           EVP_PKEY_is_a(key, OBJ_nid2sn(stated_key)) == 1;
}

/// The value of a signed attribute that is there exactly once with exactly one value; nullptr otherwise.
template <class T> const T* signed_attribute(const CMS_SignerInfo* info, int attribute, int type)
{
    constexpr int exactly_one = -3;
    return static_cast<const T*>(CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(attribute), exactly_one, type));
}

std::optional<std::time_t> signing_time(const CMS_SignerInfo* info)
{
    for (const int type : {V_ASN1_UTCTIME, V_ASN1_GENERALIZEDTIME})
    {
        std::tm parts{};
        const auto* const stated = signed_attribute<ASN1_TIME>(info, NID_pkcs9_signingTime, type);
        if (stated != nullptr && ASN1_TIME_to_tm(stated, &parts) == 1)
        {
            return ::timegm(&parts);
        }
    }
    ERR_clear_error();
    return std::nullopt;
}

/// Without signed attributes, the attributes of one signature could be passed off as the content of another.
Result<void> check_attributes(const CMS_SignerInfo* info)
{
    const auto* const type = signed_attribute<ASN1_OBJECT>(info, NID_pkcs9_contentType, V_ASN1_OBJECT);
    const auto* const digest = signed_attribute<ASN1_OCTET_STRING>(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);
    if (type == nullptr || OBJ_obj2nid(type) != NID_pkcs7_data || digest == nullptr)
    {
        ERR_clear_error();
        return malformed("it lacks the signed attributes content type and message digest; sign without -noattr");
    }
    return {};
}

/// By which time the certificates must be valid, seconds since 1970.
Result<std::time_t> time_of_check(const TimePolicy& policy, const std::optional<std::time_t>& stated)
{
    if (policy.source == TimeSource::signing_time)
    {
        return stated
                   ? Result<std::time_t>{*stated}
                   : fail(ErrorKind::denied, "the signature states no signing time, by which the BMC's policy checks "
                                             "certificates");
    }
    if (!policy.now)
    {
        return fail(ErrorKind::denied,
                    "the BMC does not know the date and cannot check when certificates are valid; set "
                    "its clock, or let its configuration check by the signing time");
    }
    return std::chrono::system_clock::to_time_t(*policy.now);
}

} // namespace

/// A signature that has passed everything but its content.
class CmsVerifier::Parts
{
  public:
    Parts(openssl::Cms cms, CMS_SignerInfo* info) : cms_{std::move(cms)}, info_{info} {}

    [[nodiscard]] Result<void> read_signer();
    [[nodiscard]] Result<void> check_signer(const TrustStore& trust, const TimePolicy& time);
    [[nodiscard]] Result<void> start_digest();

    void update(ConstBytes bytes)
    {
        while (!bytes.empty())
        {
            const ConstBytes part = bytes.first(std::min(bytes.size(), slice));
            const int taken = BIO_write(chain_.get(), part.data(), static_cast<int>(part.size()));
            if (std::cmp_not_equal(taken, part.size()))
            {
                std::abort(); // a digest into nowhere fails only without memory
            }
            bytes = bytes.subspan(part.size());
        }
    }

    [[nodiscard]] Result<Signer> finish()
    {
        if (CMS_SignerInfo_verify_content(info_, chain_.get()) != 1)
        {
            ERR_clear_error();
            return fail(ErrorKind::integrity, "the image is not the one that " + signer_.certificate +
                                                  " signed: image or signature was altered or swapped");
        }
        ERR_clear_error(); // OpenSSL leaves complaints behind that a later caller would take for its own
        return signer_;
    }

  private:
    openssl::Cms cms_;
    CMS_SignerInfo* info_; ///< in cms_
    openssl::Certificates certificates_;
    X509* certificate_{}; ///< the signer's, in cms_
    openssl::Bio chain_;  ///< digests what is written to it
    Signer signer_;
};

Result<void> CmsVerifier::Parts::read_signer()
{
    certificates_.reset(CMS_get1_certs(cms_.get()));
    if (!certificates_ || sk_X509_num(certificates_.get()) > most_certificates)
    {
        return malformed("it has no certificates, or more than " + std::to_string(most_certificates));
    }
    EVP_PKEY* key = nullptr;
    X509_ALGOR* digest = nullptr;
    X509_ALGOR* signature = nullptr;
    CMS_set1_signers_certs(cms_.get(), nullptr, 0);
    CMS_SignerInfo_get0_algs(info_, &key, &certificate_, &digest, &signature);
    if (certificate_ == nullptr)
    {
        return malformed("its signer's certificate is not in it; sign without -nocerts");
    }
    signer_.certificate = describe(certificate_);
    const int digest_id = OBJ_obj2nid(digest->algorithm);
    if (!is_strong(digest_id))
    {
        return fail(ErrorKind::denied, "the signature by " + signer_.certificate +
                                           " uses a digest weaker than SHA-256; sign with -md sha256");
    }
    if (!is_consistent(signature, digest_id, key))
    {
        return malformed("its algorithm is not one of its signer's key and digest");
    }
    signer_.digest = OBJ_nid2sn(digest_id);
    return check_attributes(info_);
}

Result<void> CmsVerifier::Parts::check_signer(const TrustStore& trust, const TimePolicy& time)
{
    const auto stated = signing_time(info_);
    if (stated)
    {
        signer_.signed_at = std::chrono::system_clock::from_time_t(*stated);
    }
    const auto when = time_of_check(time, stated);
    if (!when)
    {
        return when.error();
    }
    if (const auto trusted = trust.check_signer(certificate_, certificates_.get(), *when, time.source); !trusted)
    {
        return trusted.error();
    }
    if (CMS_SignerInfo_verify(info_) != 1)
    {
        return fail(ErrorKind::integrity, "the signature was not made with the key of " + signer_.certificate +
                                              ", or it was altered (" + openssl::reason() + ")");
    }
    return {};
}

Result<void> CmsVerifier::Parts::start_digest()
{
    openssl::Bio sink{BIO_new(BIO_s_null())};
    chain_.reset(sink ? CMS_dataInit(cms_.get(), sink.get()) : nullptr);
    if (!chain_)
    {
        return malformed("its digest is unknown (" + openssl::reason() + ")");
    }
    (void)sink.release(); // the chain's end now
    // A signature may announce any number of digests, each of which would be computed over the whole content.
    BIO* const first = BIO_find_type(chain_.get(), BIO_TYPE_MD);
    const EVP_MD* method = nullptr;
    if (first == nullptr || BIO_find_type(BIO_next(first), BIO_TYPE_MD) != nullptr || BIO_get_md(first, &method) <= 0 ||
        signer_.digest != OBJ_nid2sn(EVP_MD_get_type(method)))
    {
        return malformed("it announces other digests than its signer's");
    }
    return {};
}

CmsVerifier::CmsVerifier(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
CmsVerifier::CmsVerifier(CmsVerifier&&) noexcept = default;
CmsVerifier& CmsVerifier::operator=(CmsVerifier&&) noexcept = default;
CmsVerifier::~CmsVerifier() = default;

Result<CmsVerifier> CmsVerifier::begin(ConstBytes der, const TrustStore& trust, const TimePolicy& time)
{
    auto cms = parse(der);
    if (!cms)
    {
        return cms.error();
    }
    STACK_OF(CMS_SignerInfo)* const signers = CMS_get0_SignerInfos(cms->get());
    if (sk_CMS_SignerInfo_num(signers) != 1)
    {
        return malformed("it has no signer, or more than one");
    }
    auto parts = std::make_unique<Parts>(std::move(*cms), sk_CMS_SignerInfo_value(signers, 0));
    if (const auto read = parts->read_signer(); !read)
    {
        return read.error();
    }
    if (const auto good = parts->check_signer(trust, time); !good)
    {
        return good.error();
    }
    if (const auto started = parts->start_digest(); !started)
    {
        return started.error();
    }
    ERR_clear_error();
    return CmsVerifier{std::move(parts)};
}

void CmsVerifier::update(ConstBytes bytes)
{
    parts_->update(bytes);
}

Result<Signer> CmsVerifier::finish()
{
    return parts_->finish();
}

Result<Signer> verify_cms(ConstBytes der, const ByteSource& content, const TrustStore& trust, const TimePolicy& time)
{
    auto verifier = CmsVerifier::begin(der, trust, time);
    if (!verifier)
    {
        return verifier.error();
    }
    Bytes buffer(std::min<std::uint64_t>(slice, content.size));
    for (std::uint64_t at = 0; at < content.size;)
    {
        const MutableBytes part{buffer.data(), std::min<std::uint64_t>(buffer.size(), content.size - at)};
        if (const auto read = content.read(at, part); !read)
        {
            return read.error();
        }
        verifier->update(part);
        at += part.size();
    }
    return verifier->finish();
}

} // namespace fwupdate::package
