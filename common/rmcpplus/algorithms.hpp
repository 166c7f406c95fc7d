// The RMCP+ algorithms that are served, and the cipher suites made of them (IPMI 2.0 sections 13.28 and 22.15.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace fwupdate::rmcpplus
{

/// Authentication algorithm numbers (IPMI 2.0 table 13-17).
enum class AuthenticationAlgorithm : std::uint8_t
{
    rakp_none = 0x00,
    rakp_hmac_sha1 = 0x01,
    rakp_hmac_md5 = 0x02,
    rakp_hmac_sha256 = 0x03,
};

/// Integrity algorithm numbers (IPMI 2.0 table 13-18).
enum class IntegrityAlgorithm : std::uint8_t
{
    none = 0x00,
    hmac_sha1_96 = 0x01,
    hmac_md5_128 = 0x02,
    md5_128 = 0x03,
    hmac_sha256_128 = 0x04,
};

/// Confidentiality algorithm numbers (IPMI 2.0 table 13-19).
enum class ConfidentialityAlgorithm : std::uint8_t
{
    none = 0x00,
    aes_cbc_128 = 0x01,
};

/// The three algorithms of a session.
struct Algorithms
{
    AuthenticationAlgorithm authentication{};
    IntegrityAlgorithm integrity{};
    ConfidentialityAlgorithm confidentiality{};

    bool operator==(const Algorithms&) const = default;
};

/// A cipher suite: its number (IPMI 2.0 table 22-20) and its algorithms.
struct CipherSuite
{
    std::uint8_t id{};
    Algorithms algorithms;

    bool operator==(const CipherSuite&) const = default;
};

/// Suites 3 and 17; nothing for any other number.
[[nodiscard]] std::optional<CipherSuite> find_cipher_suite(std::uint8_t id);

/// Bytes of the key exchange authentication codes of RAKP 2 and 3, and of the session integrity key; 0: not served.
[[nodiscard]] std::size_t digest_size(AuthenticationAlgorithm algorithm);

/// Bytes of the integrity check value of RAKP 4; 0: not served.
[[nodiscard]] std::size_t rakp4_size(AuthenticationAlgorithm algorithm);

/// Bytes of the authentication code that ends a packet of the session; 0: not served.
[[nodiscard]] std::size_t mac_size(IntegrityAlgorithm algorithm);

} // namespace fwupdate::rmcpplus
