#include "common/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>

namespace fwupdate
{
namespace
{

/// OpenSSL fails here only without memory or without SHA-256 at all: nothing can be verified then.
void require(int success)
{
    if (success != 1)
    {
        std::abort();
    }
}

} // namespace

void Sha256Hasher::Free::operator()(evp_md_ctx_st* context) const
{
    EVP_MD_CTX_free(context);
}

Sha256Hasher::Sha256Hasher() : context_{EVP_MD_CTX_new()}
{
    reset();
}

Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;
Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::reset()
{
    require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256Hasher::update(ConstBytes bytes)
{
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

Sha256 Sha256Hasher::digest() const
{
    const std::unique_ptr<evp_md_ctx_st, Free> copy{EVP_MD_CTX_new()};
    require(copy && EVP_MD_CTX_copy_ex(copy.get(), context_.get()) == 1 ? 1 : 0);
    Sha256 digest{};
    require(EVP_DigestFinal_ex(copy.get(), digest.data(), nullptr));
    return digest;
}

Sha256 sha256(ConstBytes bytes)
{
    Sha256Hasher hasher;
    hasher.update(bytes);
    return hasher.digest();
}

} // namespace fwupdate
