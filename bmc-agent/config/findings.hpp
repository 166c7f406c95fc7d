// What is wrong in a configuration, gathered until the end so that a person sees all of it in one go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fwupdate::config
{

/// One mistake or warning.
struct Finding
{
    std::string place;  ///< JSON pointer (RFC 6901), or "line 3, column 5"; empty: the whole file
    std::string reason; ///< what is wrong
    std::string remedy; ///< what to do
};

/// Collects them. Never given a secret.
class Findings
{
  public:
    /// The configuration can't be used.
    void mistake(std::string_view place, std::string_view reason, std::string_view remedy);

    /// It can, but somebody should know.
    void warn(std::string_view place, std::string_view reason, std::string_view remedy);

    [[nodiscard]] bool clean() const
    {
        return mistakes_.empty();
    }

    /// One line per mistake: file, place, reason, remedy.
    [[nodiscard]] std::string report(std::string_view file) const;

    /// The warnings as lines of the same form.
    [[nodiscard]] std::vector<std::string> warnings(std::string_view file) const;

  private:
    std::vector<Finding> mistakes_;
    std::vector<Finding> warnings_;
};

/// Appends a key to a JSON pointer, escaped as RFC 6901 section 3 asks, and made safe to print.
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view key);

/// The candidate nearest to a mistyped word, as `; did you mean "x"?`, or nothing if none is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

/// Words as a person lists them: "a", "b" or "c".
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& words);

} // namespace fwupdate::config
