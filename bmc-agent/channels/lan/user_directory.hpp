// The users of the configuration as the handshake asks for them: without telling, by time or shape, who exists.
#pragma once

#include "bmc-agent/config/config.hpp"
#include "common/random.hpp"
#include "common/rmcpplus/keys.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace fwupdate::agent::lan
{

class UserDirectory
{
  public:
    /// `users` must outlive the directory.
    UserDirectory(const std::vector<config::User>& users, RandomSource& random);

    struct Entry
    {
        std::uint8_t id{}; ///< 1-based place in the configuration; 0: nobody has this name
        ipmi::Privilege limit{};
        rmcpplus::Secret key; ///< the password, or one that nobody knows, always the same for a name
    };

    /// Looks at every user and makes the false key whether it is needed or not.
    [[nodiscard]] Entry find(std::string_view name) const;

    /// The user with this id; nullptr: none.
    [[nodiscard]] const config::User* by_id(std::uint8_t id) const;

    [[nodiscard]] std::uint8_t size() const
    {
        return static_cast<std::uint8_t>(users_.size());
    }

    /// The highest level that any user can get.
    [[nodiscard]] ipmi::Privilege highest_limit() const;

  private:
    const std::vector<config::User>& users_;
    rmcpplus::Secret false_key_seed_;
};

} // namespace fwupdate::agent::lan
