#include "tools/pldm/release_date.hpp"

#include <array>
#include <chrono>
#include <ctime>

namespace fwupdate::tools
{
namespace
{

bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

bool is_blank(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

/// Reads a text by a format of strptime's letters Y m d H M S; 'T' takes either case, a blank takes one or more.
class Scanner
{
  public:
    explicit Scanner(std::string_view text) : rest_{text} {}

    std::optional<std::array<unsigned, 6>> scan(std::string_view format)
    {
        constexpr std::string_view letters = "YmdHMS";
        std::array<unsigned, 6> values{};
        for (const char letter : format)
        {
            const std::size_t at = letters.find(letter);
            if (at != std::string_view::npos ? !number(letter == 'Y' ? 4 : 2, letter, values[at]) : !separator(letter))
            {
                return std::nullopt;
            }
        }
        return rest_.empty() ? std::optional{values} : std::nullopt;
    }

  private:
    bool number(std::size_t longest, char letter, unsigned& value)
    {
        const bool blank_before =
            letter == 'd' && rest_.size() > 1 && rest_[0] == ' ' && rest_[1] >= '1' && rest_[1] <= '9';
        if (blank_before)
        {
            rest_.remove_prefix(1);
            longest = 1;
        }
        std::size_t length = 0;
        value = 0;
        while (length < longest && length < rest_.size() && is_digit(rest_[length]))
        {
            value = value * 10 + static_cast<unsigned>(rest_[length] - '0');
            ++length;
        }
        rest_.remove_prefix(length);
        return length == longest || (length > 0 && letter != 'Y');
    }

    bool separator(char expected)
    {
        std::size_t length = 0;
        if (expected == ' ')
        {
            while (length < rest_.size() && is_blank(rest_[length]))
            {
                ++length;
            }
        }
        else if (!rest_.empty() && (rest_[0] == expected || (expected == 'T' && rest_[0] == 't')))
        {
            length = 1;
        }
        rest_.remove_prefix(length);
        return length > 0;
    }

    std::string_view rest_;
};

} // namespace

std::optional<pldm::Timestamp104> parse_release_date(std::string_view text)
{
    for (const std::string_view format : {"Y-m-dTH:M:S", "Y-m-d H:M:S", "d/m/Y H:M:S"})
    {
        const auto values = Scanner{text}.scan(format);
        if (!values)
        {
            continue;
        }
        const auto [year, month, day, hour, minute, second] = *values;
        const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month},
                                               std::chrono::day{day}};
        if (!date.ok() || year == 0 || hour > 23 || minute > 59 || second > 59)
        {
            continue;
        }
        const auto byte = [](unsigned value) { return static_cast<std::uint8_t>(value); };
        return pldm::Timestamp104{
            0, {}, byte(second), byte(minute), byte(hour), byte(day), byte(month), static_cast<std::uint16_t>(year), 0};
    }
    return std::nullopt;
}

pldm::Timestamp104 local_time_now()
{
    using namespace std::chrono;
    const auto now = system_clock::now();
    const std::time_t seconds = system_clock::to_time_t(floor<std::chrono::seconds>(now));
    const auto microseconds = static_cast<unsigned>(
        (floor<std::chrono::microseconds>(now.time_since_epoch()) % std::chrono::seconds{1}).count());
    std::tm local{};
    ::localtime_r(&seconds, &local);
    const auto byte = [](auto value) { return static_cast<std::uint8_t>(value); };
    return {0,
            {byte(microseconds), byte(microseconds >> 8), byte(microseconds >> 16)},
            byte(std::min(local.tm_sec, 59)),
            byte(local.tm_min),
            byte(local.tm_hour),
            byte(local.tm_mday),
            byte(local.tm_mon + 1),
            static_cast<std::uint16_t>(local.tm_year + 1900),
            0};
}

} // namespace fwupdate::tools
