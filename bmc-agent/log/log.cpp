#include "bmc-agent/log/log.hpp"

#include "common/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace fwupdate::agent
{
namespace
{

constexpr std::array level_names{
    std::pair{std::string_view{"debug"}, Level::debug},
    std::pair{std::string_view{"info"}, Level::info},
    std::pair{std::string_view{"warning"}, Level::warning},
    std::pair{std::string_view{"error"}, Level::error},
};

void append_quoted(std::string_view value, std::string& line)
{
    line += '"';
    for (const char letter : printable(value))
    {
        if (letter == '"' || letter == '\\')
        {
            line += '\\';
        }
        line += letter;
    }
    line += '"';
}

} // namespace

std::optional<Level> level_from_name(std::string_view name)
{
    const auto* const row = std::ranges::find(level_names, name, [](const auto& entry) { return entry.first; });
    return row != level_names.end() ? std::optional{row->second} : std::nullopt;
}

std::string_view level_name(Level level)
{
    const auto* const row = std::ranges::find(level_names, level, [](const auto& entry) { return entry.second; });
    return row != level_names.end() ? row->first : std::string_view{"info"};
}

LogFormat format_of_standard_error()
{
    // The daemon is single-threaded and never calls setenv.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    return std::getenv("JOURNAL_STREAM") != nullptr ? LogFormat::journal : LogFormat::plain;
}

std::string format_event(std::string_view sentence, std::span<const LogPair> pairs)
{
    std::string line{sentence};
    for (const LogPair& pair : pairs)
    {
        line += ' ';
        line += pair.key;
        line += '=';
        append_quoted(pair.value, line);
    }
    return line;
}

} // namespace fwupdate::agent
