#include "ipmitool-plugin/client/uri.hpp"

#include "common/bytes.hpp"
#include "protocol-spec/messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fwupdate::client
{
namespace
{

struct SchemeRow
{
    std::string_view name;
    std::uint16_t bit{};
};

constexpr SchemeRow usb_row{"usb", protocol::scheme_usb};
constexpr std::array network_rows{SchemeRow{"https", protocol::scheme_https}, SchemeRow{"http", protocol::scheme_http},
                                  SchemeRow{"ftps", protocol::scheme_ftps}, SchemeRow{"ftp", protocol::scheme_ftp},
                                  SchemeRow{"tftp", protocol::scheme_tftp}};

Error mistake(const std::string& text)
{
    return fail(ErrorKind::invalid_field, text);
}

std::string lower_case(std::string_view text)
{
    std::string lowered{text};
    std::ranges::transform(lowered, lowered.begin(),
                           [](char character) {
                               return character >= 'A' && character <= 'Z' ? static_cast<char>(character | 0x20)
                                                                           : character;
                           });
    return lowered;
}

const SchemeRow* row_of(std::string_view scheme)
{
    const auto* row = std::ranges::find(network_rows, scheme, &SchemeRow::name);
    return row != network_rows.end() ? row : scheme == usb_row.name ? &usb_row : nullptr;
}

Error unknown_scheme(const std::string& scheme)
{
    return mistake("'" + printable(scheme) + "://' is nothing that a BMC fetches: there are " + scheme_names(0xFFFF) +
                   ", and usb for a file on the BMC's USB drive" +
                   (scheme == "file" ? "; a file of this machine goes by 'fwupdate install FILE'" : ""));
}

/// The first character that no URI has (RFC 3986 section 2), and where it is; empty: none.
std::string find_bad_character(std::string_view text)
{
    constexpr std::string_view forbidden = "\"<>\\^`{|}";
    const auto* bad = std::ranges::find_if(
        text, [&](char character)
        { return character <= ' ' || character > '~' || forbidden.find(character) != std::string_view::npos; });
    return bad == text.end() ? std::string{}
                             : "byte " + std::to_string(bad - text.begin() + 1) + " of the URI (" +
                                   to_hex(as_bytes(text.substr(static_cast<std::size_t>(bad - text.begin()), 1))) +
                                   "h) is no character of a URI: write it percent encoded, %" +
                                   to_hex(as_bytes(text.substr(static_cast<std::size_t>(bad - text.begin()), 1)));
}

std::optional<std::string> percent_decoded(std::string_view text)
{
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at)
    {
        if (text[at] != '%')
        {
            decoded += text[at];
            continue;
        }
        const Result<Bytes> byte = from_hex(text.substr(at + 1, 2));
        if (!byte || byte->size() != 1)
        {
            return std::nullopt;
        }
        decoded += static_cast<char>(byte->front());
        at += 2;
    }
    return decoded;
}

Result<Credentials> read_credentials(std::string_view text)
{
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto user = percent_decoded(text.substr(0, colon));
    const auto password = percent_decoded(text.substr(std::min(colon + 1, text.size())));
    if (!user || !password)
    {
        return mistake("a '%' in the URI's user name or password is not followed by two hexadecimal digits: write %25 "
                       "for the character itself, or use 'user' and 'password-file'");
    }
    if (user->empty() || std::max(user->size(), password->size()) > longest_credential)
    {
        return mistake("the URI's user name is empty, or it or the password has more than " +
                       std::to_string(longest_credential) + " bytes");
    }
    return Credentials{*user, *password};
}

/// "host", "host:8443", "[2001:db8::1]:8443"; empty: well formed.
std::string check_host(std::string_view host)
{
    const std::size_t bracket = host.starts_with('[') ? host.find(']') : 0;
    if (bracket == std::string_view::npos)
    {
        return "the ']' behind the IPv6 address is missing";
    }
    const std::size_t colon = host.find(':', bracket);
    const std::string_view name = host.substr(0, colon);
    if (name.empty() || name == "[]")
    {
        return "the URI names no host: write it like https://server/image.bin";
    }
    if (bracket != 0 && name.size() != bracket + 1)
    {
        return "behind the IPv6 address there may be a port and nothing else";
    }
    if (colon == std::string_view::npos)
    {
        return {};
    }
    const std::string_view digits = host.substr(colon + 1);
    std::uint16_t port{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return error == std::errc{} && end == digits.data() + digits.size() && port != 0
               ? std::string{}
               : "'" + std::string{digits} + "' is no port: 1 to 65535; an IPv6 address goes in brackets";
}

/// A file on the drive: the BMC knows what FAT allows.
Result<Uri> parse_drive_uri(std::string_view typed)
{
    const bool control = std::ranges::any_of(
        typed, [](char character) { return static_cast<unsigned char>(character) < ' ' || character == 0x7F; });
    if (control)
    {
        return mistake("the URI has a control character: name the file as it is on the drive");
    }
    return Uri{std::string{usb_row.name}, usb_row.bit, std::string{typed}, std::string{typed}, std::nullopt};
}

Result<Uri> parse_network_uri(const SchemeRow& row, std::string_view rest)
{
    if (const std::string bad = find_bad_character(rest); !bad.empty())
    {
        return mistake(bad);
    }
    if (rest.find('#') != std::string_view::npos)
    {
        return mistake(
            "'#' and what follows never reaches a server: leave it out, or write %23 for the character itself");
    }
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    const std::size_t at = authority.rfind('@');
    const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
    if (const std::string bad = check_host(host); !bad.empty())
    {
        return mistake(bad);
    }
    const std::string_view where = rest.substr(authority.size());
    if (where.empty() || where == "/")
    {
        return mistake("the URI names no file on " + std::string{host});
    }
    const std::string front = std::string{row.name} + "://" + std::string{host};
    Uri uri{std::string{row.name}, row.bit, front + std::string{where},
            front + std::string{where.substr(0, where.find('?'))}, std::nullopt};
    if (at != std::string_view::npos)
    {
        Result<Credentials> credentials = read_credentials(authority.substr(0, at));
        if (!credentials)
        {
            return credentials.error();
        }
        uri.credentials = std::move(*credentials);
    }
    return uri;
}

} // namespace

Result<Uri> parse_uri(std::string_view typed)
{
    const std::size_t end = std::min(typed.find("://"), typed.size());
    const std::string scheme = lower_case(typed.substr(0, end));
    const SchemeRow* row = row_of(scheme);
    if (row == nullptr)
    {
        return unknown_scheme(scheme);
    }
    Result<Uri> uri = row == &usb_row ? parse_drive_uri(typed)
                                      : parse_network_uri(*row, typed.substr(std::min(end + 3, typed.size())));
    if (uri && uri->text.size() > longest_uri)
    {
        return mistake("the URI has " + std::to_string(uri->text.size()) + " bytes; a BMC takes at most " +
                       std::to_string(longest_uri) + ": put the file under a shorter path");
    }
    return uri;
}

std::string scheme_names(std::uint16_t bits)
{
    std::string names;
    for (const SchemeRow& row : network_rows)
    {
        names += (bits & row.bit) == 0 ? "" : (names.empty() ? "" : ", ") + std::string{row.name};
    }
    return names;
}

} // namespace fwupdate::client
