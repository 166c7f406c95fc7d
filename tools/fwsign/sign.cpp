#include "tools/fwsign/sign.hpp"

#include "common/package/signature/certificate.hpp"
#include "common/package/signature/cms.hpp"
#include "common/package/signature/openssl.hpp"
#include "common/package/signature/self_contained.hpp"
#include "tools/fwsign/files.hpp"

#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <algorithm>
#include <optional>

namespace fwupdate::fwsign
{
namespace
{

namespace openssl = package::openssl;

constexpr std::size_t largest_pem = 262144; ///< bytes

using Store = std::unique_ptr<OSSL_STORE_CTX, openssl::Free<OSSL_STORE_close>>;
using StoreInfo = std::unique_ptr<OSSL_STORE_INFO, openssl::Free<OSSL_STORE_INFO_free>>;
using UiMethod = std::unique_ptr<UI_METHOD, openssl::Free<UI_destroy_method>>;

/// pem_password_cb: hands out the passphrase that `user` points to.
int give_passphrase(char* buffer, int size, int /*writing*/, void* user)
{
    const auto& passphrase = *static_cast<const std::string*>(user);
    if (std::cmp_greater(passphrase.size(), size))
    {
        return -1;
    }
    std::ranges::copy(passphrase, buffer); // its length goes with it, there is no terminator
    return static_cast<int>(passphrase.size());
}

Result<std::optional<std::string>> read_passphrase(const std::filesystem::path& file)
{
    if (file.empty())
    {
        return std::optional<std::string>{};
    }
    constexpr std::size_t longest = 1024;
    const auto bytes = read_file(file, longest);
    if (!bytes)
    {
        return bytes.error();
    }
    const std::string text = as_text(*bytes);
    return std::optional{text.substr(0, text.find_first_of("\r\n"))};
}

Result<openssl::Key> load_key(const std::string& uri, const std::filesystem::path& passphrase_file)
{
    auto passphrase = read_passphrase(passphrase_file);
    if (!passphrase)
    {
        return passphrase.error();
    }
    const bool given = passphrase->has_value();
    const UiMethod from_file{given ? UI_UTIL_wrap_read_pem_callback(give_passphrase, 0) : nullptr};
    const Store store{OSSL_STORE_open(uri.c_str(), given ? from_file.get() : UI_OpenSSL(),
                                      given ? &**passphrase : nullptr, nullptr, nullptr)};
    while (store && OSSL_STORE_eof(store.get()) == 0)
    {
        const StoreInfo info{OSSL_STORE_load(store.get())};
        if (info && OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_PKEY)
        {
            return openssl::Key{OSSL_STORE_INFO_get1_PKEY(info.get())};
        }
        if (!info && OSSL_STORE_error(store.get()) != 0)
        {
            break;
        }
    }
    return fail(ErrorKind::input_output,
                "there is no private key in " + uri + ", or its passphrase is wrong (" + openssl::reason() + ")");
}

Result<openssl::Certificates> load_certificates(const std::filesystem::path& path)
{
    const auto pem = read_file(path, largest_pem);
    if (!pem)
    {
        return pem.error();
    }
    const openssl::Bio in = openssl::view(*pem);
    openssl::Certificates certificates{sk_X509_new_null()};
    while (X509* const certificate = in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr)
    {
        sk_X509_push(certificates.get(), certificate);
    }
    const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const std::string why = openssl::reason();
    if (!ended || sk_X509_num(certificates.get()) == 0)
    {
        return fail(ErrorKind::invalid_field,
                    "there is no certificate in " + path.string() + ", or a damaged one (" + why + "); it wants PEM");
    }
    return certificates;
}

/// What every BMC would refuse is better told here.
Result<void> check_certificate(X509* certificate, const EVP_PKEY* key)
{
    if (X509_check_private_key(certificate, key) != 1)
    {
        ERR_clear_error();
        return fail(ErrorKind::invalid_field, package::describe(certificate) + " is not of this key");
    }
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0 ||
        X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
    {
        return fail(ErrorKind::denied, package::describe(certificate) + " has expired, or is not valid yet");
    }
    if (const auto strong = package::check_key_strength(key, package::describe(certificate)); !strong)
    {
        return strong.error();
    }
    if (const auto purpose = package::check_signer_purpose(certificate); !purpose)
    {
        return purpose.error();
    }
    return package::check_certificate_digest(certificate);
}

/// Key, certificate, and the certificates that go with it.
struct Identity
{
    openssl::Key key;
    openssl::Certificates certificates; ///< the signer's first
    openssl::Certificates chain;        ///< nullptr: none
};

Result<Identity> load_identity(const SignOptions& options)
{
    Identity identity;
    auto certificates = load_certificates(options.certificate);
    if (!certificates)
    {
        return certificates.error();
    }
    identity.certificates = std::move(*certificates);
    if (!options.chain.empty())
    {
        auto chain = load_certificates(options.chain);
        if (!chain)
        {
            return chain.error();
        }
        identity.chain = std::move(*chain);
    }
    auto key = load_key(options.key, options.passphrase_file);
    if (!key)
    {
        return key.error();
    }
    identity.key = std::move(*key);
    if (const auto good = check_certificate(sk_X509_value(identity.certificates.get(), 0), identity.key.get()); !good)
    {
        return good.error();
    }
    return identity;
}

Error openssl_failed(const std::string& what)
{
    return fail(ErrorKind::input_output, "cannot " + what + " (" + openssl::reason() + ")");
}

Result<openssl::Cms> make_cms(const Identity& identity, const SignOptions& options)
{
    constexpr unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
    openssl::Cms cms{CMS_sign(nullptr, nullptr, nullptr, nullptr, flags)};
    X509* const signer = sk_X509_value(identity.certificates.get(), 0);
    if (!cms || CMS_add1_signer(cms.get(), signer, identity.key.get(), EVP_get_digestbyname(options.digest.c_str()),
                                flags) == nullptr)
    {
        return openssl_failed("sign with this key");
    }
    for (const auto* const more : {identity.certificates.get(), identity.chain.get()})
    {
        for (int at = more == identity.certificates.get() ? 1 : 0; more != nullptr && at < sk_X509_num(more); ++at)
        {
            // Roots are the verifier's to have; one that is sent along only costs room.
            if (X509_self_signed(sk_X509_value(more, at), 0) != 1 &&
                CMS_add1_cert(cms.get(), sk_X509_value(more, at)) != 1)
            {
                return openssl_failed("add the certificates of the chain");
            }
        }
    }
    // The image is read in small pieces, never as a whole.
    const openssl::Bio image{BIO_new_file(options.image.c_str(), "rb")};
    if (!image || CMS_final(cms.get(), image.get(), nullptr, flags & ~unsigned{CMS_PARTIAL}) != 1)
    {
        return openssl_failed("sign " + options.image.string());
    }
    return cms;
}

Result<Bytes> make_signature(const SignOptions& options)
{
    const auto identity = load_identity(options);
    if (!identity)
    {
        return identity.error();
    }
    const auto cms = make_cms(*identity, options);
    if (!cms)
    {
        return cms.error();
    }
    Bytes der(static_cast<std::size_t>(std::max(0, i2d_CMS_ContentInfo(cms->get(), nullptr))));
    unsigned char* at = der.data();
    i2d_CMS_ContentInfo(cms->get(), &at);
    if (der.empty() || der.size() > package::largest_signature)
    {
        return fail(ErrorKind::length, "the signature has " + std::to_string(der.size()) + " bytes, and a BMC takes " +
                                           std::to_string(package::largest_signature) +
                                           ": leave certificates out of the chain that nobody needs");
    }
    return der;
}

/// An image that may be signed.
Result<package::ByteSource> open_image(const SignOptions& options)
{
    const std::string name = options.image.string();
    auto image = open_file(options.image);
    if (!image)
    {
        return image.error();
    }
    std::error_code ignored;
    if (std::filesystem::equivalent(options.image, options.output, ignored))
    {
        return fail(ErrorKind::invalid_field, "the output would replace the image: give another --output");
    }
    if (image->size == 0)
    {
        return fail(ErrorKind::length, name + " is empty");
    }
    const auto trailer = package::find_trailer(*image);
    if (!trailer)
    {
        return fail(trailer.error().kind, name + ": " + trailer.error().text);
    }
    if (*trailer)
    {
        return fail(ErrorKind::invalid_field, name + " is a signed image already: take the unsigned one");
    }
    return image;
}

} // namespace

Result<std::string> sign(const SignOptions& options)
{
    const auto image = open_image(options);
    if (!image)
    {
        return image.error();
    }
    const auto signature = make_signature(options);
    if (!signature)
    {
        return signature.error();
    }
    const auto behind = options.self_contained ? package::make_trailer(*signature) : *signature;
    if (!behind)
    {
        return behind.error();
    }
    const package::ByteSource content = options.self_contained ? *image : package::ByteSource{};
    if (const auto written = write_file(options.output, content, *behind); !written)
    {
        return written.error();
    }
    return options.output.string() + ": " +
           (options.self_contained ? "the image and its signature, " : "a signature, ") +
           std::to_string(content.size + behind->size()) + " bytes";
}

} // namespace fwupdate::fwsign
