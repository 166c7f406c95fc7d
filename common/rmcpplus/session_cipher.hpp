// What protects the packets of one session, at either end: AES-CBC-128 inside, HMAC outside
// (IPMI 2.0 sections 13.28.4 and 13.29).
#pragma once

#include "common/bytes.hpp"
#include "common/random.hpp"
#include "common/result.hpp"
#include "common/rmcpplus/algorithms.hpp"
#include "common/rmcpplus/packet.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace fwupdate::rmcpplus
{

inline constexpr std::size_t iv_size = 16;
inline constexpr std::size_t cipher_block = 16;
inline constexpr std::size_t plaintext_offset = payload_offset + iv_size; ///< of the payload in a sealed packet

/// What a packet says of itself when it is sealed.
struct PacketNumber
{
    std::uint32_t session_id{}; ///< the receiver's
    std::uint32_t session_sequence{};
    PayloadType payload_type{PayloadType::ipmi_message};
};

/// Seals and opens packets. The contexts live as long as the session and initialization vectors come in batches:
/// nothing of ours is allocated per packet.
class SessionCipher
{
  public:
    /// `k1` is the whole integrity key, `k2` at least 16 bytes. Errors: unsupported (other algorithms than those of
    /// suites 3 and 17), length (a key), no_space. `random` must outlive the cipher.
    [[nodiscard]] static Result<SessionCipher> create(IntegrityAlgorithm integrity,
                                                      ConfidentialityAlgorithm confidentiality, ConstBytes k1,
                                                      ConstBytes k2, RandomSource& random);

    /// Bytes of the packet that carries a payload of this size.
    [[nodiscard]] std::size_t sealed_size(std::size_t payload) const;

    /// Encrypts and authenticates the payload that lies at plaintext_offset of `out`; `out` has room for
    /// sealed_size(payload_size) bytes. Gives the packet's size. Errors: length, no_space.
    [[nodiscard]] Result<std::size_t> seal_in_place(const PacketNumber& number, std::size_t payload_size,
                                                    MutableBytes out);

    /// The same for a payload elsewhere.
    [[nodiscard]] Result<std::size_t> seal(const PacketNumber& number, ConstBytes payload, MutableBytes out);

    /// Whether the whole datagram carries this session's code; nothing is decrypted. Both flags must be set and the
    /// trailer be exact. Call before looking at the sequence number.
    [[nodiscard]] bool authentic(ConstBytes datagram, const RmcpPlusPacket& packet) const;

    /// Decrypts the payload of an authentic datagram in place and views it. Errors: length, integrity (padding).
    [[nodiscard]] Result<ConstBytes> decrypt(MutableBytes datagram, const RmcpPlusPacket& packet) const;

  private:
    struct Free
    {
        void operator()(evp_cipher_ctx_st* context) const;
        void operator()(evp_mac_ctx_st* context) const;
    };
    static constexpr std::size_t pooled_ivs = 64;

    SessionCipher() = default;
    ConstBytes next_iv();
    [[nodiscard]] bool compute_mac(ConstBytes covered, MutableBytes out) const;
    [[nodiscard]] bool append_mac(std::size_t covered_end, MutableBytes out) const;

    std::size_t mac_size_{};
    RandomSource* random_{};
    std::unique_ptr<evp_mac_ctx_st, Free> mac_;
    std::unique_ptr<evp_cipher_ctx_st, Free> encryption_;
    std::unique_ptr<evp_cipher_ctx_st, Free> decryption_;
    std::array<std::uint8_t, pooled_ivs * iv_size> ivs_{};
    std::size_t used_ivs_{pooled_ivs};
};

} // namespace fwupdate::rmcpplus
