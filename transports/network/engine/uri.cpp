#include "transports/network/engine/uri.hpp"

#include "common/bytes.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

namespace fwupdate::network
{
namespace
{

constexpr auto names = std::to_array<std::pair<Scheme, std::string_view>>({
    {Scheme::http, "http"},
    {Scheme::https, "https"},
    {Scheme::tftp, "tftp"},
    {Scheme::ftp, "ftp"},
    {Scheme::ftps, "ftps"},
});

constexpr std::size_t longest_shown = 300; ///< characters; of a URI that a redirect brings

struct FreeUrl
{
    void operator()(CURLU* url) const
    {
        curl_url_cleanup(url);
    }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

struct FreeText
{
    void operator()(char* text) const
    {
        curl_free(text);
    }
};

/// A part of the URL; none: it has none.
std::optional<std::string> part_of(const Url& url, CURLUPart part, unsigned flags = 0)
{
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK)
    {
        return std::nullopt;
    }
    const std::unique_ptr<char, FreeText> owner{text};
    return std::string{text};
}

bool has_control_or_blank(std::string_view text)
{
    return std::ranges::any_of(text, [](unsigned char letter) { return letter <= 0x20 || letter == 0x7F; });
}

std::string lower(std::string text)
{
    std::ranges::transform(text, text.begin(),
                           [](char letter)
                           { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; });
    return text;
}

/// The host as policies compare it.
std::string plain_host(std::string host)
{
    if (host.starts_with('[') && host.ends_with(']'))
    {
        host = host.substr(1, host.size() - 2);
    }
    if (host.ends_with('.'))
    {
        host.pop_back();
    }
    return lower(std::move(host));
}

/// A name in ASCII, or an address with its zone: nothing that a percent code could have brought in.
bool is_plain(std::string_view host)
{
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789-_.:%";
    return !host.empty() && host.find_first_not_of(letters) == std::string_view::npos;
}

std::optional<transports::Credentials> take_credentials(const Url& url)
{
    const auto user = part_of(url, CURLUPART_USER, CURLU_URLDECODE);
    const auto password = part_of(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
    curl_url_set(url.get(), CURLUPART_USER, nullptr, 0);
    curl_url_set(url.get(), CURLUPART_PASSWORD, nullptr, 0);
    curl_url_set(url.get(), CURLUPART_OPTIONS, nullptr, 0);
    curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
    return user || password ? std::optional{transports::Credentials{user.value_or(""), password.value_or("")}}
                            : std::nullopt;
}

Error bad(const std::string& why)
{
    return fail(ErrorKind::invalid_field, "the URI " + why + "; it must be scheme://host/path/of/a/file");
}

} // namespace

std::string_view name_of(Scheme scheme)
{
    return std::ranges::find(names, scheme, &std::pair<Scheme, std::string_view>::first)->second;
}

std::optional<Scheme> scheme_named(std::string_view name)
{
    const auto row = std::ranges::find(names, name, &std::pair<Scheme, std::string_view>::second);
    return row == names.end() ? std::nullopt : std::optional{row->first};
}

Result<Uri> Uri::parse(std::string_view text)
{
    if (text.empty() || has_control_or_blank(text))
    {
        return bad("is empty, or has blanks or control characters");
    }
    const Url url{curl_url()};
    if (!url ||
        curl_url_set(url.get(), CURLUPART_URL, std::string{text}.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    {
        return bad("is malformed");
    }
    const std::string name = lower(part_of(url, CURLUPART_SCHEME).value_or(""));
    const auto scheme = scheme_named(name);
    if (!scheme)
    {
        return bad("has the scheme \"" + printable(name.substr(0, longest_shown)) + "\", which is not fetched");
    }
    Uri uri;
    uri.scheme_ = *scheme;
    uri.host_ = plain_host(part_of(url, CURLUPART_HOST).value_or(""));
    const std::string path = part_of(url, CURLUPART_PATH).value_or("");
    if (!is_plain(uri.host_) || path.empty() || path.ends_with('/'))
    {
        return bad(is_plain(uri.host_) ? "names no file" : "names no host (in ASCII)");
    }
    const std::string port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
    if (std::from_chars(port.data(), port.data() + port.size(), uri.port_).ec != std::errc{} || uri.port_ == 0)
    {
        return bad("has no usable port");
    }
    uri.credentials_ = take_credentials(url);
    uri.text_ = part_of(url, CURLUPART_URL).value_or("");
    const bool query = !part_of(url, CURLUPART_QUERY).value_or("").empty();
    curl_url_set(url.get(), CURLUPART_QUERY, nullptr, 0);
    uri.shown_ = printable(part_of(url, CURLUPART_URL).value_or("").substr(0, longest_shown)) + (query ? "?..." : "");
    return uri.text_.empty() ? Result<Uri>{bad("is malformed")} : Result<Uri>{std::move(uri)};
}

std::string Uri::resolve(const std::string& location) const
{
    const Url url{curl_url()};
    const bool resolved =
        url && curl_url_set(url.get(), CURLUPART_URL, text_.c_str(), 0) == CURLUE_OK &&
        curl_url_set(url.get(), CURLUPART_URL, location.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    return resolved ? part_of(url, CURLUPART_URL).value_or("") : "";
}

bool Uri::may_share_credentials_with(const Uri& other) const
{
    const bool upgraded = scheme_ == Scheme::http && other.scheme_ == Scheme::https;
    const bool same_place = scheme_ == other.scheme_ && port_ == other.port_;
    return host_ == other.host_ && (same_place || upgraded);
}

} // namespace fwupdate::network
