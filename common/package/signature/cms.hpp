// Detached CMS signatures (RFC 5652, DER) over content that comes in slices: whether an image is the one that a trusted
// signer signed. The content is never in memory as a whole.
//
// Use: `begin` judges everything but the content (form, certificates, the signature itself), so that a foreign
// signature is refused before 256 MiB are read; then `update` with the content from front to back, a slice per turn of
// the event loop; then `finish`. Nothing may be believed before `finish` said yes. `verify_cms` does all at once.
//
// What is accepted: one signer, signed attributes, no content inside, SHA-256/384/512, RSA (2048 bits and up) or ECDSA;
// the signer's and intermediate certificates inside the signature. `openssl cms -sign -binary` and fwsign make such
// ones.
#pragma once

#include "common/package/byte_source.hpp"
#include "common/package/signature/trust.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::package
{

/// Bytes of the longest signature, as the protocol's 4Eh carries it.
inline constexpr std::size_t largest_signature = 16384;

/// Who signed, for logs and findings.
struct Signer
{
    std::string certificate;                                        ///< `certificate "CN=..."`
    std::string digest;                                             ///< "SHA256", ...
    std::optional<std::chrono::system_clock::time_point> signed_at; ///< as the signature states it

    bool operator==(const Signer&) const = default;
};

class CmsVerifier
{
  public:
    /// Errors, each a sentence with the check and, where one failed it, the certificate: length, invalid_field (not
    /// such a signature), denied (not by someone trusted, or too weak), integrity (altered).
    [[nodiscard]] static Result<CmsVerifier> begin(ConstBytes der, const TrustStore& trust, const TimePolicy& time);

    CmsVerifier(CmsVerifier&&) noexcept;
    CmsVerifier& operator=(CmsVerifier&&) noexcept;
    ~CmsVerifier();

    /// The content's next bytes.
    void update(ConstBytes slice);

    /// Whether the content was the signed one. Call it once. Errors: integrity.
    [[nodiscard]] Result<Signer> finish();

  private:
    class Parts;
    explicit CmsVerifier(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

/// The whole verification, reading the content in slices of 64 KiB. Errors as above, and the source's.
[[nodiscard]] Result<Signer> verify_cms(ConstBytes der, const ByteSource& content, const TrustStore& trust,
                                        const TimePolicy& time);

} // namespace fwupdate::package
