// Whom a BMC trusts to sign firmware: the roots and revocation lists of its configuration, and what time it is.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;
struct x509_store_st;
struct stack_st_X509;

namespace fwupdate::package
{

/// By which time certificates and revocation lists are valid. Many a BMC has no clock that survives a power cut.
enum class TimeSource : std::uint8_t
{
    /// The BMC's clock. A BMC that does not know the date refuses every signature.
    clock,

    /// The signing time that the signature states. A certificate that has expired since goes on to be good for what it
    /// signed in its time; but who steals an expired key can state any time: revoke such certificates. Revocation lists
    /// then never expire.
    signing_time,
};

struct TimePolicy
{
    TimeSource source{TimeSource::clock};
    std::optional<std::chrono::system_clock::time_point> now; ///< none: the BMC does not know the date
};

/// Roots and revocation lists. Immutable: an agent reads it at start and hands it to every verification.
class TrustStore
{
  public:
    /// From PEM text, each any number of certificates or lists, with remarks between them. A root is a self-signed
    /// certificate: a certification authority, or a signer itself. With `revocation_lists` every certificate of a chain
    /// must be covered by a list of its issuer; empty: revocation is not checked. Errors: invalid_field (nothing
    /// in it, damaged, not a root).
    [[nodiscard]] static Result<TrustStore> from_pem(std::string_view roots, std::string_view revocation_lists = {});

    TrustStore(TrustStore&&) noexcept;
    TrustStore& operator=(TrustStore&&) noexcept;
    ~TrustStore();

    [[nodiscard]] bool checks_revocation() const
    {
        return checks_revocation_;
    }

    /// Whether `signer` leads to a root at `when` (seconds since 1970), may sign firmware, and nobody on the way is
    /// revoked, expired or weak. `others` may help to find the way; none of them is trusted. Errors: denied, a
    /// sentence with the check and the certificate that failed it.
    [[nodiscard]] Result<void> check_signer(x509_st* signer, stack_st_X509* others, std::int64_t when,
                                            TimeSource source) const;

  private:
    struct Free
    {
        void operator()(x509_store_st* store) const;
    };
    TrustStore();
    [[nodiscard]] Result<void> add_roots(std::string_view pem);
    [[nodiscard]] Result<void> add_revocation_lists(std::string_view pem);

    std::unique_ptr<x509_store_st, Free> store_;
    bool checks_revocation_{false};
};

} // namespace fwupdate::package
