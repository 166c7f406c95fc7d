#include "ipmitool-plugin/client/plan.hpp"

#include <algorithm>

namespace fwupdate::client
{
namespace
{

constexpr std::size_t fixed_part = 45;     ///< bytes of the request before the header
constexpr std::size_t longest_text = 4096; ///< bytes; more is not believed

/// What the BMC wrote, a line at a time: its line ends are wanted, its other control characters are not.
std::string printable_lines(std::string_view text)
{
    std::string lines;
    while (!text.empty())
    {
        const std::size_t end = text.find('\n');
        lines += (lines.empty() ? "" : "\n") + printable(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

Attempt<PlanReport> read_report(const Context& context, protocol::PlanRequest request)
{
    PlanReport report;
    std::string text;
    for (std::size_t length = 1; text.size() < length;)
    {
        request.offset = static_cast<std::uint16_t>(text.size());
        const auto answer = ask<protocol::PlanResponse>(context, protocol::Command::plan, request);
        if (!answer)
        {
            return answer.error();
        }
        report.completion = answer->code;
        if (!answer->ok())
        {
            return report;
        }
        const protocol::PlanResponse& plan = answer->message;
        report.verdict = plan.verdict;
        report.code = plan.code;
        text += as_text(plan.text.view);
        length = plan.text.view.empty() ? 0 : std::min<std::size_t>(plan.text_length, longest_text);
    }
    report.text = printable_lines(text);
    return report;
}

} // namespace

std::uint16_t parameters_of(const Keywords& words)
{
    return static_cast<std::uint16_t>((words.no_downgrade ? protocol::parameter_no_downgrade : 0) |
                                      (words.defer_reboot ? protocol::parameter_defer_restart : 0) |
                                      (words.debug ? protocol::parameter_debug : 0) |
                                      (words.force ? protocol::parameter_force : 0));
}

Attempt<PlanReport> ask_plan(const Context& context, const Subject& subject, std::uint8_t target,
                             const protocol::GetCapabilitiesResponse& capabilities)
{
    const std::size_t largest = std::min<std::size_t>(capabilities.max_message, context.bmc.port().facts().max_message);
    const std::size_t room = largest > fixed_part ? largest - fixed_part : 0;
    const ConstBytes header = ConstBytes{subject.header}.first(std::min(room, subject.header.size()));
    protocol::PlanRequest request{target,       {parameters_of(context.keywords)}, 0,
                                  subject.size, subject.sha256.value_or(Sha256{}), {header}};
    Attempt<PlanReport> report = read_report(context, request);
    if (report || header.empty() || report.error().remedy != Remedy::reconnect)
    {
        return report;
    }
    // A path may swallow large messages without a word: the short question gets through.
    request.header = {};
    return read_report(context, request);
}

std::string refusing_lines(const std::string& text)
{
    std::string lines;
    for (std::size_t begin = 0; begin < text.size();)
    {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        if (line.find("REFUSED") != std::string::npos)
        {
            lines += (lines.empty() ? "" : "\n") + line;
        }
        begin = end + 1;
    }
    return lines.empty() ? text : lines;
}

} // namespace fwupdate::client
