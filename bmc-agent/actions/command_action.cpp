#include "bmc-agent/actions/command_action.hpp"

#include "bmc-agent/actions/percent_line.hpp"
#include "common/bytes.hpp"

#include <array>

namespace fwupdate::agent
{
namespace
{

constexpr std::size_t longest_line = 256; ///< bytes of a line that are looked at
constexpr std::chrono::seconds grace{5};  ///< from SIGTERM to SIGKILL

using Option = std::pair<std::uint16_t, std::string_view>;
constexpr std::array options{
    Option{protocol::parameter_no_downgrade, "no-downgrade"},
    Option{protocol::parameter_defer_restart, "defer-restart"},
    Option{protocol::parameter_debug, "debug"},
    Option{protocol::parameter_force, "force"},
};

std::string words_of(std::uint16_t parameters)
{
    std::string words;
    for (const auto& [bit, word] : options)
    {
        if ((parameters & bit) != 0)
        {
            words += (words.empty() ? "" : " ") + std::string{word};
        }
    }
    return words;
}

} // namespace

std::vector<std::pair<std::string, std::string>> environment_of(const ActionSubject& subject)
{
    return {
        {"FWUPDATE_TARGET", subject.target},
        {"FWUPDATE_IMAGE", subject.image.string()},
        {"FWUPDATE_SIZE", subject.size == 0 ? "" : std::to_string(subject.size)},
        {"FWUPDATE_SHA256", subject.sha256 ? to_hex(*subject.sha256) : ""},
        {"FWUPDATE_VERSION", printable(subject.version)},
        {"FWUPDATE_OPTIONS", words_of(subject.parameters)},
    };
}

CommandAction::CommandAction(config::Command command, const ActionParts& parts)
    : RunningAction{parts}, context_{parts.context}, command_{std::move(command)}, alive_{std::make_shared<char>()}
{
}

CommandAction::~CommandAction()
{
    abort();
}

void CommandAction::launch(const ActionSubject& subject)
{
    next_ = {.argv = command_.argv, .environment = environment_of(subject), .own_group = true, .errors_too = true};
    if (!leaving_)
    {
        begin();
    }
}

void CommandAction::begin()
{
    line_.clear();
    last_line_.clear();
    auto child = ChildProcess::start(
        *context_, next_,
        [this, run = run()](std::string_view text)
        {
            if (!run.expired())
            {
                take(text);
            }
        },
        [this, run = run()](const ChildEnd& end)
        {
            if (!run.expired())
            {
                finish(end);
            }
        });
    if (!child)
    {
        fail("cannot start " + command_.argv.front() + ": " + child.error().text + "; check that the program is there");
        return;
    }
    child_ = *child;
}

void CommandAction::take(std::string_view text)
{
    const std::weak_ptr<void> run = this->run();
    while (!text.empty() && !run.expired())
    {
        const std::size_t end = text.find_first_of("\r\n"); // a progress bar begins its line again
        const std::string_view part = text.substr(0, end);
        line_.append(part.substr(0, longest_line - line_.size()));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (end != std::string_view::npos)
        {
            take_line();
        }
    }
}

void CommandAction::take_line()
{
    const std::string line = std::exchange(line_, {});
    if (const auto percent = percent_of(line))
    {
        tell_percent(*percent);
    }
    else if (line.find_first_not_of(" \t") != std::string::npos)
    {
        last_line_ = line;
    }
}

void CommandAction::finish(const ChildEnd& end)
{
    child_.reset();
    if (end.success)
    {
        succeed();
        return;
    }
    const std::weak_ptr<void> run = this->run();
    take_line(); // one that was not ended
    if (!run.expired())
    {
        fail(command_.argv.front() + ": " + end.failure +
             (last_line_.empty() ? "; it said nothing" : "; it said last: " + printable(last_line_)));
    }
}

void CommandAction::halt() noexcept
{
    if (child_ == nullptr)
    {
        return;
    }
    leaving_ = true;
    child_->stop(grace,
                 [this, alive = std::weak_ptr<void>{alive_}]
                 {
                     if (!alive.expired())
                     {
                         gone();
                     }
                 });
    child_.reset();
}

void CommandAction::gone()
{
    leaving_ = false;
    if (running())
    {
        begin();
    }
}

std::string CommandAction::where_to_look() const
{
    return command_.argv.front() + (last_line_.empty() ? " said nothing" : " said last: " + printable(last_line_));
}

} // namespace fwupdate::agent
