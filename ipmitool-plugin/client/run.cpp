#include "ipmitool-plugin/client/run.hpp"

#include "ipmitool-plugin/client/foreign.hpp"
#include "ipmitool-plugin/client/install.hpp"
#include "ipmitool-plugin/client/queries.hpp"
#include "ipmitool-plugin/client/steps.hpp"
#include "ipmitool-plugin/client/usb_transfer.hpp"

#include <ostream>

namespace fwupdate::client
{
namespace
{

Style style_of(const Surroundings& surroundings, const Keywords& keywords)
{
    if (keywords.json)
    {
        return Style::json;
    }
    if (surroundings.csv)
    {
        return Style::csv;
    }
    return surroundings.terminal ? Style::terminal : Style::plain;
}

bool wants_image(const Invocation& invocation)
{
    return invocation.verb == Verb::install || invocation.verb == Verb::plan || invocation.verb == Verb::write ||
           invocation.verb == Verb::resume || invocation.verb == Verb::usb;
}

/// Help, mistakes and unusable images: what ends a command before a word is said to the BMC. `image` is opened on the
/// way.
std::optional<Outcome> end_locally(const Invocation& invocation, Reporter& reporter, std::optional<Image>& image)
{
    if (invocation.verb == Verb::help)
    {
        const std::optional<Verb> about = verb_named(invocation.argument);
        reporter.print(about ? usage_of(*about) : overview());
        return Outcome{};
    }
    if (!wants_image(invocation) || invocation.argument.empty())
    {
        return std::nullopt;
    }
    Result<Image> opened = Image::open(invocation.argument);
    if (!opened)
    {
        return Outcome{ExitCode::bad_image, opened.error().text};
    }
    const std::optional<Sha256>& wanted = invocation.keywords.sha256;
    if (wanted && *wanted != opened->sha256())
    {
        return Outcome{ExitCode::bad_image, opened->file().string() + " has the SHA-256 " + to_hex(opened->sha256()) +
                                                ", not " + to_hex(*wanted)};
    }
    image.emplace(std::move(*opened));
    return std::nullopt;
}

std::optional<Invocation> parse(std::span<const std::string> arguments, std::ostream& err)
{
    UsageError error;
    std::optional<Invocation> invocation = parse_invocation(arguments, error);
    if (!invocation)
    {
        err << "fwupdate: " << error.text << '\n' << (error.verb ? usage_of(*error.verb) : overview()) << std::flush;
    }
    return invocation;
}

/// One command line on its way to its end.
class Command
{
  public:
    Command(Invocation invocation, Port& port, Environment& environment, const Surroundings& surroundings)
        : invocation_{std::move(invocation)},
          bmc_{port},
          reporter_{style_of(surroundings, invocation_.keywords), surroundings.out, surroundings.err},
          notes_{surroundings.notes},
          context_{bmc_, environment, reporter_, invocation_.keywords, surroundings.drives}
    {
        if (invocation_.verb == Verb::usb)
        {
            invocation_.keywords.transport = Way::usb;
        }
    }

    int run()
    {
        const Outcome outcome = this->outcome();
        reporter_.outcome(outcome);
        return static_cast<int>(outcome.code);
    }

  private:
    Outcome outcome()
    {
        if (invocation_.verb == Verb::resume && invocation_.argument.empty())
        {
            if (const std::optional<Outcome> end = recall())
            {
                return *end;
            }
        }
        std::optional<Image> image;
        if (std::optional<Outcome> end = end_locally(invocation_, reporter_, image))
        {
            if (recalled_)
            {
                end->text += "; it is not the file of the interrupted install any more: 'fwupdate install " +
                             shell_quoted(invocation_.argument) + "' starts anew";
            }
            return *end;
        }
        return image ? with_image(*image) : without_image();
    }

    /// Fills in what the note about the interrupted install says.
    std::optional<Outcome> recall()
    {
        const std::string& peer = bmc_.port().facts().peer;
        const std::optional<Note> note = notes_.find(peer);
        if (!note)
        {
            return Outcome{ExitCode::usage, "there is no note of an interrupted install to " + peer +
                                                ": name the image, 'fwupdate resume <image>'"};
        }
        invocation_.argument = note->image.string();
        Keywords& words = invocation_.keywords;
        words.sha256 = words.sha256 ? words.sha256 : std::optional{note->sha256};
        words.target = words.target ? words.target : note->keywords.target;
        words.transport = words.transport ? words.transport : note->keywords.transport;
        words.no_downgrade |= note->keywords.no_downgrade;
        words.defer_reboot |= note->keywords.defer_reboot;
        words.debug |= note->keywords.debug;
        words.no_wait |= note->keywords.no_wait && !words.wait_reboot;
        words.wait_reboot |= note->keywords.wait_reboot && !words.no_wait;
        recalled_ = true;
        reporter_.notice("going on with " + invocation_.argument);
        return std::nullopt;
    }

    Outcome without_image()
    {
        const auto capabilities = find_capabilities(context_);
        if (!capabilities)
        {
            return capabilities.error();
        }
        switch (invocation_.verb)
        {
        case Verb::info:
            return show_info(context_, *capabilities);
        case Verb::status:
            return show_status(context_, *capabilities);
        case Verb::targets:
            return *capabilities ? show_targets(context_) : base_only("it has one target, which has no name");
        case Verb::log:
            return *capabilities ? show_log(context_) : base_only("it keeps no log");
        case Verb::abort:
            return give_up(context_, *capabilities, notes_);
        case Verb::exit:
            return leave(context_, *capabilities);
        case Verb::enter:
            return step_enter(context_, *capabilities);
        case Verb::options:
            return step_options(context_, *capabilities);
        case Verb::usb_in:
            return step_usb_in(context_, *capabilities);
        case Verb::usb_out:
            return step_usb_out(context_, *capabilities);
        case Verb::uri:
            return step_uri(context_, invocation_.argument, *capabilities);
        default:
            return step_complete(context_, *capabilities);
        }
    }

    Outcome with_image(const Image& image)
    {
        const auto capabilities = find_capabilities(context_);
        if (!capabilities)
        {
            return capabilities.error();
        }
        switch (invocation_.verb)
        {
        case Verb::plan:
            return *capabilities ? show_plan(context_, image, **capabilities) : base_only("it can't plan");
        case Verb::write:
            return step_write(context_, image, *capabilities);
        default:
            if (invocation_.keywords.transport == Way::usb)
            {
                if (std::optional<Outcome> end = refuse_drive(*capabilities))
                {
                    return *end;
                }
            }
            return *capabilities ? install(context_, image, **capabilities, notes_)
                                 : install_foreign(context_, image, notes_);
        }
    }

    /// Where the drive can't be used, whatever is tried.
    std::optional<Outcome> refuse_drive(const std::optional<Capabilities>& capabilities)
    {
        if (std::optional<Outcome> end = refuse_remote_drive(context_, shell_quoted(invocation_.argument)))
        {
            return end;
        }
        if (!capabilities)
        {
            return base_only(
                "it does not tell which drive is its own, and no other disk may be written. 'fwupdate "
                "enter', 'fwupdate usb-in', copy the file yourself, unmount, 'fwupdate usb-out', 'fwupdate "
                "uri usb://FILE', 'fwupdate complete'");
        }
        if (!capabilities->features.has(protocol::feature_usb))
        {
            return Outcome{ExitCode::refused, "this BMC has no USB drive: 'fwupdate install' streams the image"};
        }
        const Result<void> usable = context_.drives.check();
        return usable ? std::nullopt : std::optional{Outcome{ExitCode::refused, usable.error().text}};
    }

    static Outcome base_only(const std::string& text)
    {
        return {ExitCode::refused, "this BMC knows the base profile only: " + text};
    }

    Invocation invocation_;
    Bmc bmc_;
    Reporter reporter_;
    Notes notes_;
    Context context_;
    bool recalled_{false}; ///< image and keywords are those of a note
};

} // namespace

std::optional<int> run_locally(std::span<const std::string> arguments, const Surroundings& surroundings)
{
    const std::optional<Invocation> invocation = parse(arguments, surroundings.err);
    if (!invocation)
    {
        return static_cast<int>(ExitCode::usage);
    }
    Reporter reporter{style_of(surroundings, invocation->keywords), surroundings.out, surroundings.err};
    std::optional<Image> image;
    const std::optional<Outcome> end = end_locally(*invocation, reporter, image);
    if (!end)
    {
        return std::nullopt;
    }
    reporter.outcome(*end);
    return static_cast<int>(end->code);
}

int run(std::span<const std::string> arguments, Port& port, Environment& environment, const Surroundings& surroundings)
{
    std::optional<Invocation> invocation = parse(arguments, surroundings.err);
    return invocation ? Command{std::move(*invocation), port, environment, surroundings}.run()
                      : static_cast<int>(ExitCode::usage);
}

} // namespace fwupdate::client
