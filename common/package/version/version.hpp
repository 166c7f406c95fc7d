// Versions as vendors write them, and which of two is newer. What a version looks like is a pattern (ECMAScript regular
// expression) whose groups are compared one after the other; what fits no pattern is never guessed at.
#pragma once

#include "common/result.hpp"

#include <compare>
#include <cstdint>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::package
{

/// How a group of a pattern is compared.
enum class GroupKind : std::uint8_t
{
    number,  ///< decimal digits of any length, by value; absent counts as 0
    label,   ///< of a pre-release: any label is older than none; digits within by value ("rc2" before "rc10")
    ignored, ///< not compared
};

/// One way of writing versions. The whole text must match.
struct VersionPattern
{
    std::string expression;        ///< at most 512 bytes
    std::vector<GroupKind> groups; ///< of the expression, in order; missing ones are numbers
};

/// A version that fits its scheme, ready to be compared with others of the scheme.
class Version
{
  public:
    [[nodiscard]] const std::string& text() const
    {
        return text_;
    }

    /// Older, newer, or as new (which texts may be that differ in what is not compared). A strict weak ordering within
    /// one way of writing. Errors: unsupported, with both texts: written in two ways, such as a number and a date.
    [[nodiscard]] Result<std::weak_ordering> compare(const Version& other) const;

  private:
    friend class VersionScheme;

    /// The value of one group.
    struct Part
    {
        GroupKind kind{};
        std::string value; ///< number: digits without leading zeros; label: as written
    };

    [[nodiscard]] static std::weak_ordering compare(const Part& left, const Part& right);

    std::string text_;
    std::size_t pattern_{}; ///< which of the scheme's
    std::vector<Part> parts_;
};

/// The patterns of a BMC's configuration, or the usual ones.
class VersionScheme
{
  public:
    static constexpr std::size_t longest_version = 128; ///< bytes

    /// "2.14.0", "v2.9.1", "2.14.0-dev-123-gabcdef" (git describe: 123 commits after 2.14.0-dev), "2.14.0-rc.1",
    /// "2.14.0+build"; dates such as "2026-11-26" or "20261126", with a time or number behind '-'.
    [[nodiscard]] static VersionScheme usual();

    /// Tried in order, the first that matches counts. Errors: invalid_field (no pattern, not a regular expression, no
    /// group to compare, more kinds than groups).
    [[nodiscard]] static Result<VersionScheme> from_patterns(const std::vector<VersionPattern>& patterns);

    /// Errors: unsupported (fits no pattern: cannot be compared), length (empty, or longer than longest_version).
    [[nodiscard]] Result<Version> parse(std::string_view text) const;

    /// Parses and compares. Errors: those of parse and Version::compare; a verifier that has to decide whether `left`
    /// is older than `right` refuses then, with the error's sentence and reason version_unknown.
    [[nodiscard]] Result<std::weak_ordering> compare(std::string_view left, std::string_view right) const;

  private:
    struct Compiled
    {
        std::regex expression;
        std::vector<GroupKind> groups; ///< one for each of the expression's
    };

    [[nodiscard]] static Result<Compiled> compile(const VersionPattern& pattern);
    [[nodiscard]] static Result<void> fill(Version& version, const std::smatch& groups,
                                           const std::vector<GroupKind>& kinds);

    std::vector<Compiled> patterns_;
};

} // namespace fwupdate::package
