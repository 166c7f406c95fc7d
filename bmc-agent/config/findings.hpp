// What is wrong in a configuration, gathered until the end so that a person sees all of it in one go.
#pragma once

#include <cstddef>
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

/// Collects them; of a file with very many it keeps the first and counts the others. Never given a secret.
class Findings
{
  public:
    static constexpr std::size_t most_kept = 200; ///< of mistakes, and of warnings

    /// The configuration can't be used.
    void mistake(std::string_view place, std::string_view reason, std::string_view remedy);

    /// It can, but somebody should know.
    void warn(std::string_view place, std::string_view reason, std::string_view remedy);

    [[nodiscard]] bool clean() const
    {
        return mistakes_.count == 0;
    }
    [[nodiscard]] std::size_t mistake_count() const
    {
        return mistakes_.count;
    }

    /// One line per mistake: file, place, reason, remedy.
    [[nodiscard]] std::string report(std::string_view file) const;

    /// The same lines one by one.
    [[nodiscard]] std::vector<std::string> mistakes(std::string_view file) const;

    /// The warnings as lines of the same form.
    [[nodiscard]] std::vector<std::string> warnings(std::string_view file) const;

  private:
    struct Kind
    {
        std::vector<Finding> kept;
        std::size_t count{}; ///< kept or not

        void add(std::string_view place, std::string_view reason, std::string_view remedy);
        [[nodiscard]] std::vector<std::string> lines(std::string_view file) const;
    };

    Kind mistakes_;
    Kind warnings_;
};

/// Appends a key to a JSON pointer, escaped as RFC 6901 section 3 asks, and made safe to print.
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view key);

/// The candidate nearest to a mistyped word, as `; did you mean "x"?`, or nothing if none is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

/// Words as a person lists them: "a", "b" or "c".
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& words);

} // namespace fwupdate::config
