#include "tests/common/package/signature/pki.hpp"

#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace fwupdate::test
{
namespace
{

using namespace package;

void require(bool condition, const char* what)
{
    if (!condition)
    {
        throw std::runtime_error(std::string{what} + ": " + openssl::reason());
    }
}

std::string text_of(BIO* bio)
{
    const char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(size)};
}

template <class Write> std::string written(Write write)
{
    const openssl::Bio out{BIO_new(BIO_s_mem())};
    require(write(out.get()) == 1, "write");
    return text_of(out.get());
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
}

void add_unknown_critical(X509* certificate, const std::string& identifier)
{
    ASN1_OBJECT* const object = OBJ_txt2obj(identifier.c_str(), 1);
    ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>("\x05\x00"), 2);
    X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 1, value);
    require(X509_add_ext(certificate, extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

void add_extensions(X509* certificate, X509* issuer, const CertificateOptions& options)
{
    add_extension(certificate, issuer, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!options.key_usage.empty())
    {
        add_extension(certificate, issuer, NID_key_usage, options.key_usage);
    }
    if (!options.extended_key_usage.empty())
    {
        add_extension(certificate, issuer, NID_ext_key_usage, options.extended_key_usage);
    }
    if (!options.critical_extension.empty())
    {
        add_unknown_critical(certificate, options.critical_extension);
    }
}

ASN1_TIME* asn1_time(std::time_t when)
{
    return ASN1_TIME_set(nullptr, when);
}

void add_signer(CMS_ContentInfo* cms, const Identity& signer, const EVP_MD* digest, const CmsOptions& options)
{
    const unsigned pss = signer.kind == KeyKind::rsa_pss ? CMS_KEY_PARAM : 0U;
    CMS_SignerInfo* const info =
        CMS_add1_signer(cms, signer.certificate.get(), signer.key.get(), digest, options.flags | CMS_NOSMIMECAP | pss);
    require(info != nullptr, "add signer");
    if (pss != 0)
    {
        EVP_PKEY_CTX* const context = CMS_SignerInfo_get0_pkey_ctx(info);
        require(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1, "pss");
    }
    if (options.signing_time != 0 && (options.flags & CMS_NOATTR) == 0)
    {
        ASN1_TIME* const time = asn1_time(options.signing_time);
        require(CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, time->type, time, -1) == 1, "signing time");
        ASN1_TIME_free(time);
    }
}

} // namespace

openssl::Key make_key(KeyKind kind)
{
    openssl::Key key{kind == KeyKind::ec         ? EVP_EC_gen("P-256")
                     : kind == KeyKind::rsa_1024 ? EVP_RSA_gen(1024)
                                                 : EVP_RSA_gen(2048)};
    require(key != nullptr, "key");
    return key;
}

Identity make_identity(const CertificateOptions& options)
{
    static long serial = 1;
    Identity made{make_key(options.key), openssl::Certificate{X509_new()}, options.key};
    X509* const certificate = made.certificate.get();
    const Identity& issuer = options.issuer == nullptr ? made : *options.issuer;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    if (options.same_serial_as != nullptr)
    {
        X509_set_serialNumber(certificate, const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(options.same_serial_as)));
    }
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(options.name.data()),
                               static_cast<int>(options.name.size()), -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
    ASN1_TIME_set(X509_getm_notBefore(certificate), options.not_before);
    ASN1_TIME_set(X509_getm_notAfter(certificate), options.not_after);
    X509_set_pubkey(certificate, made.key.get());
    add_extensions(certificate, issuer.certificate.get(), options);
    require(X509_sign(certificate, issuer.key.get(), options.digest) > 0, "sign certificate");
    return made;
}

Identity make_root(const std::string& name, KeyKind key)
{
    CertificateOptions options;
    options.name = name;
    options.authority = true;
    options.key_usage = "critical,keyCertSign,cRLSign";
    options.key = key;
    return make_identity(options);
}

Identity make_middle(const Identity& issuer, const std::string& name)
{
    CertificateOptions options;
    options.name = name;
    options.issuer = &issuer;
    options.authority = true;
    options.key_usage = "critical,keyCertSign,cRLSign";
    return make_identity(options);
}

Identity make_signer(const Identity& issuer, const std::string& name, KeyKind key)
{
    CertificateOptions options;
    options.name = name;
    options.issuer = &issuer;
    options.extended_key_usage = "codeSigning";
    options.key_usage = "critical,digitalSignature";
    options.key = key;
    return make_identity(options);
}

std::string pem_of(const X509* certificate)
{
    return written([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string pem_of(const EVP_PKEY* key)
{
    return written([&](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string public_pem_of(const EVP_PKEY* key)
{
    return written([&](BIO* out) { return PEM_write_bio_PUBKEY(out, key); });
}

std::string revocation_list(const Identity& issuer, const std::vector<const X509*>& revoked, std::time_t updated,
                            std::time_t next_update)
{
    const openssl::RevocationList list{X509_CRL_new()};
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer.certificate.get()));
    ASN1_TIME* const from = asn1_time(updated);
    ASN1_TIME* const to = asn1_time(next_update);
    X509_CRL_set1_lastUpdate(list.get(), from);
    X509_CRL_set1_nextUpdate(list.get(), to);
    for (const X509* const certificate : revoked)
    {
        X509_REVOKED* const entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(certificate)));
        X509_REVOKED_set_revocationDate(entry, from);
        X509_CRL_add0_revoked(list.get(), entry);
    }
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_sort(list.get());
    require(X509_CRL_sign(list.get(), issuer.key.get(), EVP_sha256()) > 0, "sign list");
    return written([&](BIO* out) { return PEM_write_bio_X509_CRL(out, list.get()); });
}

Bytes sign_cms(ConstBytes content, const Identity& signer, const CmsOptions& options)
{
    const openssl::Cms cms{CMS_sign(nullptr, nullptr, nullptr, nullptr, options.flags | CMS_PARTIAL)};
    require(cms != nullptr, "CMS_sign");
    if (options.content_type != NID_pkcs7_data)
    {
        CMS_set1_eContentType(cms.get(), OBJ_nid2obj(options.content_type));
    }
    add_signer(cms.get(), signer, options.digest, options);
    if (options.second_signer != nullptr)
    {
        add_signer(cms.get(), *options.second_signer, options.second_digest, options);
    }
    for (const X509* const other : options.others)
    {
        require(CMS_add1_cert(cms.get(), const_cast<X509*>(other)) == 1, "add certificate");
    }
    const openssl::Bio in = openssl::view(content);
    require(CMS_final(cms.get(), in.get(), nullptr, options.flags) == 1, "CMS_final");
    unsigned char* der = nullptr;
    const int size = i2d_CMS_ContentInfo(cms.get(), &der);
    require(size > 0, "encode");
    Bytes bytes{der, der + size};
    OPENSSL_free(der);
    return bytes;
}

Bytes sign_digest(ConstBytes content, EVP_PKEY* key, const EVP_MD* digest)
{
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    std::size_t size = 0;
    require(EVP_DigestSignInit(context, nullptr, digest, nullptr, key) == 1, "sign");
    require(EVP_DigestSign(context, nullptr, &size, content.data(), content.size()) == 1, "sign");
    Bytes signature(size);
    require(EVP_DigestSign(context, signature.data(), &size, content.data(), content.size()) == 1, "sign");
    EVP_MD_CTX_free(context);
    signature.resize(size);
    return signature;
}

TimePolicy clock_at(std::time_t when)
{
    return {TimeSource::clock, std::chrono::system_clock::from_time_t(when)};
}

} // namespace fwupdate::test
