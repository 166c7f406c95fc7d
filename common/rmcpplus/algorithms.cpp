#include "common/rmcpplus/algorithms.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::rmcpplus
{
namespace
{

constexpr std::array suites{
    CipherSuite{3,
                {AuthenticationAlgorithm::rakp_hmac_sha1, IntegrityAlgorithm::hmac_sha1_96,
                 ConfidentialityAlgorithm::aes_cbc_128}},
    CipherSuite{17,
                {AuthenticationAlgorithm::rakp_hmac_sha256, IntegrityAlgorithm::hmac_sha256_128,
                 ConfidentialityAlgorithm::aes_cbc_128}},
};

} // namespace

std::optional<CipherSuite> find_cipher_suite(std::uint8_t id)
{
    const auto* const suite = std::ranges::find(suites, id, &CipherSuite::id);
    return suite != suites.end() ? std::optional{*suite} : std::nullopt;
}

std::size_t digest_size(AuthenticationAlgorithm algorithm)
{
    switch (algorithm)
    {
    case AuthenticationAlgorithm::rakp_hmac_sha1:
        return 20;
    case AuthenticationAlgorithm::rakp_hmac_sha256:
        return 32;
    case AuthenticationAlgorithm::rakp_none:
    case AuthenticationAlgorithm::rakp_hmac_md5:
        break;
    }
    return 0;
}

std::size_t rakp4_size(AuthenticationAlgorithm algorithm)
{
    switch (algorithm)
    {
    case AuthenticationAlgorithm::rakp_hmac_sha1:
        return 12;
    case AuthenticationAlgorithm::rakp_hmac_sha256:
        return 16;
    case AuthenticationAlgorithm::rakp_none:
    case AuthenticationAlgorithm::rakp_hmac_md5:
        break;
    }
    return 0;
}

std::size_t mac_size(IntegrityAlgorithm algorithm)
{
    switch (algorithm)
    {
    case IntegrityAlgorithm::hmac_sha1_96:
        return 12;
    case IntegrityAlgorithm::hmac_sha256_128:
        return 16;
    case IntegrityAlgorithm::none:
    case IntegrityAlgorithm::hmac_md5_128:
    case IntegrityAlgorithm::md5_128:
        break;
    }
    return 0;
}

} // namespace fwupdate::rmcpplus
