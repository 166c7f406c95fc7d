// The digests that signatures may use: SHA-256 and up. Nothing weaker has a name here, so nothing weaker is ever
// computed.
#pragma once

#include "common/bytes.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

struct evp_md_ctx_st;
struct evp_md_st;

namespace fwupdate::package
{

enum class DigestKind : std::uint8_t
{
    sha256,
    sha384,
    sha512,
};

inline constexpr std::array all_digest_kinds{DigestKind::sha256, DigestKind::sha384, DigestKind::sha512};

/// "SHA256", "SHA384", "SHA512".
[[nodiscard]] std::string_view to_text(DigestKind kind);

/// OpenBMC's HashType ("RSA-SHA256", ...) or a digest's name alone; nothing: unknown or too weak.
[[nodiscard]] std::optional<DigestKind> digest_kind_from(std::string_view hash_type);

/// OpenSSL's method.
[[nodiscard]] const evp_md_st* openssl_digest(DigestKind kind);

/// Several digests of the same bytes, in pieces.
class Digests
{
  public:
    /// Starts again from nothing.
    void begin(std::initializer_list<DigestKind> kinds);
    void begin_all();
    void update(ConstBytes bytes);
    [[nodiscard]] std::map<DigestKind, Bytes> finish();

  private:
    struct Free
    {
        void operator()(evp_md_ctx_st* context) const;
    };
    void add(DigestKind kind);

    std::map<DigestKind, std::unique_ptr<evp_md_ctx_st, Free>> running_;
};

} // namespace fwupdate::package
