#include "common/package/signature/certificate.hpp"

#include <openssl/x509v3.h>

namespace fwupdate::package
{
namespace
{

constexpr int least_digest_bits = 128; ///< of security: SHA-256, Ed25519
constexpr int least_key_bits = 112;    ///< of security: RSA 2048, P-224

/// X509_get_extended_key_usage says "everything" when there is no such extension: ask for the extension first.
bool has_extended_key_usage(X509* certificate)
{
    return (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) != 0;
}

bool may_sign_code(X509* certificate)
{
    return (X509_get_extended_key_usage(certificate) & XKU_CODE_SIGN) != 0;
}

} // namespace

std::string describe(const X509* certificate)
{
    constexpr std::size_t longest = 200;
    const openssl::Bio out{BIO_new(BIO_s_mem())};
    constexpr unsigned long form = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
    if (!out || X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, form) < 0)
    {
        ERR_clear_error();
        return "a certificate with an unreadable name";
    }
    const char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    const std::string name = printable(std::string_view{text, static_cast<std::size_t>(size)}.substr(0, longest));
    return "certificate \"" + name + "\"";
}

Result<void> check_signer_purpose(X509* certificate)
{
    if (!has_extended_key_usage(certificate) || !may_sign_code(certificate))
    {
        return fail(ErrorKind::denied, describe(certificate) + " is not for signing firmware: its extended key usage "
                                                               "lacks code signing");
    }
    if ((X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0)
    {
        return fail(ErrorKind::denied, describe(certificate) + " is not for signatures: its key usage lacks digital "
                                                               "signature");
    }
    return {};
}

Result<void> check_issuer_purpose(X509* certificate)
{
    if (X509_check_ca(certificate) != 1)
    {
        return fail(ErrorKind::denied,
                    describe(certificate) + " issued a certificate, but is no certification authority");
    }
    if (has_extended_key_usage(certificate) && !may_sign_code(certificate))
    {
        return fail(ErrorKind::denied,
                    describe(certificate) +
                        " may not issue certificates for code signing: its extended key usage lacks it");
    }
    return {};
}

Result<void> check_certificate_digest(X509* certificate)
{
    int bits = 0;
    std::uint32_t flags = 0;
    if (X509_get_signature_info(certificate, nullptr, nullptr, &bits, &flags) != 1 || bits < least_digest_bits)
    {
        return fail(ErrorKind::denied,
                    describe(certificate) + " is signed with a digest weaker than SHA-256; have it issued anew");
    }
    return {};
}

Result<void> check_key_strength(const EVP_PKEY* key, const std::string& owner)
{
    if (key == nullptr || EVP_PKEY_get_security_bits(key) < least_key_bits)
    {
        return fail(ErrorKind::denied, owner + " has a key weaker than RSA with 2048 bits");
    }
    return {};
}

} // namespace fwupdate::package
