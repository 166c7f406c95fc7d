#include "ipmitool-plugin/client/keywords.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fwupdate::client
{
namespace
{

template <class Number> bool read_number(const std::string& text, std::optional<Number>& number)
{
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0)
    {
        return false;
    }
    number = value;
    return true;
}

std::string_view take_digest(const std::string& value, std::optional<Sha256>& digest)
{
    const Result<Sha256> read = read_sha256(value);
    if (!read)
    {
        return "SHA-256: 64 hexadecimal digits";
    }
    digest = *read;
    return {};
}

template <std::optional<std::string> Keywords::*Member>
std::string_view take_text(const std::string& value, Keywords& keywords)
{
    keywords.*Member = value;
    return value.empty() ? "name" : "";
}

template <std::optional<Sha256> Keywords::*Member>
std::string_view take_sha256(const std::string& value, Keywords& keywords)
{
    return take_digest(value, keywords.*Member);
}

std::string_view take_transport(const std::string& value, Keywords& keywords)
{
    keywords.transport = way_named(value);
    return keywords.transport ? "" : "transport: stream, usb, serve";
}

std::string_view take_size(const std::string& value, Keywords& keywords)
{
    return read_number(value, keywords.size) ? "" : "size: bytes, a whole number";
}

std::string_view take_port(const std::string& value, Keywords& keywords)
{
    return read_number(value, keywords.port) ? "" : "port: 1 to 65535";
}

constexpr auto keyword_rows = std::to_array<KeywordRow>({
    {target_bit, "target", "NAME",
     "what to update, a name or number out of 'targets'; else what a package is for, or the BMC's default", nullptr,
     take_text<&Keywords::target>},
    {sha256_bit, "sha256", "HEX", "the SHA-256 that the image must have", nullptr, take_sha256<&Keywords::sha256>},
    {size_bit, "size", "N", "with sha256: the bytes of the image; an interrupted update can be resumed then", nullptr,
     take_size},
    {image_bit, "image", "FILE", "a copy of what the URI names: gives size and SHA-256", nullptr,
     take_text<&Keywords::image>},
    {signature_bit, "signature", "FILE",
     "a detached signature of the image as it is sent (CMS, DER): for a BMC that takes it beside the image", nullptr,
     take_text<&Keywords::signature>},
    {pin_bit, "pin", "HEX", "the SHA-256 of the server's certificate; no authority is asked then", nullptr,
     take_sha256<&Keywords::pin>},
    {user_bit, "user", "NAME", "who the BMC is at the server", nullptr, take_text<&Keywords::user>},
    {password_file_bit, "password-file", "FILE", "its first line is the password at the server", nullptr,
     take_text<&Keywords::password_file>},
    {transport_bit, "transport", "WAY",
     "stream (in IPMI messages), usb (the BMC's drive) or serve (the BMC fetches it from here); else stream or usb, "
     "the better one",
     nullptr, take_transport},
    {port_bit, "port", "N", "serve at this TCP port; else at any free one", nullptr, take_port},
    {address_bit, "address", "ADDR",
     "the address under which the BMC reaches this machine; else the one it is reached from", nullptr,
     take_text<&Keywords::address>},
    {from_bit, "from", "ADDR", "serve this address, or 'any', in the place of the BMC's own", nullptr,
     take_text<&Keywords::from>},
    {http_bit, "http", "", "serve without TLS", &Keywords::http, nullptr},
    {step_bit, "step", "", "only tell the BMC the URI, as a single step", &Keywords::step, nullptr},
    {no_downgrade_bit, "no-downgrade", "", "refuse an image older than what runs", &Keywords::no_downgrade, nullptr},
    {defer_reboot_bit, "defer-reboot", "", "program now, leave the restart to somebody else", &Keywords::defer_reboot,
     nullptr},
    {debug_bit, "debug", "", "the BMC keeps the staged image and a verbose record", &Keywords::debug, nullptr},
    {force_bit, "force", "",
     "even if already installed; take over from whoever holds update mode; override what the BMC lets be overridden",
     &Keywords::force, nullptr},
    {yes_bit, "yes", "", "don't ask (without a terminal nothing is ever asked)", &Keywords::yes, nullptr},
    {json_bit, "json", "", "JSON lines on stdout", &Keywords::json, nullptr},
    {no_wait_bit, "no-wait", "", "don't wait for the restart and its verdict", &Keywords::no_wait, nullptr},
    {wait_reboot_bit, "wait-reboot", "",
     "with defer-reboot: wait, however long, until somebody restarts it, and report the verdict",
     &Keywords::wait_reboot, nullptr},
    {no_confirm_bit, "no-confirm", "", "leave a new version on probation: somebody else confirms it in time",
     &Keywords::no_confirm, nullptr},
});

/// Name and value of what is given and has one.
void add_value(std::string& text, std::string_view name, const std::optional<std::string>& value)
{
    if (value)
    {
        text += " " + std::string{name} + " " + shell_quoted(*value);
    }
}

template <class Value, class Write> std::optional<std::string> written(const std::optional<Value>& value, Write write)
{
    return value ? std::optional<std::string>{write(*value)} : std::nullopt;
}

} // namespace

std::span<const KeywordRow> keyword_table()
{
    return keyword_rows;
}

const KeywordRow* keyword_named(std::string_view name)
{
    const auto* row = std::ranges::find(keyword_rows, name, &KeywordRow::name);
    return row == keyword_rows.end() ? nullptr : &*row;
}

KeywordBits given(const Keywords& words)
{
    KeywordBits bits = 0;
    for (const KeywordRow& row : keyword_rows)
    {
        bits |= row.flag != nullptr && words.*row.flag ? row.bit : 0;
    }
    const auto add = [&bits](KeywordBits bit, bool is_given) { bits |= is_given ? bit : 0; };
    add(target_bit, words.target.has_value());
    add(sha256_bit, words.sha256.has_value());
    add(size_bit, words.size.has_value());
    add(image_bit, words.image.has_value());
    add(signature_bit, words.signature.has_value());
    add(pin_bit, words.pin.has_value());
    add(user_bit, words.user.has_value());
    add(password_file_bit, words.password_file.has_value());
    add(transport_bit, words.transport.has_value());
    add(port_bit, words.port.has_value());
    add(address_bit, words.address.has_value());
    add(from_bit, words.from.has_value());
    return bits;
}

std::string_view name_of(Way way)
{
    switch (way)
    {
    case Way::usb:
        return "usb";
    case Way::serve:
        return "serve";
    default:
        return "stream";
    }
}

std::optional<Way> way_named(std::string_view name)
{
    constexpr std::array ways{Way::stream, Way::usb, Way::serve};
    const auto* way = std::ranges::find_if(ways, [&](Way other) { return name_of(other) == name; });
    return way == ways.end() ? std::nullopt : std::optional{*way};
}

Result<Sha256> read_sha256(std::string_view text)
{
    const Result<Bytes> bytes = from_hex(text);
    Sha256 digest{};
    if (!bytes || bytes->size() != digest.size())
    {
        return fail(ErrorKind::invalid_field, "no SHA-256");
    }
    std::ranges::copy(*bytes, digest.begin());
    return digest;
}

std::string to_text(const Keywords& keywords)
{
    std::string text;
    for (const KeywordRow& row : keyword_rows)
    {
        const bool of_this_run = (row.bit & (force_bit | yes_bit | json_bit)) != 0;
        if (row.flag != nullptr && !of_this_run && keywords.*row.flag)
        {
            text += " " + std::string{row.name};
        }
    }
    add_value(text, "transport", written(keywords.transport, [](Way way) { return std::string{name_of(way)}; }));
    add_value(text, "port", written(keywords.port, [](std::uint16_t port) { return std::to_string(port); }));
    add_value(text, "address", keywords.address);
    add_value(text, "from", keywords.from);
    add_value(text, "pin", written(keywords.pin, [](const Sha256& pin) { return to_hex(pin); }));
    add_value(text, "user", keywords.user);
    add_value(text, "password-file", keywords.password_file);
    add_value(text, "signature", keywords.signature);
    add_value(text, "target", keywords.target);
    return text.empty() ? text : text.substr(1);
}

std::string shell_quoted(const std::string& word)
{
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos)
    {
        return word;
    }
    std::string quoted = "'";
    for (const char character : word)
    {
        quoted += character == '\'' ? std::string{"'\\''"} : std::string{character};
    }
    return quoted + "'";
}

} // namespace fwupdate::client
