// Certificates as this project wants them: their names for people, and what a signer of firmware must be.
#pragma once

#include "common/package/signature/openssl.hpp"
#include "common/result.hpp"

#include <string>

namespace fwupdate::package
{

/// `certificate "CN=Signer,O=Vendor"`, RFC 2253, printable, at most 200 bytes of the name.
[[nodiscard]] std::string describe(const X509* certificate);

/// Whether a certificate is for signing firmware: extended key usage with code signing (RFC 5280, 4.2.1.12), and
/// digital signature where it has a key usage. Errors: denied, with the certificate and what it lacks.
[[nodiscard]] Result<void> check_signer_purpose(X509* certificate);

/// Whether a certificate may stand between a root and a signer: a certification authority by its basic constraints,
/// with code signing among its purposes where it names any. Errors: denied.
[[nodiscard]] Result<void> check_issuer_purpose(X509* certificate);

/// Whether the issuer signed the certificate with SHA-256 or something as strong. Errors: denied.
[[nodiscard]] Result<void> check_certificate_digest(X509* certificate);

/// Whether a key is as strong as RSA with 2048 bits. `owner` begins the sentence. Errors: denied.
[[nodiscard]] Result<void> check_key_strength(const EVP_PKEY* key, const std::string& owner);

} // namespace fwupdate::package
