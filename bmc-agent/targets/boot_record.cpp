#include "bmc-agent/targets/boot_record.hpp"

#include "common/bytes.hpp"
#include "common/sha256.hpp"

#include <charconv>
#include <limits>
#include <optional>

namespace fwupdate::agent
{
namespace
{

constexpr std::string_view sum_word = " sum=";
constexpr std::size_t sum_digits = 16; ///< of the 64 that a SHA-256 has: it guards against accidents alone

/// Shells calculate with 64 bits and a sign.
constexpr auto largest_sequence = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - 1);

std::string sum_of(std::string_view words)
{
    return to_hex(sha256(as_bytes(words))).substr(0, sum_digits);
}

/// The value behind `name` and '='; none: no such word.
std::optional<std::string_view> value_of(std::string_view words, std::string_view name)
{
    while (!words.empty())
    {
        const std::string_view word = words.substr(0, words.find(' '));
        if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
        {
            return word.substr(name.size() + 1);
        }
        words.remove_prefix(std::min(word.size() + 1, words.size()));
    }
    return std::nullopt;
}

template <class Number> bool read_number(std::optional<std::string_view> text, Number& out, std::uint64_t most)
{
    std::uint64_t value = 0;
    if (!text)
    {
        return false;
    }
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    out = static_cast<Number>(value);
    return error == std::errc{} && end == text->data() + text->size() && value <= most;
}

} // namespace

std::string BootRecord::line() const
{
    const std::string words =
        "seq=" + std::to_string(sequence) + " chosen=" + chosen + " good=" + good + " tries=" + std::to_string(tries);
    return words + std::string{sum_word} + sum_of(words) + "\n";
}

Result<BootRecord> BootRecord::parse(std::string_view text)
{
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t end = line.rfind(sum_word);
    if (end == std::string_view::npos)
    {
        return fail(ErrorKind::integrity, "no boot record");
    }
    const std::string_view words = line.substr(0, end);
    if (line.substr(end + sum_word.size()) != sum_of(words))
    {
        return fail(ErrorKind::integrity, "a boot record with a wrong sum");
    }
    BootRecord record;
    record.chosen = value_of(words, "chosen").value_or("");
    record.good = value_of(words, "good").value_or("");
    if (record.chosen.empty() || record.good.empty() ||
        !read_number(value_of(words, "seq"), record.sequence, largest_sequence) ||
        !read_number(value_of(words, "tries"), record.tries, std::numeric_limits<std::uint32_t>::max()))
    {
        return fail(ErrorKind::integrity, "a boot record without seq, chosen, good or tries");
    }
    return record;
}

} // namespace fwupdate::agent
