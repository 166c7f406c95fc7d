// The command line behind `ipmitool ... fwupdate`: a verb, perhaps an image, bare keywords. ipmitool's own permuting
// getopt takes everything that begins with a dash, so there are no options here.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

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
    abort,
    exit,
    enter,
    options,
    write,
    usb_in,
    usb_out,
    uri,
    complete,
};

/// How the image goes to the BMC.
enum class Way : std::uint8_t
{
    stream, ///< in IPMI messages
    usb,    ///< over the BMC's virtual USB drive
};

struct Keywords
{
    std::optional<std::string> target;
    std::optional<Sha256> sha256; ///< what the image must have
    std::optional<Way> transport; ///< none: whichever is the better one
    bool no_downgrade{};
    bool defer_reboot{};
    bool debug{};
    bool force{};
    bool yes{};
    bool json{};
    bool no_wait{};
    bool wait_reboot{};

    bool operator==(const Keywords&) const = default;
};

struct Invocation
{
    Verb verb{};
    std::string argument; ///< the image; for help the command; for uri the URI; empty: none
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

/// The way's name, and back.
[[nodiscard]] std::string_view name_of(Way way);
[[nodiscard]] std::optional<Way> way_named(std::string_view name);

/// The verb as typed.
[[nodiscard]] std::string_view name_of(Verb verb);

[[nodiscard]] std::optional<Verb> verb_named(std::string_view name);

/// Usage of one command.
[[nodiscard]] std::string usage_of(Verb verb);

/// All commands, keywords and exit codes.
[[nodiscard]] std::string overview();

/// The keywords as they would be typed, but for those of one run only (force, yes, json, sha256).
[[nodiscard]] std::string to_text(const Keywords& keywords);

/// A word for the shell, quoted if it needs to be.
[[nodiscard]] std::string shell_quoted(const std::string& word);

} // namespace fwupdate::client
