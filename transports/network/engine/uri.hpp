// A URI that the BMC may fetch, taken apart by the same library that fetches it: nothing can be read in two ways.
#pragma once

#include "common/result.hpp"
#include "transports/fetcher.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::network
{

enum class Scheme : std::uint8_t
{
    http,
    https,
    tftp,
    ftp,
    ftps,
};

/// As it is written: "https".
[[nodiscard]] std::string_view name_of(Scheme scheme);
[[nodiscard]] std::optional<Scheme> scheme_named(std::string_view name);

/// Whether the server proves who it is, and nobody on the way can change a byte.
[[nodiscard]] constexpr bool is_protected(Scheme scheme)
{
    return scheme == Scheme::https || scheme == Scheme::ftps;
}

class Uri
{
  public:
    /// Only absolute URIs that name a file: scheme://[user[:password]@]host[:port]/path[?query]. Error: invalid_field,
    /// with a sentence that holds no secret.
    [[nodiscard]] static Result<Uri> parse(std::string_view text);

    [[nodiscard]] Scheme scheme() const
    {
        return scheme_;
    }
    /// Lower case, without the brackets of an IPv6 address and without a final dot.
    [[nodiscard]] const std::string& host() const
    {
        return host_;
    }
    [[nodiscard]] std::uint16_t port() const
    {
        return port_;
    }
    [[nodiscard]] const std::optional<transports::Credentials>& credentials() const
    {
        return credentials_;
    }
    /// To be fetched: without credentials, without a fragment.
    [[nodiscard]] const std::string& text() const
    {
        return text_;
    }
    /// For people and logs: the query, which may be a secret, shows as "?...".
    [[nodiscard]] const std::string& shown() const
    {
        return shown_;
    }
    /// A redirect's target, which may be relative to this URI, as an absolute URI; empty: it is none.
    [[nodiscard]] std::string resolve(const std::string& location) const;

    /// Whether credentials for one may be sent to the other: same host and port, no less protected.
    [[nodiscard]] bool may_share_credentials_with(const Uri& other) const;

  private:
    Uri() = default;

    Scheme scheme_{};
    std::string host_;
    std::uint16_t port_{};
    std::optional<transports::Credentials> credentials_;
    std::string text_;
    std::string shown_;
};

} // namespace fwupdate::network
