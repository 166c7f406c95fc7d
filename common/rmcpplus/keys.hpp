// Keys and authentication codes of the handshake (IPMI 2.0 sections 13.28.4, 13.31, 13.32).
#pragma once

#include "common/bytes.hpp"
#include "common/rmcpplus/algorithms.hpp"
#include "common/rmcpplus/handshake.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fwupdate::rmcpplus
{

/// Up to 32 secret bytes, wiped when they go.
class Secret
{
  public:
    static constexpr std::size_t capacity = 32;

    Secret() = default;
    /// A copy of at most `capacity` bytes.
    explicit Secret(ConstBytes bytes);
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    ~Secret();

    [[nodiscard]] ConstBytes view() const
    {
        return ConstBytes{bytes_}.first(size_);
    }
    [[nodiscard]] ConstBytes first(std::size_t count) const
    {
        return view().first(count);
    }

  private:
    std::array<std::uint8_t, capacity> bytes_{};
    std::size_t size_{};
};

/// HMAC with the hash of an authentication algorithm (SHA-1 or SHA-256).
[[nodiscard]] Secret hmac(AuthenticationAlgorithm algorithm, ConstBytes key, ConstBytes data);

/// Whether two byte strings are equal; the time depends on their sizes only.
[[nodiscard]] bool equal_in_constant_time(ConstBytes left, ConstBytes right);

/// What both ends know when RAKP 2 has been sent.
struct Exchange
{
    AuthenticationAlgorithm algorithm{};
    std::uint32_t console_session_id{}; ///< SIDm
    std::uint32_t bmc_session_id{};     ///< SIDc
    Random16 console_random{};          ///< Rm
    Random16 bmc_random{};              ///< Rc
    Guid bmc_guid{};                    ///< GUIDc
    std::uint8_t role{};                ///< ROLEm, the whole byte as sent
    std::string_view user_name;         ///< UNAMEm
};

/// Key exchange authentication code of RAKP 2, keyed with the user's password (K_UID).
[[nodiscard]] Secret rakp2_code(const Exchange& exchange, ConstBytes user_key);

/// Key exchange authentication code of RAKP 3, keyed with the user's password.
[[nodiscard]] Secret rakp3_code(const Exchange& exchange, ConstBytes user_key);

/// Session integrity key; `bmc_key` is K_G, or the user's password where no K_G is set.
[[nodiscard]] Secret session_integrity_key(const Exchange& exchange, ConstBytes bmc_key);

/// Integrity check value of RAKP 4, already cut to the algorithm's size.
[[nodiscard]] Secret rakp4_value(const Exchange& exchange, ConstBytes session_integrity_key);

/// K1 (integrity) and K2 (confidentiality: its first 16 bytes).
[[nodiscard]] Secret derive_k1(AuthenticationAlgorithm algorithm, ConstBytes session_integrity_key);
[[nodiscard]] Secret derive_k2(AuthenticationAlgorithm algorithm, ConstBytes session_integrity_key);

} // namespace fwupdate::rmcpplus
