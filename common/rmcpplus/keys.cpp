#include "common/rmcpplus/keys.hpp"

#include "common/rmcpplus/packet.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

namespace fwupdate::rmcpplus
{
namespace
{

constexpr std::size_t constant_size = 20; // of 01h and 02h, whatever the hash (IPMI 2.0 section 13.32)

/// The concatenation that a code covers; the longest is RAKP 2's, 58 bytes and the name.
class Input
{
  public:
    Input& add(ConstBytes bytes)
    {
        std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += bytes.size();
        return *this;
    }
    Input& add(std::uint32_t number)
    {
        std::array<std::uint8_t, 4> bytes{};
        store_u32(number, bytes);
        return add(bytes);
    }
    /// Role, name length, name.
    Input& add_user(const Exchange& exchange)
    {
        const std::string_view name = exchange.user_name.substr(0, largest_user_name);
        const std::array<std::uint8_t, 2> head{exchange.role, static_cast<std::uint8_t>(name.size())};
        return add(head).add(as_bytes(name));
    }
    [[nodiscard]] ConstBytes view() const
    {
        return ConstBytes{bytes_}.first(size_);
    }

  private:
    std::array<std::uint8_t, 96> bytes_{};
    std::size_t size_{};
};

Secret derive(AuthenticationAlgorithm algorithm, ConstBytes key, std::uint8_t constant)
{
    std::array<std::uint8_t, constant_size> data{};
    data.fill(constant);
    return hmac(algorithm, key, data);
}

} // namespace

Secret::Secret(ConstBytes bytes) : size_{std::min(bytes.size(), capacity)}
{
    std::ranges::copy(bytes.first(size_), bytes_.begin());
}

Secret::~Secret()
{
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

Secret hmac(AuthenticationAlgorithm algorithm, ConstBytes key, ConstBytes data)
{
    const char* const hash = algorithm == AuthenticationAlgorithm::rakp_hmac_sha256 ? "SHA256" : "SHA1";
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
    std::size_t size = 0;
    if (EVP_Q_mac(nullptr, "HMAC", nullptr, hash, nullptr, key.data(), key.size(), data.data(), data.size(), out.data(),
                  out.size(), &size) == nullptr)
    {
        // Both hashes belong to the default provider: out of memory, and an empty code must never be compared.
        std::abort();
    }
    const Secret secret{ConstBytes{out}.first(size)};
    OPENSSL_cleanse(out.data(), out.size());
    return secret;
}

bool equal_in_constant_time(ConstBytes left, ConstBytes right)
{
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

Secret rakp2_code(const Exchange& exchange, ConstBytes user_key)
{
    Input input;
    input.add(exchange.console_session_id)
        .add(exchange.bmc_session_id)
        .add(exchange.console_random)
        .add(exchange.bmc_random)
        .add(exchange.bmc_guid)
        .add_user(exchange);
    return hmac(exchange.algorithm, user_key, input.view());
}

Secret rakp3_code(const Exchange& exchange, ConstBytes user_key)
{
    Input input;
    input.add(exchange.bmc_random).add(exchange.console_session_id).add_user(exchange);
    return hmac(exchange.algorithm, user_key, input.view());
}

Secret session_integrity_key(const Exchange& exchange, ConstBytes bmc_key)
{
    Input input;
    input.add(exchange.console_random).add(exchange.bmc_random).add_user(exchange);
    return hmac(exchange.algorithm, bmc_key, input.view());
}

Secret rakp4_value(const Exchange& exchange, ConstBytes session_integrity_key)
{
    Input input;
    input.add(exchange.console_random).add(exchange.bmc_session_id).add(exchange.bmc_guid);
    const Secret whole = hmac(exchange.algorithm, session_integrity_key, input.view());
    return Secret{whole.first(rakp4_size(exchange.algorithm))};
}

Secret derive_k1(AuthenticationAlgorithm algorithm, ConstBytes session_integrity_key)
{
    return derive(algorithm, session_integrity_key, 0x01);
}

Secret derive_k2(AuthenticationAlgorithm algorithm, ConstBytes session_integrity_key)
{
    return derive(algorithm, session_integrity_key, 0x02);
}

} // namespace fwupdate::rmcpplus
