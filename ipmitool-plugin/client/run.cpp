#include "ipmitool-plugin/client/run.hpp"

#include "ipmitool-plugin/client/confirm.hpp"
#include "ipmitool-plugin/client/foreign.hpp"
#include "ipmitool-plugin/client/image_carrier.hpp"
#include "ipmitool-plugin/client/install.hpp"
#include "ipmitool-plugin/client/materials.hpp"
#include "ipmitool-plugin/client/queries.hpp"
#include "ipmitool-plugin/client/signature.hpp"
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

/// Help, mistakes and unusable images: what ends a command before a word is said to the BMC.
std::optional<Outcome> end_locally(const Invocation& invocation, Reporter& reporter,
                                   std::optional<Materials>& materials)
{
    if (invocation.verb == Verb::help)
    {
        const std::optional<Verb> about = verb_named(invocation.argument);
        reporter.print(about ? usage_of(*about) : overview());
        return Outcome{};
    }
    Attempt<Materials> gathered = gather(invocation);
    if (!gathered)
    {
        return gathered.error();
    }
    materials.emplace(std::move(*gathered));
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

/// Adds the keywords of an interrupted update to those of the command line, which count more.
void add_noted(const Note& note, Keywords& words)
{
    const Keywords& noted = note.keywords;
    const auto add = [](auto& word, const auto& other) { word = word ? word : other; };
    add(words.sha256, note.sha256);
    if (!note.uri.empty() && note.size != 0)
    {
        add(words.size, std::optional{note.size});
    }
    add(words.target, noted.target);
    add(words.signature, noted.signature);
    add(words.transport, noted.transport);
    add(words.pin, noted.pin);
    add(words.user, noted.user);
    add(words.password_file, noted.password_file);
    add(words.port, noted.port);
    add(words.address, noted.address);
    add(words.from, noted.from);
    words.http |= noted.http;
    words.no_downgrade |= noted.no_downgrade;
    words.defer_reboot |= noted.defer_reboot;
    words.debug |= noted.debug;
    words.no_wait |= noted.no_wait && !words.wait_reboot;
    words.no_confirm |= noted.no_confirm;
    words.wait_reboot |= noted.wait_reboot && !words.no_wait;
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
        if (invocation_.verb == Verb::usb || invocation_.verb == Verb::serve)
        {
            invocation_.keywords.transport = invocation_.verb == Verb::usb ? Way::usb : Way::serve;
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
        if (std::optional<Outcome> end = end_locally(invocation_, reporter_, materials_))
        {
            if (recalled_ && end->code == ExitCode::bad_image)
            {
                end->text += "; it is not the file of the interrupted install any more: 'fwupdate install " +
                             shell_quoted(invocation_.argument) + "' starts anew";
            }
            return *end;
        }
        const auto capabilities = find_capabilities(context_);
        if (!capabilities)
        {
            return capabilities.error();
        }
        if (!materials_->signature.empty())
        {
            if (std::optional<Outcome> end = refuse_signature(*capabilities))
            {
                return *end;
            }
        }
        return materials_->source  ? with_source(*materials_->source, *capabilities)
               : materials_->image ? with_image(*materials_->image, *capabilities)
                                   : without_image(*capabilities);
    }

    /// Fills in what the note about the interrupted update says.
    std::optional<Outcome> recall()
    {
        const std::string& peer = bmc_.port().facts().peer;
        const std::optional<Note> note = notes_.find(peer);
        if (!note)
        {
            return Outcome{ExitCode::usage, "there is no note of an interrupted update of " + peer +
                                                ": name the image or URI, 'fwupdate resume <image>'"};
        }
        if (note->had_credentials && !invocation_.keywords.user)
        {
            return Outcome{ExitCode::usage,
                           "the URI of the interrupted update had a user name and a password in it, which "
                           "nobody has noted: 'fwupdate resume user NAME password-file FILE'"};
        }
        invocation_.argument = note->uri.empty() ? note->image.string() : note->uri;
        add_noted(*note, invocation_.keywords);
        recalled_ = true;
        const Result<Uri> uri = parse_uri(invocation_.argument);
        reporter_.notice("going on with " + (note->uri.empty() || !uri ? invocation_.argument : uri->shown));
        return std::nullopt;
    }

    Outcome without_image(const std::optional<Capabilities>& capabilities)
    {
        switch (invocation_.verb)
        {
        case Verb::info:
            return show_info(context_, capabilities);
        case Verb::status:
            return show_status(context_, capabilities);
        case Verb::targets:
            return capabilities ? show_targets(context_) : base_only("it has one target, which has no name");
        case Verb::log:
            return capabilities ? show_log(context_) : base_only("it keeps no log");
        case Verb::confirm:
            return end_trial(context_, capabilities, protocol::Confirmation::keep);
        case Verb::fall_back:
            return end_trial(context_, capabilities, protocol::Confirmation::fall_back);
        case Verb::abort:
            return give_up(context_, capabilities, notes_);
        case Verb::exit:
            return leave(context_, capabilities);
        case Verb::enter:
            return step_enter(context_, capabilities);
        case Verb::options:
            return step_options(context_, capabilities);
        case Verb::signature:
            return step_signature(context_, materials_->signature, *capabilities);
        case Verb::usb_in:
            return step_usb_in(context_, capabilities);
        case Verb::usb_out:
            return step_usb_out(context_, capabilities);
        default:
            return step_complete(context_, capabilities);
        }
    }

    Outcome with_source(const Source& source, const std::optional<Capabilities>& capabilities)
    {
        if (invocation_.keywords.step || source.uri.scheme_bit == protocol::scheme_usb)
        {
            return step_uri(context_, source, materials_->subject, capabilities);
        }
        if (!capabilities)
        {
            return base_only("it fetches nothing over a network. 'fwupdate install IMAGE' sends the image over IPMI");
        }
        if (const std::optional<Outcome> end = refuse_source(*capabilities, source))
        {
            return *end;
        }
        UriCarrier carrier{context_, source, materials_->subject, *capabilities};
        return install_by(carrier, *capabilities);
    }

    Outcome with_image(const Image& image, const std::optional<Capabilities>& capabilities)
    {
        switch (invocation_.verb)
        {
        case Verb::plan:
            return capabilities ? show_plan(context_, materials_->subject, *capabilities) : base_only("it can't plan");
        case Verb::write:
            return step_write(context_, image, capabilities);
        default:
            break;
        }
        if (std::optional<Outcome> end = refuse_way(capabilities))
        {
            return *end;
        }
        if (!capabilities)
        {
            return install_foreign(context_, image, notes_);
        }
        ImageCarrier carrier{context_, image, *capabilities};
        return install_by(carrier, *capabilities);
    }

    Outcome install_by(Carrier& carrier, const Capabilities& capabilities)
    {
        const Update update{materials_->subject, carrier, invocation_.verb == Verb::resume, materials_->signature};
        return install(context_, update, capabilities, notes_);
    }

    /// Where the way that was asked for can't be gone, whatever is tried.
    std::optional<Outcome> refuse_way(const std::optional<Capabilities>& capabilities)
    {
        const Way way = invocation_.keywords.transport.value_or(Way::stream);
        if (way == Way::usb)
        {
            return refuse_drive(capabilities);
        }
        if (way == Way::serve)
        {
            return capabilities ? refuse_server(context_, *capabilities)
                                : base_only("it fetches nothing over a network. 'fwupdate install " +
                                            shell_quoted(invocation_.argument) + "' sends the image over IPMI");
        }
        return std::nullopt;
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
    std::optional<Materials> materials_;
    bool recalled_{false}; ///< image or URI, and keywords, are those of a note
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
    std::optional<Materials> materials;
    const std::optional<Outcome> end = end_locally(*invocation, reporter, materials);
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
