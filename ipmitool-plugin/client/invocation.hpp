// The command line behind `ipmitool ... fwupdate`: a verb, perhaps an image, bare keywords. ipmitool's own permuting
// getopt takes everything that begins with a dash, so there are no options here.
#pragma once

#include "ipmitool-plugin/client/keywords.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fwupdate::client
{

enum class Verb : std::uint8_t
{
    help,
    info,
    targets,
    status,
    log,
    plan,
    install,
    resume,
    usb,
    uri,
    serve,
    confirm,
    fall_back,
    abort,
    exit,
    enter,
    options,
    signature,
    write,
    usb_in,
    usb_out,
    complete,
};

struct Invocation
{
    Verb verb{};
    std::string argument; ///< the image, URI or signature; for help the command; empty: none
    Keywords keywords;

    bool operator==(const Invocation&) const = default;
};

/// A mistake on the command line: what it is, and whose usage to show.
struct UsageError
{
    std::optional<Verb> verb; ///< none: the list of commands
    std::string text;
};

/// Reads the arguments behind "fwupdate". `error` is filled when nothing is returned.
[[nodiscard]] std::optional<Invocation> parse_invocation(std::span<const std::string> arguments, UsageError& error);

/// Whether the argument is a URI, not a file.
[[nodiscard]] bool is_uri(const Invocation& invocation);

/// The verb as typed.
[[nodiscard]] std::string_view name_of(Verb verb);

[[nodiscard]] std::optional<Verb> verb_named(std::string_view name);

/// Usage of one command.
[[nodiscard]] std::string usage_of(Verb verb);

/// All commands, keywords and exit codes.
[[nodiscard]] std::string overview();

} // namespace fwupdate::client
