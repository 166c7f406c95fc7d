#include "ipmitool-plugin/client/conclusion.hpp"

#include <system_error>
#include <utility>

namespace fwupdate::client
{

namespace
{

std::string advice(Keeps keeps)
{
    switch (keeps)
    {
    case Keeps::blocks:
        return "\nWhat arrived is kept. Go on with: ";
    case Keeps::nothing_yet:
        return "\nNothing has arrived yet. Start again with: ";
    default:
        return "\nThis BMC keeps nothing of it. Start again with: ";
    }
}

} // namespace

std::string resume_hint(const PortFacts& facts, const std::filesystem::path& image, const Keywords& keywords)
{
    const std::string words = to_text(keywords);
    return facts.command_line + " fwupdate resume " + shell_quoted(image.string()) + (words.empty() ? "" : " " + words);
}

Note note_of(const Image& image, const Keywords& keywords)
{
    std::error_code error;
    std::filesystem::path file = std::filesystem::absolute(image.file(), error);
    Keywords words = keywords;
    words.force = words.yes = words.json = false; // of this run only
    words.sha256.reset();
    return {error ? image.file() : std::move(file), image.sha256(), image.size(), std::move(words)};
}

void keep_note(const Context& context, const Image& image, const Notes& notes)
{
    if (!notes.keep(context.bmc.port().facts().peer, note_of(image, context.keywords)))
    {
        context.reporter.notice("no note could be kept in the state directory: if this is interrupted, resume wants "
                                "the image and the keywords named");
    }
}

Outcome conclude_install(const Context& context, const Image& image, const Notes& notes, Keeps keeps, Outcome outcome)
{
    const PortFacts& facts = context.bmc.port().facts();
    switch (outcome.code)
    {
    case ExitCode::transfer_failed:
        outcome.text += advice(keeps) + resume_hint(facts, image.file(), context.keywords);
        break;
    case ExitCode::failed:
    case ExitCode::refused:
    case ExitCode::cancelled:
        break; // an earlier, interrupted install to this BMC can still be resumed
    default:
        notes.drop(facts.peer, image.sha256());
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
