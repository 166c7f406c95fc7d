#include "bmc-agent/channels/lan/user_directory.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::agent::lan
{
namespace
{

constexpr std::size_t password_size = 20; // bytes of an IPMI 2.0 password field

/// A name as it compares: its length and 16 bytes.
std::array<std::uint8_t, rmcpplus::largest_user_name + 1> padded(std::string_view name)
{
    std::array<std::uint8_t, rmcpplus::largest_user_name + 1> bytes{};
    const std::size_t size = std::min(name.size(), rmcpplus::largest_user_name);
    bytes[0] = static_cast<std::uint8_t>(name.size());
    std::copy_n(name.begin(), size, bytes.begin() + 1);
    return bytes;
}

rmcpplus::Secret random_secret(RandomSource& random)
{
    std::array<std::uint8_t, rmcpplus::Secret::capacity> bytes{};
    random.fill(bytes);
    return rmcpplus::Secret{bytes};
}

} // namespace

UserDirectory::UserDirectory(const std::vector<config::User>& users, RandomSource& random)
    : users_{users}, false_key_seed_{random_secret(random)}
{
}

UserDirectory::Entry UserDirectory::find(std::string_view name) const
{
    const auto asked = padded(name);
    Entry entry{};
    const rmcpplus::Secret derived =
        rmcpplus::hmac(rmcpplus::AuthenticationAlgorithm::rakp_hmac_sha256, false_key_seed_.view(), as_bytes(name));
    entry.key = rmcpplus::Secret{derived.first(password_size)};
    std::uint8_t id = 0;
    for (const config::User& user : users_)
    {
        ++id;
        if (rmcpplus::equal_in_constant_time(asked, padded(user.name)))
        {
            entry = {id, user.limit, rmcpplus::Secret{as_bytes(user.password)}};
        }
    }
    return entry;
}

const config::User* UserDirectory::by_id(std::uint8_t id) const
{
    return id >= 1 && id <= users_.size() ? &users_[id - 1U] : nullptr;
}

ipmi::Privilege UserDirectory::highest_limit() const
{
    auto highest = ipmi::Privilege::none;
    for (const config::User& user : users_)
    {
        highest = std::max(highest, user.limit);
    }
    return highest;
}

} // namespace fwupdate::agent::lan
