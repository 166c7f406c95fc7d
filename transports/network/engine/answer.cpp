#include "transports/network/engine/answer.hpp"

#include "common/bytes.hpp"

#include <charconv>
#include <utility>

namespace fwupdate::network
{
namespace
{

using protocol::ReasonCode;

/// The number at the beginning of `text`, which is cut off; none: there is none.
std::optional<std::uint64_t> take_number(std::string_view& text)
{
    std::uint64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end.ec != std::errc{})
    {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end.ptr - text.data()));
    return number;
}

bool take_prefix(std::string_view& text, std::string_view prefix)
{
    const bool has = text.starts_with(prefix);
    text.remove_prefix(has ? prefix.size() : 0);
    return has;
}

Problem problem(ReasonCode code, std::string text, Remedy remedy = Remedy::none)
{
    return {{code, std::move(text)}, remedy, std::nullopt};
}

Problem refusal(const Answer& answer, const Question& question)
{
    const std::string said = "the server answers HTTP " + std::to_string(answer.status) + " for " + question.shown;
    switch (answer.status)
    {
    case 401:
    case 407:
        return problem(ReasonCode::access_denied, said + " (unauthorized): give user name and password");
    case 403:
        return problem(ReasonCode::access_denied, said + " (forbidden): let the server give this file to the BMC");
    case 404:
    case 410:
        return problem(ReasonCode::file_not_found, said + " (not found): check the path");
    case 416:
        return problem(ReasonCode::server_failed, said + " (range)", Remedy::begin_anew);
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return {{ReasonCode::server_failed, said + ": it has trouble of its own; try again later"},
                Remedy::repeat,
                answer.retry_after};
    default:
        return problem(ReasonCode::server_failed, said);
    }
}

Problem changed(const Question& question)
{
    return problem(ReasonCode::server_failed,
                   question.shown + " changed on the server while it was fetched; try again");
}

/// 206, or a file that goes on from a position (FTP).
std::variant<Take, Redirect, Problem> judge_part(const Answer& answer, const Question& question)
{
    std::optional<std::uint64_t> total;
    if (answer.status == 206)
    {
        if (!answer.range || answer.range->first != question.offset || answer.content_type.starts_with("multipart/"))
        {
            return problem(ReasonCode::server_failed,
                           "the server sends another part of " + question.shown + " than asked for",
                           Remedy::begin_anew);
        }
        total = answer.range->total;
    }
    else if (answer.length)
    {
        total = question.offset + *answer.length;
    }
    if (question.total && total && *total != *question.total)
    {
        return changed(question);
    }
    if (answer.status == 0 && !question.digest_known && answer.validator != question.validator)
    {
        return problem(ReasonCode::server_failed, question.shown + " may have changed on the server",
                       Remedy::begin_anew);
    }
    return Take{question.offset, total};
}

} // namespace

std::optional<ContentRange> ContentRange::parse(std::string_view text)
{
    ContentRange range;
    if (!take_prefix(text, "bytes "))
    {
        return std::nullopt;
    }
    const auto first = take_number(text);
    const bool dash = take_prefix(text, "-");
    const auto last = take_number(text);
    if (!first || !dash || !last || !take_prefix(text, "/") || *last < *first)
    {
        return std::nullopt;
    }
    if (text != "*")
    {
        range.total = take_number(text);
        if (!range.total || !text.empty() || *range.total <= *last)
        {
            return std::nullopt;
        }
    }
    range.first = *first;
    range.last = *last;
    return range;
}

std::variant<Take, Redirect, Problem> judge(const Answer& answer, const Question& question)
{
    const bool redirects = answer.status == 301 || answer.status == 302 || answer.status == 303 ||
                           answer.status == 307 || answer.status == 308;
    if (redirects && !answer.location.empty())
    {
        return Redirect{answer.location};
    }
    if (answer.status != 0 && answer.status != 200 && answer.status != 206)
    {
        return refusal(answer, question);
    }
    if (!answer.content_encoding.empty() && answer.content_encoding != "identity")
    {
        return problem(ReasonCode::server_failed, "the server sends " + question.shown + " compressed (" +
                                                      printable(answer.content_encoding.substr(0, 40)) +
                                                      "), which nobody asked for: let it send the file as it is");
    }
    if (!answer.shows_its_end && !question.digest_known)
    {
        return problem(ReasonCode::server_failed, "the server sends " + question.shown +
                                                      " without its length, so nobody can tell whether all of it came: "
                                                      "give the image's SHA-256 as well");
    }
    if (answer.status == 206 || (answer.status == 0 && question.offset != 0))
    {
        return judge_part(answer, question);
    }
    if (question.total && answer.length && *answer.length != *question.total)
    {
        return changed(question);
    }
    return Take{0, answer.length};
}

bool may_resume(const Question& question)
{
    return question.offset != 0 && (question.digest_known || !question.validator.empty());
}

} // namespace fwupdate::network
