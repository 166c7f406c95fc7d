#include "ipmitool-plugin/client/invocation.hpp"

#include "ipmitool-plugin/client/exit_code.hpp"

#include <algorithm>
#include <array>

namespace fwupdate::client
{
namespace
{

constexpr KeywordBits usb_bits = target_bit | sha256_bit | no_downgrade_bit | defer_reboot_bit | debug_bit | force_bit |
                                 yes_bit | json_bit | no_wait_bit | wait_reboot_bit | no_confirm_bit | signature_bit;
constexpr KeywordBits server_bits = port_bit | address_bit | from_bit | http_bit;
constexpr KeywordBits serve_bits = usb_bits | server_bits;
constexpr KeywordBits install_bits = serve_bits | transport_bit;
constexpr KeywordBits credential_bits = pin_bit | user_bit | password_file_bit;
constexpr KeywordBits uri_bits = usb_bits | credential_bits | size_bit | image_bit | step_bit;
constexpr KeywordBits step_bits = step_bit | credential_bits | sha256_bit | size_bit | json_bit;

enum class Argument : std::uint8_t
{
    none,
    optional_image, ///< or a URI
    image,
    signature,
    uri,
    optional_command,
};

struct VerbRow
{
    Verb verb{};
    std::string_view name;
    Argument argument{};
    KeywordBits keywords{};
    std::string_view meaning;
};

constexpr auto verb_rows = std::to_array<VerbRow>({
    {Verb::help, "help", Argument::optional_command, 0, "this list, or what one command takes"},
    {Verb::info, "info", Argument::none, json_bit, "what the BMC can do, who holds update mode"},
    {Verb::targets, "targets", Argument::none, json_bit, "what can be updated, and what runs now"},
    {Verb::status, "status", Argument::none, json_bit, "how far the present update is"},
    {Verb::log, "log", Argument::none, json_bit, "the last updates, newest first"},
    {Verb::plan, "plan", Argument::image, target_bit | sha256_bit | no_downgrade_bit | force_bit | json_bit,
     "ask what the BMC would say of this image; changes nothing"},
    {Verb::install, "install", Argument::image, install_bits, "update: transfer, verify, program, restart, confirm"},
    {Verb::resume, "resume", Argument::optional_image, install_bits | credential_bits | size_bit,
     "go on with an interrupted update; without an image or URI: the last one to this BMC"},
    {Verb::usb, "usb", Argument::image, usb_bits, "install over the BMC's USB drive; on the host itself"},
    {Verb::uri, "uri", Argument::uri, uri_bits,
     "update with what the BMC fetches itself: https, http, ftps, ftp, tftp; with usb://FILE or 'step' a single step: "
     "say "
     "where the image is"},
    {Verb::serve, "serve", Argument::image, serve_bits,
     "install with this machine as the server that the BMC fetches the image from, by HTTPS"},
    {Verb::confirm, "confirm", Argument::none, target_bit | json_bit, "keep a new version that runs on probation"},
    {Verb::fall_back, "fall-back", Argument::none, target_bit | json_bit,
     "give up a new version that runs on probation: the older one comes back, with a restart"},
    {Verb::abort, "abort", Argument::none, force_bit | json_bit,
     "give up the present or interrupted transfer: drop what is staged, leave update mode"},
    {Verb::exit, "exit", Argument::none, force_bit | json_bit, "leave update mode; from ready the update takes effect"},
    {Verb::enter, "enter", Argument::none, force_bit | json_bit, "single step: enter update mode"},
    {Verb::options, "options", Argument::none,
     target_bit | sha256_bit | no_downgrade_bit | defer_reboot_bit | debug_bit | force_bit | json_bit,
     "single step: set the options; what is not named is cleared"},
    {Verb::signature, "signature", Argument::signature, json_bit,
     "single step: send a detached signature of the image (CMS, DER), before 'complete'"},
    {Verb::write, "write", Argument::image, sha256_bit | json_bit, "single step: start a transfer, write the image"},
    {Verb::usb_in, "usb-in", Argument::none, json_bit, "single step: start a transfer, plug the USB drive in"},
    {Verb::usb_out, "usb-out", Argument::none, json_bit, "single step: plug the USB drive out"},
    {Verb::complete, "complete", Argument::none, json_bit, "single step: the image is whole, verify and program it"},
});

const VerbRow& row_of(Verb verb)
{
    return *std::ranges::find(verb_rows, verb, &VerbRow::verb);
}

/// Goes through the words behind the verb.
class Words
{
  public:
    Words(const VerbRow& verb, std::span<const std::string> words) : verb_{verb}, words_{words} {}

    /// Empty: understood; else what is wrong.
    std::string read(Invocation& invocation)
    {
        std::string problem = read_argument(invocation);
        while (problem.empty() && at_ < words_.size())
        {
            problem = read_keyword(invocation.keywords);
        }
        return problem;
    }

  private:
    std::string read_argument(Invocation& invocation)
    {
        if (verb_.argument == Argument::none)
        {
            return {};
        }
        const bool given =
            at_ < words_.size() && (verb_.argument != Argument::optional_image || !keyword_named(words_[at_]));
        if (given)
        {
            invocation.argument = words_[at_++];
        }
        if (!invocation.argument.empty())
        {
            return {};
        }
        return verb_.argument == Argument::image       ? "the image file is missing"
               : verb_.argument == Argument::signature ? "the signature file is missing"
               : verb_.argument == Argument::uri       ? "the URI is missing"
                                                       : "";
    }

    std::string read_keyword(Keywords& keywords)
    {
        const std::string& word = words_[at_++];
        const KeywordRow* row = keyword_named(word);
        if (row == nullptr)
        {
            return "'" + printable(word) + "' is not understood";
        }
        if ((verb_.keywords & row->bit) == 0)
        {
            return "'" + word + "' does not go with '" + std::string{verb_.name} + "'";
        }
        if (row->flag != nullptr)
        {
            keywords.*row->flag = true;
            return {};
        }
        if (at_ == words_.size())
        {
            return "'" + word + "' needs " + std::string{row->value} + " behind it";
        }
        const std::string& value = words_[at_++];
        const std::string_view is_not = row->take(value, keywords);
        return is_not.empty() ? std::string{} : "'" + printable(value) + "' is not a " + std::string{is_not};
    }

    const VerbRow& verb_;
    std::span<const std::string> words_;
    std::size_t at_{0};
};

/// Names one of the keywords that are given among `bits`.
std::string name_in(KeywordBits bits)
{
    const auto rows = keyword_table();
    const auto row = std::ranges::find_if(rows, [bits](const KeywordRow& other) { return (other.bit & bits) != 0; });
    return "'" + std::string{row->name} + "'";
}

/// What a URI and the words about it must not be.
std::string check_uri(const Invocation& invocation, KeywordBits bits)
{
    const bool drive = invocation.argument.starts_with("usb://");
    const bool about_uri = invocation.verb == Verb::uri || (invocation.verb == Verb::resume && is_uri(invocation));
    if (invocation.verb == Verb::uri && !is_uri(invocation))
    {
        return "'" + printable(invocation.argument) +
               "' is not a URI: write it like https://server/image.bin or usb://image.bin";
    }
    if (invocation.verb == Verb::resume && drive)
    {
        return "'resume' goes on with an image or with a URI of a network";
    }
    if (const KeywordBits unfit = bits & ~(json_bit | step_bit); drive && unfit != 0)
    {
        return name_in(unfit) + " does not go with usb://, which is a single step: 'fwupdate usb' does all of it";
    }
    if (const KeywordBits unfit = bits & ~step_bits; invocation.keywords.step && unfit != 0)
    {
        return name_in(unfit) + " does not go with 'step'";
    }
    if ((bits & (size_bit | sha256_bit)) == size_bit && about_uri)
    {
        return (bits & image_bit) != 0 ? "'image' gives the size already" : "'size' goes with 'sha256'";
    }
    return (bits & (size_bit | image_bit)) == (size_bit | image_bit) ? "'image' gives the size already" : "";
}

std::string check_combination(const Invocation& invocation)
{
    const KeywordBits bits = given(invocation.keywords);
    if (invocation.keywords.no_wait && invocation.keywords.wait_reboot)
    {
        return "'no-wait' and 'wait-reboot' contradict each other";
    }
    if (invocation.keywords.no_wait && invocation.keywords.no_confirm)
    {
        return "'no-wait' never confirms: 'no-confirm' is for those who wait";
    }
    if (const KeywordBits unfit = bits & server_bits;
        unfit != 0 && invocation.verb == Verb::install && invocation.keywords.transport != Way::serve)
    {
        return name_in(unfit) + " goes with 'transport serve'";
    }
    if (invocation.verb == Verb::help && !invocation.argument.empty() && !verb_named(invocation.argument))
    {
        return "there is no command '" + printable(invocation.argument) + "'";
    }
    return check_uri(invocation, bits);
}

std::string columns(std::string_view left, std::string_view right)
{
    std::string line = "  " + std::string{left};
    line.resize(std::max<std::size_t>(line.size() + 1, 18), ' ');
    return line + std::string{right} + "\n";
}

std::string synopsis(const VerbRow& row)
{
    std::string text = "fwupdate " + std::string{row.name};
    switch (row.argument)
    {
    case Argument::none:
        break;
    case Argument::optional_image:
        text += " [<image>|<uri>]";
        break;
    case Argument::image:
        text += " <image>";
        break;
    case Argument::signature:
        text += " <signature>";
        break;
    case Argument::uri:
        text += " <uri>";
        break;
    case Argument::optional_command:
        text += " [<command>]";
        break;
    }
    for (const KeywordRow& keyword : keyword_table())
    {
        if ((row.keywords & keyword.bit) != 0)
        {
            text += " [" + std::string{keyword.name} + (keyword.value.empty() ? "" : " ") + std::string{keyword.value} +
                    "]";
        }
    }
    return text;
}

} // namespace

std::optional<Invocation> parse_invocation(std::span<const std::string> arguments, UsageError& error)
{
    if (arguments.empty())
    {
        error = {std::nullopt, "a command is missing"};
        return std::nullopt;
    }
    const std::optional<Verb> verb = verb_named(arguments.front());
    if (!verb)
    {
        error = {std::nullopt, "there is no command '" + printable(arguments.front()) + "'"};
        return std::nullopt;
    }
    // "at the end of any command, help gives its usage", as everywhere in ipmitool
    if (arguments.size() > 1 && arguments.back() == "help" && *verb != Verb::help)
    {
        return Invocation{Verb::help, std::string{name_of(*verb)}, {}};
    }
    Invocation invocation{*verb, {}, {}};
    std::string problem = Words{row_of(*verb), arguments.subspan(1)}.read(invocation);
    problem = problem.empty() ? check_combination(invocation) : problem;
    if (!problem.empty())
    {
        error = {*verb, std::move(problem)};
        return std::nullopt;
    }
    return invocation;
}

bool is_uri(const Invocation& invocation)
{
    return invocation.argument.find("://") != std::string::npos;
}

std::string_view name_of(Verb verb)
{
    return row_of(verb).name;
}

std::optional<Verb> verb_named(std::string_view name)
{
    const auto* row = std::ranges::find(verb_rows, name, &VerbRow::name);
    return row == verb_rows.end() ? std::nullopt : std::optional{row->verb};
}

std::string usage_of(Verb verb)
{
    const VerbRow& row = row_of(verb);
    std::string text = "usage: " + synopsis(row) + "\n  " + std::string{row.meaning} + "\n";
    for (const KeywordRow& keyword : keyword_table())
    {
        if ((row.keywords & keyword.bit) != 0)
        {
            const std::string name = std::string{keyword.name} + (keyword.value.empty() ? "" : " ");
            text += columns(name + std::string{keyword.value}, keyword.meaning);
        }
    }
    return text;
}

std::string overview()
{
    std::string text = "usage: fwupdate <command> [<image>] [<keyword> ...]\nCommands:\n";
    for (const VerbRow& row : verb_rows)
    {
        text += columns(row.name, row.meaning);
    }
    text += "Keywords (bare words, no dashes):\n";
    for (const KeywordRow& row : keyword_table())
    {
        const std::string name = std::string{row.name} + (row.value.empty() ? "" : " ");
        text += columns(name + std::string{row.value}, row.meaning);
    }
    text += "Exit codes:\n";
    for (const ExitCodeRow& row : exit_codes)
    {
        text += columns(std::to_string(static_cast<unsigned>(row.code)), row.meaning);
    }
    return text;
}

} // namespace fwupdate::client
