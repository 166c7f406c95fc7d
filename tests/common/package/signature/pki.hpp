// A public key infrastructure made anew by every test run: certificates with any fault that is wanted, revocation
// lists, CMS and OpenBMC signatures. No key is ever kept.
#pragma once

#include "common/bytes.hpp"
#include "common/package/signature/openssl.hpp"
#include "common/package/signature/trust.hpp"

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

namespace fwupdate::test
{

/// The tests' present: 2030-01-01 00:00:00 UTC.
inline constexpr std::time_t present = 1'893'456'000;
inline constexpr std::time_t day = 86'400;

enum class KeyKind : std::uint8_t
{
    ec,
    rsa,
    rsa_pss, ///< an RSA key, signing with PSS
    rsa_1024,
};

package::openssl::Key make_key(KeyKind kind);

/// A key with its certificate.
struct Identity
{
    package::openssl::Key key;
    package::openssl::Certificate certificate;
    KeyKind kind{};
};

struct CertificateOptions
{
    std::string name;
    const Identity* issuer{}; ///< nullptr: self-signed
    bool authority{false};
    std::string extended_key_usage{}; ///< as openssl.cnf writes it; empty: none
    std::string key_usage{};
    std::string critical_extension{}; ///< an object identifier nobody knows; empty: none
    std::time_t not_before{present - 100 * day};
    std::time_t not_after{present + 100 * day};
    KeyKind key{KeyKind::ec};
    const EVP_MD* digest{EVP_sha256()};
    const X509* same_serial_as{}; ///< nullptr: a number of its own
};

Identity make_identity(const CertificateOptions& options);

/// Certification authorities and a signer, as good ones are.
Identity make_root(const std::string& name = "Root", KeyKind key = KeyKind::ec);
Identity make_middle(const Identity& issuer, const std::string& name = "Middle");
Identity make_signer(const Identity& issuer, const std::string& name = "Signer", KeyKind key = KeyKind::ec);

std::string pem_of(const X509* certificate);
std::string pem_of(const EVP_PKEY* key);
std::string public_pem_of(const EVP_PKEY* key);

/// A list of the issuer's, with the revoked ones on it.
std::string revocation_list(const Identity& issuer, const std::vector<const X509*>& revoked,
                            std::time_t updated = present - day, std::time_t next_update = present + day);

struct CmsOptions
{
    const EVP_MD* digest{EVP_sha256()};
    unsigned flags{CMS_DETACHED | CMS_BINARY};
    std::vector<const X509*> others;   ///< further certificates inside
    std::time_t signing_time{present}; ///< 0: the real present
    const Identity* second_signer{};
    const EVP_MD* second_digest{EVP_sha256()};
    int content_type{NID_pkcs7_data};
};

/// A CMS signature in DER.
Bytes sign_cms(ConstBytes content, const Identity& signer, const CmsOptions& options = {});

/// `openssl dgst -sign`.
Bytes sign_digest(ConstBytes content, EVP_PKEY* key, const EVP_MD* digest = EVP_sha256());

/// By the clock, which says `when`.
package::TimePolicy clock_at(std::time_t when = present);

} // namespace fwupdate::test
