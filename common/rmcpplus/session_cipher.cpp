#include "common/rmcpplus/session_cipher.hpp"

#include "common/rmcpplus/keys.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <limits>
#include <string>

namespace fwupdate::rmcpplus
{
namespace
{

constexpr std::size_t aes_key_size = 16;
constexpr std::uint8_t next_header = 0x07; // of the trailer (IPMI 2.0 table 13-8)
constexpr std::uint8_t integrity_pad = 0xFF;
constexpr std::size_t largest_integrity_pad = 3;

/// The confidentiality trailer's pad, so that data, pad and pad length fill whole cipher blocks: 0..15, never 16.
std::size_t confidentiality_pad(std::size_t payload)
{
    return (cipher_block - (payload + 1) % cipher_block) % cipher_block;
}

std::size_t encrypted_size(std::size_t payload)
{
    return iv_size + payload + confidentiality_pad(payload) + 1;
}

/// The trailer's pad, so that the bytes from the authentication type to the next header come in fours.
std::size_t integrity_pad_size(std::size_t body)
{
    return (4 - (session_header_size + body + 2) % 4) % 4;
}

/// Writes data's pad 01h 02h ... and its length behind the payload.
void write_confidentiality_trailer(std::size_t payload, MutableBytes out)
{
    const std::size_t pad = confidentiality_pad(payload);
    for (std::size_t at = 0; at < pad; ++at)
    {
        out[payload + at] = static_cast<std::uint8_t>(at + 1);
    }
    out[payload + pad] = static_cast<std::uint8_t>(pad);
}

/// The payload inside decrypted blocks, its trailer checked.
Result<ConstBytes> without_trailer(ConstBytes plain)
{
    const std::size_t pad = plain.back();
    if (pad >= cipher_block)
    {
        return fail(ErrorKind::integrity, {});
    }
    const std::size_t size = plain.size() - pad - 1;
    for (std::size_t at = 0; at < pad; ++at)
    {
        if (plain[size + at] != at + 1)
        {
            return fail(ErrorKind::integrity, {});
        }
    }
    return plain.first(size);
}

evp_mac_ctx_st* make_mac(IntegrityAlgorithm integrity, ConstBytes k1)
{
    std::string hash = integrity == IntegrityAlgorithm::hmac_sha256_128 ? "SHA256" : "SHA1";
    const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash.data(), 0),
                                OSSL_PARAM_construct_end()};
    EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* const context = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);
    if (context != nullptr && EVP_MAC_init(context, k1.data(), k1.size(), parameters.data()) != 1)
    {
        EVP_MAC_CTX_free(context);
        return nullptr;
    }
    return context;
}

evp_cipher_ctx_st* make_cipher(ConstBytes k2, bool encrypt)
{
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    if (context == nullptr)
    {
        return nullptr;
    }
    if (EVP_CipherInit_ex2(context, EVP_aes_128_cbc(), k2.data(), nullptr, encrypt ? 1 : 0, nullptr) != 1 ||
        EVP_CIPHER_CTX_set_padding(context, 0) != 1)
    {
        EVP_CIPHER_CTX_free(context);
        return nullptr;
    }
    return context;
}

/// Runs whole blocks through the cipher, in place.
bool transform(evp_cipher_ctx_st* context, ConstBytes iv, MutableBytes blocks)
{
    int written = 0;
    return EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, nullptr) == 1 &&
           EVP_CipherUpdate(context, blocks.data(), &written, blocks.data(), static_cast<int>(blocks.size())) == 1 &&
           written == static_cast<int>(blocks.size());
}

} // namespace

void SessionCipher::Free::operator()(evp_cipher_ctx_st* context) const
{
    EVP_CIPHER_CTX_free(context);
}

void SessionCipher::Free::operator()(evp_mac_ctx_st* context) const
{
    EVP_MAC_CTX_free(context);
}

Result<SessionCipher> SessionCipher::create(IntegrityAlgorithm integrity, ConfidentialityAlgorithm confidentiality,
                                            ConstBytes k1, ConstBytes k2, RandomSource& random)
{
    SessionCipher cipher;
    cipher.mac_size_ = rmcpplus::mac_size(integrity);
    if (cipher.mac_size_ == 0 || confidentiality != ConfidentialityAlgorithm::aes_cbc_128)
    {
        return fail(ErrorKind::unsupported, "this session's algorithms are not those of cipher suites 3 and 17");
    }
    if (k1.empty() || k2.size() < aes_key_size)
    {
        return fail(ErrorKind::length, "this session's keys are too short");
    }
    cipher.random_ = &random;
    cipher.mac_.reset(make_mac(integrity, k1));
    cipher.encryption_.reset(make_cipher(k2, true));
    cipher.decryption_.reset(make_cipher(k2, false));
    if (!cipher.mac_ || !cipher.encryption_ || !cipher.decryption_)
    {
        return fail(ErrorKind::no_space, "the cryptographic library refused this session's keys");
    }
    return cipher;
}

std::size_t SessionCipher::sealed_size(std::size_t payload) const
{
    const std::size_t body = encrypted_size(payload);
    return payload_offset + body + integrity_pad_size(body) + 2 + mac_size_;
}

ConstBytes SessionCipher::next_iv()
{
    if (used_ivs_ == pooled_ivs)
    {
        random_->fill(ivs_);
        used_ivs_ = 0;
    }
    return ConstBytes{ivs_}.subspan(used_ivs_++ * iv_size, iv_size);
}

Result<std::size_t> SessionCipher::seal_in_place(const PacketNumber& number, std::size_t payload_size, MutableBytes out)
{
    const std::size_t body = encrypted_size(payload_size);
    const std::size_t total = sealed_size(payload_size);
    if (body > largest_payload || out.size() < total)
    {
        return fail(ErrorKind::length, "the message does not fit a packet");
    }
    write_headers({number.payload_type, true, true, number.session_id, number.session_sequence, body}, out);
    const ConstBytes iv = next_iv();
    std::ranges::copy(iv, out.begin() + payload_offset);
    const MutableBytes blocks = out.subspan(plaintext_offset, body - iv_size);
    write_confidentiality_trailer(payload_size, blocks);
    if (!transform(encryption_.get(), iv, blocks) || !append_mac(payload_offset + body, out.first(total)))
    {
        return fail(ErrorKind::no_space, "the cryptographic library failed");
    }
    return total;
}

bool SessionCipher::append_mac(std::size_t covered_end, MutableBytes out) const
{
    const std::size_t pad = out.size() - covered_end - 2 - mac_size_;
    const MutableBytes trailer = out.subspan(covered_end, pad + 2);
    std::ranges::fill(trailer.first(pad), integrity_pad);
    trailer[pad] = static_cast<std::uint8_t>(pad);
    trailer[pad + 1] = next_header;
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac{};
    const MutableBytes covered = out.subspan(rmcp_header_size, out.size() - rmcp_header_size - mac_size_);
    if (!compute_mac(covered, mac))
    {
        return false;
    }
    std::ranges::copy(ConstBytes{mac}.first(mac_size_), out.end() - static_cast<std::ptrdiff_t>(mac_size_));
    return true;
}

bool SessionCipher::compute_mac(ConstBytes covered, MutableBytes out) const
{
    std::size_t size = 0;
    return EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1 &&
           EVP_MAC_update(mac_.get(), covered.data(), covered.size()) == 1 &&
           EVP_MAC_final(mac_.get(), out.data(), &size, out.size()) == 1 && size >= mac_size_;
}

Result<std::size_t> SessionCipher::seal(const PacketNumber& number, ConstBytes payload, MutableBytes out)
{
    if (out.size() < sealed_size(payload.size()))
    {
        return fail(ErrorKind::length, "the message does not fit a packet");
    }
    std::ranges::copy(payload, out.begin() + plaintext_offset);
    return seal_in_place(number, payload.size(), out);
}

bool SessionCipher::authentic(ConstBytes datagram, const RmcpPlusPacket& packet) const
{
    const std::size_t body_end = payload_offset + packet.payload_size;
    if (!packet.encrypted || !packet.authenticated || datagram.size() < body_end + 2 + mac_size_)
    {
        return false;
    }
    const ConstBytes trailer = datagram.subspan(body_end, datagram.size() - body_end - mac_size_);
    const std::size_t pad = trailer.size() - 2;
    if (pad > largest_integrity_pad || trailer[pad] != pad || trailer[pad + 1] != next_header)
    {
        return false;
    }
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac{};
    const ConstBytes covered = datagram.subspan(rmcp_header_size, datagram.size() - rmcp_header_size - mac_size_);
    return compute_mac(covered, mac) &&
           equal_in_constant_time(ConstBytes{mac}.first(mac_size_), datagram.last(mac_size_));
}

Result<ConstBytes> SessionCipher::decrypt(MutableBytes datagram, const RmcpPlusPacket& packet) const
{
    const std::size_t size = packet.payload_size;
    if (size < iv_size + cipher_block || size % cipher_block != 0 || payload_offset + size > datagram.size())
    {
        return fail(ErrorKind::length, {});
    }
    const MutableBytes blocks = datagram.subspan(plaintext_offset, size - iv_size);
    if (!transform(decryption_.get(), datagram.subspan(payload_offset, iv_size), blocks))
    {
        return fail(ErrorKind::integrity, {});
    }
    return without_trailer(blocks);
}

} // namespace fwupdate::rmcpplus
