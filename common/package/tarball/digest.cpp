#include "common/package/tarball/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

namespace fwupdate::package
{
namespace
{

/// OpenSSL fails here only without memory or without SHA-2 at all: nothing can be verified then.
void require(int success)
{
    if (success != 1)
    {
        std::abort();
    }
}

} // namespace

std::string_view to_text(DigestKind kind)
{
    constexpr std::array<std::string_view, 3> names{"SHA256", "SHA384", "SHA512"};
    return names.at(static_cast<std::size_t>(kind));
}

std::optional<DigestKind> digest_kind_from(std::string_view hash_type)
{
    constexpr std::string_view prefix = "RSA-";
    if (hash_type.starts_with(prefix))
    {
        hash_type.remove_prefix(prefix.size());
    }
    const auto* const found =
        std::ranges::find_if(all_digest_kinds, [&](DigestKind kind) { return to_text(kind) == hash_type; });
    return found == all_digest_kinds.end() ? std::nullopt : std::optional{*found};
}

const evp_md_st* openssl_digest(DigestKind kind)
{
    switch (kind)
    {
    case DigestKind::sha384:
        return EVP_sha384();
    case DigestKind::sha512:
        return EVP_sha512();
    case DigestKind::sha256:
        break;
    }
    return EVP_sha256();
}

void Digests::Free::operator()(evp_md_ctx_st* context) const
{
    EVP_MD_CTX_free(context);
}

void Digests::begin(std::initializer_list<DigestKind> kinds)
{
    running_.clear();
    std::ranges::for_each(kinds, [this](DigestKind kind) { add(kind); });
}

void Digests::begin_all()
{
    running_.clear();
    std::ranges::for_each(all_digest_kinds, [this](DigestKind kind) { add(kind); });
}

void Digests::add(DigestKind kind)
{
    auto& context = running_[kind];
    context.reset(EVP_MD_CTX_new());
    require(context ? EVP_DigestInit_ex(context.get(), openssl_digest(kind), nullptr) : 0);
}

void Digests::update(ConstBytes bytes)
{
    for (const auto& [kind, context] : running_)
    {
        require(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
    }
}

std::map<DigestKind, Bytes> Digests::finish()
{
    std::map<DigestKind, Bytes> digests;
    for (const auto& [kind, context] : running_)
    {
        Bytes digest(EVP_MAX_MD_SIZE);
        unsigned size = 0;
        require(EVP_DigestFinal_ex(context.get(), digest.data(), &size));
        digest.resize(size);
        digests.emplace(kind, std::move(digest));
    }
    running_.clear();
    return digests;
}

} // namespace fwupdate::package
