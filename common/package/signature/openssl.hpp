// OpenSSL's objects as owners that free themselves, for the sources of this folder and fwsign.
#pragma once

#include "common/bytes.hpp"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <limits>
#include <memory>
#include <string>

namespace fwupdate::package::openssl
{

template <auto Function> struct Free
{
    template <class T> void operator()(T* object) const
    {
        Function(object);
    }
};

using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Cms = std::unique_ptr<CMS_ContentInfo, Free<CMS_ContentInfo_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using RevocationList = std::unique_ptr<X509_CRL, Free<X509_CRL_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>>;

struct FreeCertificates
{
    void operator()(STACK_OF(X509) * stack) const
    {
        sk_X509_pop_free(stack, X509_free);
    }
};
using Certificates = std::unique_ptr<STACK_OF(X509), FreeCertificates>;

/// A view of the bytes as a BIO; they must outlive it.
inline Bio view(ConstBytes bytes)
{
    constexpr std::size_t most = std::numeric_limits<int>::max();
    const void* const data = bytes.empty() ? "" : static_cast<const void*>(bytes.data()); // OpenSSL minds nullptr
    return Bio{bytes.size() > most ? nullptr : BIO_new_mem_buf(data, static_cast<int>(bytes.size()))};
}

/// Why OpenSSL's last call failed, in its own words; forgets the rest of its complaints.
inline std::string reason()
{
    const char* const text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text == nullptr ? "no reason given" : text;
}

} // namespace fwupdate::package::openssl
