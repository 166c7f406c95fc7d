#include "common/package/signature/trust.hpp"

#include "common/package/signature/certificate.hpp"
#include "common/package/signature/openssl.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <new>

namespace fwupdate::package
{
namespace
{

constexpr int deepest_chain = 8;  ///< certificates between root and signer
constexpr int security_level = 2; ///< of OpenSSL: RSA 2048, no SHA-1
constexpr std::string_view begin_mark = "-----BEGIN ";

/// Calls `take` with each object that `read` finds in PEM text. Objects of other kinds are mistakes: who put a key
/// where a certificate belongs should hear of it.
template <class Owner, class Read, class Take>
Result<void> for_each_pem(std::string_view pem, const std::string& what, Read read, Take take)
{
    std::size_t expected = 0;
    for (std::size_t at = pem.find(begin_mark); at != std::string_view::npos; at = pem.find(begin_mark, at + 1))
    {
        ++expected;
    }
    const openssl::Bio in = openssl::view(as_bytes(pem));
    for (std::size_t number = 1; number <= expected; ++number)
    {
        const Owner object{in ? read(in.get()) : nullptr};
        if (!object)
        {
            return fail(ErrorKind::invalid_field,
                        "item " + std::to_string(number) + " is not a PEM " + what + ": " + openssl::reason());
        }
        if (const Result<void> taken = take(object.get()); !taken)
        {
            return taken.error();
        }
    }
    ERR_clear_error();
    return expected > 0 ? Result<void>{} : fail(ErrorKind::invalid_field, "there is no PEM " + what + " in it");
}

/// Where the signing time decides, a list is as good as it was when it was put on the BMC.
int ignore_list_times(int ok, X509_STORE_CTX* context)
{
    const int error = X509_STORE_CTX_get_error(context);
    const bool of_time = error == X509_V_ERR_CRL_HAS_EXPIRED || error == X509_V_ERR_CRL_NOT_YET_VALID;
    if (ok == 0 && of_time)
    {
        X509_STORE_CTX_set_error(context, X509_V_OK);
        return 1;
    }
    return ok;
}

/// What a person reads for OpenSSL's most frequent errors; the rest in its own words.
std::string sentence_of(int error)
{
    switch (error)
    {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "is not valid yet";
    case X509_V_ERR_CERT_REVOKED:
        return "is revoked";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "leads to none of the configured roots";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return "is covered by none of the configured revocation lists; configure its issuer's";
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return "has a revocation list that has expired; configure its issuer's latest";
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return "has a revocation list that is not valid yet";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        return "has a key weaker than RSA with 2048 bits";
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return "is signed with a digest weaker than SHA-256; have it issued anew";
    default:
        return std::string{"is not accepted: "} + X509_verify_cert_error_string(error);
    }
}

Error refused(X509_STORE_CTX* context)
{
    const X509* const culprit = X509_STORE_CTX_get_current_cert(context);
    const int error = X509_STORE_CTX_get_error(context);
    ERR_clear_error();
    return fail(ErrorKind::denied, (culprit == nullptr ? std::string{"the signer's certificate"} : describe(culprit)) +
                                       " " + sentence_of(error));
}

/// What OpenSSL's chain building leaves open: purposes and strengths, of everyone but the root, whom the configuration
/// trusts by itself.
Result<void> check_chain(STACK_OF(X509) * chain)
{
    const int roots_place = sk_X509_num(chain) - 1;
    if (const auto purpose = check_signer_purpose(sk_X509_value(chain, 0)); !purpose)
    {
        return purpose.error();
    }
    for (int at = 0; at < roots_place; ++at)
    {
        X509* const certificate = sk_X509_value(chain, at);
        if (const auto issuer = at == 0 ? Result<void>{} : check_issuer_purpose(certificate); !issuer)
        {
            return issuer.error();
        }
        if (const auto digest = check_certificate_digest(certificate); !digest)
        {
            return digest.error();
        }
    }
    return {};
}

} // namespace

void TrustStore::Free::operator()(x509_store_st* store) const
{
    X509_STORE_free(store);
}

TrustStore::TrustStore() : store_{X509_STORE_new()}
{
    if (!store_)
    {
        throw std::bad_alloc{};
    }
}

TrustStore::TrustStore(TrustStore&&) noexcept = default;
TrustStore& TrustStore::operator=(TrustStore&&) noexcept = default;
TrustStore::~TrustStore() = default;

Result<TrustStore> TrustStore::from_pem(std::string_view roots, std::string_view revocation_lists)
{
    TrustStore trust;
    if (const auto added = trust.add_roots(roots); !added)
    {
        return fail(added.error().kind, "roots: " + added.error().text);
    }
    if (revocation_lists.empty())
    {
        return trust;
    }
    if (const auto added = trust.add_revocation_lists(revocation_lists); !added)
    {
        return fail(added.error().kind, "revocation lists: " + added.error().text);
    }
    return trust;
}

Result<void> TrustStore::add_roots(std::string_view pem)
{
    const auto read = [](BIO* in) { return PEM_read_bio_X509(in, nullptr, nullptr, nullptr); };
    const auto take = [this](X509* certificate) -> Result<void>
    {
        if (X509_self_signed(certificate, 1) != 1)
        {
            ERR_clear_error();
            return fail(ErrorKind::invalid_field, describe(certificate) + " is no root: it is not signed by itself");
        }
        if (X509_STORE_add_cert(store_.get(), certificate) != 1)
        {
            return fail(ErrorKind::invalid_field, describe(certificate) + " cannot be used: " + openssl::reason());
        }
        return {};
    };
    return for_each_pem<openssl::Certificate>(pem, "certificate", read, take);
}

Result<void> TrustStore::add_revocation_lists(std::string_view pem)
{
    checks_revocation_ = true;
    const auto read = [](BIO* in) { return PEM_read_bio_X509_CRL(in, nullptr, nullptr, nullptr); };
    const auto take = [this](X509_CRL* list) -> Result<void>
    {
        if (X509_STORE_add_crl(store_.get(), list) != 1)
        {
            return fail(ErrorKind::invalid_field, "a list cannot be used: " + openssl::reason());
        }
        return {};
    };
    return for_each_pem<openssl::RevocationList>(pem, "revocation list", read, take);
}

Result<void> TrustStore::check_signer(x509_st* signer, stack_st_X509* others, std::int64_t when,
                                      TimeSource source) const
{
    const openssl::StoreContext context{X509_STORE_CTX_new()};
    if (!context || X509_STORE_CTX_init(context.get(), store_.get(), signer, others) != 1)
    {
        return fail(ErrorKind::denied, "the signer's certificate cannot be checked: " + openssl::reason());
    }
    X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(when));
    X509_VERIFY_PARAM_set_depth(parameters, deepest_chain);
    X509_VERIFY_PARAM_set_auth_level(parameters, security_level);
    if (checks_revocation_)
    {
        X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    if (source == TimeSource::signing_time)
    {
        X509_STORE_CTX_set_verify_cb(context.get(), ignore_list_times);
    }
    // Both must agree: the callback cannot turn a failed verification into a good one by accident.
    if (X509_verify_cert(context.get()) != 1 || X509_STORE_CTX_get_error(context.get()) != X509_V_OK)
    {
        return refused(context.get());
    }
    return check_chain(X509_STORE_CTX_get0_chain(context.get()));
}

} // namespace fwupdate::package
