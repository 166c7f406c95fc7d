// OpenBMC's system keys: one directory per key type, such as /etc/activationdata/OpenBMC, with the files `publickey`
// (PEM) and `hashfunc` ("HashType=RSA-SHA256").
#pragma once

#include "common/bytes.hpp"
#include "common/package/tarball/digest.hpp"
#include "common/result.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace fwupdate::package
{

/// A public key that verifies signatures over digests: RSA PKCS #1 v1.5, as `openssl dgst -sign` makes them, or ECDSA.
class PublicKey
{
  public:
    /// `owner` begins the sentences: "the tarball's publickey". Errors: invalid_field (no PEM public key), denied
    /// (weaker than RSA with 2048 bits).
    [[nodiscard]] static Result<PublicKey> from_pem(ConstBytes pem, const std::string& owner);

    [[nodiscard]] bool verifies(ConstBytes signature, DigestKind kind, ConstBytes digest) const;

  private:
    struct Free
    {
        void operator()(evp_pkey_st* key) const;
    };
    explicit PublicKey(evp_pkey_st* key) : key_{key} {}

    std::unique_ptr<evp_pkey_st, Free> key_;
};

/// The digest of bytes in one piece.
[[nodiscard]] Bytes digest_of(DigestKind kind, ConstBytes bytes);

struct SystemKey
{
    std::string name; ///< the directory's: what MANIFEST calls KeyType
    PublicKey key;
    DigestKind digest{};
};

/// Errors: invalid_field (a file is not what it should be), denied (too weak); both with the key's name.
[[nodiscard]] Result<SystemKey> make_system_key(const std::string& name, ConstBytes public_key,
                                                std::string_view hash_function);

/// All keys of a directory, by name. Anything unusable in it is an error: a key that silently does not count helps
/// nobody. Errors: not_found (no directory, or no key in it), input_output, those of make_system_key.
[[nodiscard]] Result<std::vector<SystemKey>> load_system_keys(const std::filesystem::path& directory);

} // namespace fwupdate::package
