#include "ipmitool-plugin/client/conclusion.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

namespace fwupdate::client
{

namespace
{

/// For a resume from another directory.
std::filesystem::path absolute(const std::string& file)
{
    std::error_code error;
    std::filesystem::path path = std::filesystem::absolute(file, error);
    return error ? std::filesystem::path{file} : path;
}

std::string advice(Keeps keeps)
{
    switch (keeps)
    {
    case Keeps::blocks:
        return "\nWhat arrived is kept. Go on with: ";
    case Keeps::nothing_yet:
        return "\nNothing has arrived yet. Start again with: ";
    case Keeps::nameless:
        return "\nWithout size and SHA-256 the BMC keeps nothing of it. Start again with: ";
    default:
        return "\nThis BMC keeps nothing of it. Start again with: ";
    }
}

} // namespace

std::string resume_hint(const PortFacts& facts, const Subject& subject, const Keywords& keywords)
{
    std::string line = facts.command_line + " fwupdate resume";
    // A query may be a secret: the note has it.
    if (!subject.is_uri || subject.name == subject.argument)
    {
        line += " " + shell_quoted(subject.argument);
    }
    if (subject.is_uri && subject.sha256)
    {
        line += " sha256 " + to_hex(*subject.sha256);
        line += subject.size != 0 ? " size " + std::to_string(subject.size) : "";
    }
    Keywords shown = keywords;
    if (shown.signature)
    {
        shown.signature = absolute(*shown.signature).string();
    }
    const std::string words = to_text(shown);
    line += words.empty() ? "" : " " + words;
    return line + (subject.had_credentials ? " user <user> password-file <file>" : "");
}

Note note_of(const Subject& subject, const Keywords& keywords)
{
    Note note;
    if (subject.is_uri)
    {
        note.uri = subject.argument;
        note.had_credentials = subject.had_credentials;
    }
    else
    {
        note.image = absolute(subject.argument);
    }
    note.sha256 = subject.sha256;
    note.size = subject.size;
    note.keywords = keywords;
    note.keywords.force = note.keywords.yes = note.keywords.json = false; // of this run only
    note.keywords.sha256.reset();
    note.keywords.size.reset();
    note.keywords.image.reset();
    if (note.keywords.password_file)
    {
        note.keywords.password_file = absolute(*note.keywords.password_file).string();
    }
    if (note.keywords.signature)
    {
        note.keywords.signature = absolute(*note.keywords.signature).string();
    }
    return note;
}

void keep_note(const Context& context, const Subject& subject, const Notes& notes)
{
    if (!notes.keep(context.bmc.port().facts().peer, note_of(subject, context.keywords)))
    {
        context.reporter.notice("no note could be kept in the state directory: if this is interrupted, resume wants "
                                "the image or URI and the keywords named");
    }
}

Outcome conclude_install(const Context& context, const Subject& subject, const Notes& notes, Keeps keeps,
                         Outcome outcome)
{
    const PortFacts& facts = context.bmc.port().facts();
    switch (outcome.code)
    {
    case ExitCode::transfer_failed:
        outcome.text += advice(keeps) + resume_hint(facts, subject, context.keywords);
        break;
    case ExitCode::failed:
    case ExitCode::refused:
    case ExitCode::cancelled:
        break; // an earlier, interrupted install to this BMC can still be resumed
    default:
        notes.drop(facts.peer, note_of(subject, context.keywords));
    }
    return outcome;
}

bool confirmed(const Context& context, const std::string& question)
{
    const Keywords& words = context.keywords;
    return words.yes || words.force || words.json || !context.environment.can_ask() ||
           context.environment.ask(question);
}

} // namespace fwupdate::client
