// SHA-256 of bytes that come in pieces.
#pragma once

#include "common/bytes.hpp"

#include <memory>
#include <string_view>

struct evp_md_ctx_st;

namespace fwupdate
{

class Sha256Hasher
{
  public:
    Sha256Hasher();
    Sha256Hasher(Sha256Hasher&&) noexcept;
    Sha256Hasher& operator=(Sha256Hasher&&) noexcept;
    ~Sha256Hasher();

    /// Starts again from nothing.
    void reset();
    void update(ConstBytes bytes);

    /// The digest of all bytes so far; more may follow.
    [[nodiscard]] Sha256 digest() const;

  private:
    struct Free
    {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// The digest of bytes in one piece.
[[nodiscard]] Sha256 sha256(ConstBytes bytes);

} // namespace fwupdate
