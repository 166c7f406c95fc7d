#include "common/package/version/version.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <stdexcept>

namespace fwupdate::package
{
namespace
{

bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

std::string_view without_leading_zeros(std::string_view digits)
{
    const std::size_t first = digits.find_first_not_of('0');
    return first == std::string_view::npos ? std::string_view{} : digits.substr(first);
}

/// Decimal numbers of any length. The longer one is the larger one.
std::weak_ordering compare_numbers(std::string_view left, std::string_view right)
{
    left = without_leading_zeros(left);
    right = without_leading_zeros(right);
    return left.size() != right.size() ? left.size() <=> right.size() : left.compare(right) <=> 0;
}

/// Cuts a run of digits, or of anything else, off the front.
std::string_view take_run(std::string_view& text)
{
    const bool digits = is_digit(text.front());
    const auto* const end = std::ranges::find_if(text, [&](char letter) { return is_digit(letter) != digits; });
    const std::string_view run = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(run.size());
    return run;
}

/// Run by run: numbers by value, words by bytes, a number before a word, the shorter text first.
std::weak_ordering compare_labels(std::string_view left, std::string_view right)
{
    while (!left.empty() && !right.empty())
    {
        const std::string_view left_run = take_run(left);
        const std::string_view right_run = take_run(right);
        const bool left_number = is_digit(left_run.front());
        const bool right_number = is_digit(right_run.front());
        const std::weak_ordering order = left_number != right_number ? right_number <=> left_number
                                         : left_number               ? compare_numbers(left_run, right_run)
                                                                     : std::weak_ordering{left_run <=> right_run};
        if (std::is_neq(order))
        {
            return order;
        }
    }
    return right.empty() <=> left.empty();
}

/// At most 60 bytes, for sentences.
std::string in_quotes(std::string_view text)
{
    constexpr std::size_t shown = 60;
    return "\"" + printable(text.substr(0, shown)) + (text.size() > shown ? "...\"" : "\"");
}

} // namespace

Result<std::weak_ordering> Version::compare(const Version& other) const
{
    if (pattern_ != other.pattern_)
    {
        return fail(ErrorKind::unsupported, "versions " + in_quotes(text_) + " and " + in_quotes(other.text_) +
                                                " cannot be compared: they are written in different ways");
    }
    for (std::size_t at = 0; at < parts_.size(); ++at)
    {
        const std::weak_ordering order = compare(parts_[at], other.parts_[at]);
        if (std::is_neq(order))
        {
            return order;
        }
    }
    return std::weak_ordering::equivalent;
}

std::weak_ordering Version::compare(const Part& left, const Part& right)
{
    if (left.kind == GroupKind::number)
    {
        return compare_numbers(left.value, right.value);
    }
    if (left.value.empty() || right.value.empty())
    {
        return left.value.empty() <=> right.value.empty(); // without a label: the release itself, newer than its labels
    }
    return compare_labels(left.value, right.value);
}

VersionScheme VersionScheme::usual()
{
    using enum GroupKind;
    const std::vector<VersionPattern> patterns{
        {R"(([0-9]{4})-?(0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])(?:[-T.]([0-9]+))?)",
         {number, number, number, number}},
        {R"([vV]?([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([A-Za-z][0-9A-Za-z.]*))?)"
         R"((?:-([0-9]+)-g[0-9a-f]+)?(?:-dirty)?(?:\+[0-9A-Za-z.-]+)?)",
         {number, number, number, number, label, number}},
    };
    auto scheme = from_patterns(patterns);
    if (!scheme)
    {
        throw std::logic_error(scheme.error().text);
    }
    return std::move(*scheme);
}

Result<VersionScheme> VersionScheme::from_patterns(const std::vector<VersionPattern>& patterns)
{
    VersionScheme scheme;
    for (const VersionPattern& pattern : patterns)
    {
        auto compiled = compile(pattern);
        if (!compiled)
        {
            return compiled.error();
        }
        scheme.patterns_.push_back(std::move(*compiled));
    }
    return patterns.empty() ? Result<VersionScheme>{fail(ErrorKind::invalid_field, "there is no version pattern")}
                            : Result<VersionScheme>{std::move(scheme)};
}

Result<VersionScheme::Compiled> VersionScheme::compile(const VersionPattern& pattern)
{
    constexpr std::size_t longest_expression = 512;
    const std::string name = "the version pattern " + in_quotes(pattern.expression);
    if (pattern.expression.size() > longest_expression)
    {
        return fail(ErrorKind::invalid_field,
                    name + " is longer than " + std::to_string(longest_expression) + " bytes");
    }
    Compiled compiled;
    try
    {
        compiled.expression.assign(pattern.expression, std::regex::ECMAScript);
    }
    catch (const std::regex_error& error)
    {
        return fail(ErrorKind::invalid_field, name + " is not a regular expression: " + error.what());
    }
    compiled.groups = pattern.groups;
    const std::size_t count = compiled.expression.mark_count();
    if (compiled.groups.size() > count)
    {
        return fail(ErrorKind::invalid_field,
                    name + " has " + std::to_string(count) + " groups, but more kinds of them");
    }
    compiled.groups.resize(count, GroupKind::number);
    if (std::ranges::all_of(compiled.groups, [](GroupKind kind) { return kind == GroupKind::ignored; }))
    {
        return fail(ErrorKind::invalid_field, name + " has no group to compare; put () around the numbers");
    }
    return compiled;
}

Result<Version> VersionScheme::parse(std::string_view text) const
{
    if (text.empty() || text.size() > longest_version)
    {
        return fail(ErrorKind::length, "the version " + in_quotes(text) + " is empty or longer than " +
                                           std::to_string(longest_version) + " bytes");
    }
    Version version;
    version.text_ = text;
    for (; version.pattern_ < patterns_.size(); ++version.pattern_)
    {
        std::smatch groups;
        if (std::regex_match(version.text_, groups, patterns_[version.pattern_].expression))
        {
            const auto filled = fill(version, groups, patterns_[version.pattern_].groups);
            return filled ? Result<Version>{std::move(version)} : Result<Version>{filled.error()};
        }
    }
    return fail(ErrorKind::unsupported, "the version " + in_quotes(text) +
                                            " cannot be compared: it fits none of the configured version patterns");
}

Result<void> VersionScheme::fill(Version& version, const std::smatch& groups, const std::vector<GroupKind>& kinds)
{
    for (std::size_t at = 0; at < kinds.size(); ++at)
    {
        const std::string value = groups[at + 1].str();
        if (kinds[at] == GroupKind::number && !std::ranges::all_of(value, is_digit))
        {
            return fail(ErrorKind::unsupported,
                        "the version " + in_quotes(version.text_) + " cannot be compared: " + in_quotes(value) +
                            " is no number, as its pattern's group " + std::to_string(at + 1) + " should be");
        }
        if (kinds[at] != GroupKind::ignored)
        {
            version.parts_.push_back({kinds[at], value});
        }
    }
    return {};
}

Result<std::weak_ordering> VersionScheme::compare(std::string_view left, std::string_view right) const
{
    const auto first = parse(left);
    if (!first)
    {
        return first.error();
    }
    const auto second = parse(right);
    if (!second)
    {
        return second.error();
    }
    return first->compare(*second);
}

} // namespace fwupdate::package
