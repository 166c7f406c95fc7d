#include "transports/network/host/certificate.hpp"

#include "common/random.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

namespace fwupdate::network
{
namespace
{

constexpr long version_3 = 2;
constexpr const char* long_ago = "20000101000000Z";
constexpr const char* never = "99991231235959Z"; // RFC 5280 section 4.1.2.5: no end

bool set_serial(X509* x509)
{
    std::array<std::uint8_t, 16> bytes{};
    SystemRandom{}.fill(bytes);
    bytes[0] &= 0x7F; // positive
    BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
    const bool set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nullptr;
    BN_free(number);
    return set;
}

bool set_name(X509* x509)
{
    static constexpr std::string_view name = "ipmi-fwupdate";
    X509_NAME* subject = X509_get_subject_name(x509);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.data()),
                                      static_cast<int>(name.size()), -1, 0) == 1 &&
           X509_set_issuer_name(x509, subject) == 1;
}

bool add_extension(X509* x509, int kind, const char* value)
{
    X509V3_CTX context{};
    X509V3_set_ctx(&context, x509, x509, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    const bool added = extension != nullptr && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/// Everything but the key.
bool fill_in(X509* x509)
{
    return X509_set_version(x509, version_3) == 1 && set_serial(x509) && set_name(x509) &&
           ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), long_ago) == 1 &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), never) == 1 &&
           add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x509, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x509, NID_ext_key_usage, "serverAuth");
}

} // namespace

void Certificate::Free::operator()(evp_pkey_st* key) const
{
    EVP_PKEY_free(key);
}

void Certificate::Free::operator()(x509_st* x509) const
{
    X509_free(x509);
}

Result<Certificate> Certificate::make()
{
    Certificate made;
    made.key_.reset(EVP_EC_gen("P-256"));
    made.x509_.reset(X509_new());
    unsigned length = 0;
    const bool whole = made.key_ != nullptr && made.x509_ != nullptr && fill_in(made.x509()) &&
                       X509_set_pubkey(made.x509(), made.key()) == 1 &&
                       X509_sign(made.x509(), made.key(), EVP_sha256()) > 0 &&
                       X509_digest(made.x509(), EVP_sha256(), made.pin_.data(), &length) == 1;
    if (!whole)
    {
        return fail(ErrorKind::input_output, "OpenSSL could not make a certificate");
    }
    return made;
}

} // namespace fwupdate::network
