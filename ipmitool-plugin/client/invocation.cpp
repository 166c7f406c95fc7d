#include "ipmitool-plugin/client/invocation.hpp"

#include "ipmitool-plugin/client/exit_code.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

namespace fwupdate::client
{
namespace
{

/// Which keywords a command takes, one bit per row of the keyword table.
enum KeywordBit : std::uint32_t
{
    target_bit = 1U << 0,
    sha256_bit = 1U << 1,
    no_downgrade_bit = 1U << 2,
    defer_reboot_bit = 1U << 3,
    debug_bit = 1U << 4,
    force_bit = 1U << 5,
    yes_bit = 1U << 6,
    json_bit = 1U << 7,
    no_wait_bit = 1U << 8,
    wait_reboot_bit = 1U << 9,
    transport_bit = 1U << 10,
};

struct KeywordRow
{
    std::uint32_t bit{};
    std::string_view name;
    std::string_view value; ///< what follows; empty: nothing
    std::string_view meaning;
    bool Keywords::*flag{}; ///< null: takes a value
};

constexpr auto keyword_rows = std::to_array<KeywordRow>({
    {target_bit, "target", "NAME", "what to update, a name or number out of 'targets'; else the BMC's default",
     nullptr},
    {sha256_bit, "sha256", "HEX", "the SHA-256 that the image must have", nullptr},
    {transport_bit, "transport", "WAY", "stream (in IPMI messages) or usb (the BMC's drive); else the better one",
     nullptr},
    {no_downgrade_bit, "no-downgrade", "", "refuse an image older than what runs", &Keywords::no_downgrade},
    {defer_reboot_bit, "defer-reboot", "", "program now, leave the restart to somebody else", &Keywords::defer_reboot},
    {debug_bit, "debug", "", "the BMC keeps the staged image and a verbose record", &Keywords::debug},
    {force_bit, "force", "",
     "even if already installed; take over from whoever holds update mode; override what the BMC lets be overridden",
     &Keywords::force},
    {yes_bit, "yes", "", "don't ask (without a terminal nothing is ever asked)", &Keywords::yes},
    {json_bit, "json", "", "JSON lines on stdout", &Keywords::json},
    {no_wait_bit, "no-wait", "", "don't wait for the restart and its verdict", &Keywords::no_wait},
    {wait_reboot_bit, "wait-reboot", "",
     "with defer-reboot: wait, however long, until somebody restarts it, and report the verdict",
     &Keywords::wait_reboot},
});

constexpr std::uint32_t usb_bits = target_bit | sha256_bit | no_downgrade_bit | defer_reboot_bit | debug_bit |
                                   force_bit | yes_bit | json_bit | no_wait_bit | wait_reboot_bit;
constexpr std::uint32_t install_bits = usb_bits | transport_bit;

enum class Argument : std::uint8_t
{
    none,
    optional_image,
    image,
    uri,
    optional_command,
};

struct VerbRow
{
    Verb verb{};
    std::string_view name;
    Argument argument{};
    std::uint32_t keywords{};
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
    {Verb::resume, "resume", Argument::optional_image, install_bits,
     "go on with an interrupted install; without an image: the last one to this BMC"},
    {Verb::usb, "usb", Argument::image, usb_bits, "install over the BMC's USB drive; on the host itself"},
    {Verb::abort, "abort", Argument::none, force_bit | json_bit,
     "give up the present or interrupted transfer: drop what is staged, leave update mode"},
    {Verb::exit, "exit", Argument::none, force_bit | json_bit, "leave update mode; from ready the update takes effect"},
    {Verb::enter, "enter", Argument::none, force_bit | json_bit, "single step: enter update mode"},
    {Verb::options, "options", Argument::none,
     target_bit | sha256_bit | no_downgrade_bit | defer_reboot_bit | debug_bit | force_bit | json_bit,
     "single step: set the options; what is not named is cleared"},
    {Verb::write, "write", Argument::image, sha256_bit | json_bit, "single step: start a transfer, write the image"},
    {Verb::usb_in, "usb-in", Argument::none, json_bit, "single step: start a transfer, plug the USB drive in"},
    {Verb::usb_out, "usb-out", Argument::none, json_bit, "single step: plug the USB drive out"},
    {Verb::uri, "uri", Argument::uri, json_bit, "single step: say where the image is: usb://FILE on the drive"},
    {Verb::complete, "complete", Argument::none, json_bit, "single step: the image is whole, verify and program it"},
});

const VerbRow& row_of(Verb verb)
{
    return *std::ranges::find(verb_rows, verb, &VerbRow::verb);
}

const KeywordRow* keyword_named(std::string_view name)
{
    const auto* row = std::ranges::find(keyword_rows, name, &KeywordRow::name);
    return row == keyword_rows.end() ? nullptr : &*row;
}

/// Takes the value of "target", "transport" or "sha256"; false: it is not one.
bool take_value(const KeywordRow& row, const std::string& value, Keywords& keywords)
{
    if (row.bit == target_bit)
    {
        keywords.target = value;
        return !value.empty();
    }
    if (row.bit == transport_bit)
    {
        keywords.transport = way_named(value);
        return keywords.transport.has_value();
    }
    const Result<Bytes> digest = from_hex(value);
    if (!digest || digest->size() != Sha256{}.size())
    {
        return false;
    }
    std::ranges::copy(*digest, keywords.sha256.emplace().begin());
    return true;
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
        return verb_.argument == Argument::image ? "the image file is missing"
               : verb_.argument == Argument::uri ? "the URI is missing"
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
        return take_value(*row, words_[at_++], keywords)
                   ? std::string{}
                   : "'" + printable(words_[at_ - 1]) + "' is not a " +
                         (row->bit == sha256_bit      ? "SHA-256: 64 hexadecimal digits"
                          : row->bit == transport_bit ? "transport: stream, usb"
                                                      : "name");
    }

    const VerbRow& verb_;
    std::span<const std::string> words_;
    std::size_t at_{0};
};

std::string check_combination(const Invocation& invocation)
{
    if (invocation.keywords.no_wait && invocation.keywords.wait_reboot)
    {
        return "'no-wait' and 'wait-reboot' contradict each other";
    }
    if (invocation.verb == Verb::uri && invocation.argument.find("://") == std::string::npos)
    {
        return "'" + printable(invocation.argument) + "' is not a URI: write it like usb://image.bin";
    }
    if (invocation.verb == Verb::help && !invocation.argument.empty() && !verb_named(invocation.argument))
    {
        return "there is no command '" + printable(invocation.argument) + "'";
    }
    return {};
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
        text += " [<image>]";
        break;
    case Argument::image:
        text += " <image>";
        break;
    case Argument::uri:
        text += " <uri>";
        break;
    case Argument::optional_command:
        text += " [<command>]";
        break;
    }
    for (const KeywordRow& keyword : keyword_rows)
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

std::string_view name_of(Way way)
{
    return way == Way::usb ? "usb" : "stream";
}

std::optional<Way> way_named(std::string_view name)
{
    constexpr std::array ways{Way::stream, Way::usb};
    const auto* way = std::ranges::find_if(ways, [&](Way other) { return name_of(other) == name; });
    return way == ways.end() ? std::nullopt : std::optional{*way};
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
    for (const KeywordRow& keyword : keyword_rows)
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
    for (const KeywordRow& row : keyword_rows)
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
    if (keywords.transport)
    {
        text += " transport " + std::string{name_of(*keywords.transport)};
    }
    if (keywords.target)
    {
        text += " target " + shell_quoted(*keywords.target);
    }
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
