// A URI as a person types it, taken apart as far as the client has to: what the BMC gets, what people may see, and the
// credentials, which go another way. The BMC judges the rest.
#pragma once

#include "common/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::client
{

inline constexpr std::size_t longest_uri = 255;        ///< bytes: 29h has one byte for the length
inline constexpr std::size_t longest_credential = 255; ///< bytes of a user name, and of a password: 4Dh

/// Who the BMC is at the server. Never shown, never noted.
struct Credentials
{
    std::string user;
    std::string password;

    bool operator==(const Credentials&) const = default;
};

struct Uri
{
    std::string scheme;                     ///< lower case
    std::uint16_t scheme_bit{};             ///< of 40h
    std::string text;                       ///< for the BMC: without user name and password
    std::string shown;                      ///< for people: without the query as well, which may be a secret too
    std::optional<Credentials> credentials; ///< out of it, percent decoded

    [[nodiscard]] bool has_query() const
    {
        return shown.size() != text.size();
    }
};

/// Errors: invalid_field: what is wrong, and what to do. No error shows a password.
[[nodiscard]] Result<Uri> parse_uri(std::string_view typed);

/// "https, http" for bits of 40h; empty: none that goes over a network.
[[nodiscard]] std::string scheme_names(std::uint16_t bits);

} // namespace fwupdate::client
