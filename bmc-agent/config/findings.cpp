#include "bmc-agent/config/findings.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace fwupdate::config
{
namespace
{

std::string line_of(std::string_view file, const Finding& finding)
{
    std::string line{file};
    if (!finding.place.empty())
    {
        line += ": " + finding.place;
    }
    line += ": " + finding.reason;
    if (!finding.remedy.empty())
    {
        line += "; " + finding.remedy;
    }
    return line;
}

/// Levenshtein's distance.
std::size_t distance(std::string_view left, std::string_view right)
{
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= left.size(); ++i)
    {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j)
        {
            const std::size_t replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

} // namespace

void Findings::Kind::add(std::string_view place, std::string_view reason, std::string_view remedy)
{
    ++count;
    if (kept.size() < most_kept)
    {
        kept.push_back({std::string{place}, std::string{reason}, std::string{remedy}});
    }
}

std::vector<std::string> Findings::Kind::lines(std::string_view file) const
{
    std::vector<std::string> lines;
    for (const Finding& finding : kept)
    {
        lines.push_back(line_of(file, finding));
    }
    if (count > kept.size())
    {
        lines.push_back(std::string{file} + ": " + std::to_string(count - kept.size()) +
                        " more are not told; correct these first");
    }
    return lines;
}

void Findings::mistake(std::string_view place, std::string_view reason, std::string_view remedy)
{
    mistakes_.add(place, reason, remedy);
}

void Findings::warn(std::string_view place, std::string_view reason, std::string_view remedy)
{
    warnings_.add(place, reason, remedy);
}

std::string Findings::report(std::string_view file) const
{
    std::string text;
    for (const std::string& line : mistakes(file))
    {
        text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

std::vector<std::string> Findings::mistakes(std::string_view file) const
{
    return mistakes_.lines(file);
}

std::vector<std::string> Findings::warnings(std::string_view file) const
{
    return warnings_.lines(file);
}

std::string pointer_to(std::string_view parent, std::string_view key)
{
    std::string pointer{parent};
    pointer += '/';
    for (const char letter : printable(key))
    {
        if (letter == '~' || letter == '/')
        {
            pointer += letter == '~' ? "~0" : "~1";
            continue;
        }
        pointer += letter;
    }
    return pointer;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates)
{
    constexpr std::size_t longest_word = 64;
    constexpr std::size_t near = 3;
    if (word.size() > longest_word || candidates.empty())
    {
        return {};
    }
    const auto far = [&](std::string_view candidate) { return distance(word, candidate); };
    const std::string_view best = *std::ranges::min_element(candidates, {}, far);
    // A third of the letters may differ: "lam" is near to "lan", "usb" is not.
    const bool alike = far(best) <= std::min(near, best.size() / 3);
    return alike ? "did you mean \"" + std::string{best} + "\"?" : std::string{};
}

std::string one_of(const std::vector<std::string_view>& words)
{
    std::string text;
    for (std::size_t at = 0; at < words.size(); ++at)
    {
        const bool last = at + 1 == words.size();
        text += at == 0 ? "" : last ? " or " : ", ";
        text += '"' + std::string{words[at]} + '"';
    }
    return text;
}

} // namespace fwupdate::config
