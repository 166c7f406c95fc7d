// What happened, told to a person: one sentence and named facts. Every room of the agent logs through this interface;
// only the daemon knows the library behind it.
#pragma once

#include "common/result.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fwupdate::agent
{

/// How much it matters, least first.
enum class Level : std::uint8_t
{
    debug,   ///< for people who debug a BMC
    info,    ///< the life of an update, sessions that open and close
    warning, ///< something is wrong and the agent goes on
    error,   ///< something asked for did not happen
};

/// One named fact beside the sentence. Never a password, a key, a challenge, or the credentials of a URI.
struct LogPair
{
    std::string_view key; ///< our own word, snake_case
    std::string value;    ///< may come from the other side; made printable by the log
};

/// The log, as the rooms see it.
class Log
{
  public:
    /// Also the short name inside calls: log.event(Level::info, "Session opened", {{"user", name}}).
    using Pair = LogPair;

    virtual ~Log() = default;

    /// Records one event. The sentence is ours (no format placeholders, no data of the other side); the pairs carry
    /// the data. Never fails, never blocks on anything but the log's own stream.
    void event(Level level, std::string_view sentence, std::initializer_list<Pair> pairs = {})
    {
        write(level, sentence, {pairs.begin(), pairs.size()});
    }

  private:
    virtual void write(Level level, std::string_view sentence, std::span<const Pair> pairs) = 0;
};

/// Swallows everything: for tests and for rooms that run without a daemon.
class NullLog final : public Log
{
  private:
    void write(Level /*level*/, std::string_view /*sentence*/, std::span<const Pair> /*pairs*/) override {}
};

/// Where and how the lines look.
enum class LogFormat : std::uint8_t
{
    plain,   ///< time, level, sentence, pairs
    journal, ///< <priority>, sentence, pairs: the journal keeps the time (sd-daemon(3))
};

/// The level of a configuration word: debug, info, warning, error; nothing: no such word.
[[nodiscard]] std::optional<Level> level_from_name(std::string_view name);

/// The word of a level.
[[nodiscard]] std::string_view level_name(Level level);

/// The format that fits standard error: journal where systemd says that it reads it (JOURNAL_STREAM).
[[nodiscard]] LogFormat format_of_standard_error();

/// One event as one line without its time and level: sentence, then key="value" pairs, values printable and quoted.
[[nodiscard]] std::string format_event(std::string_view sentence, std::span<const LogPair> pairs);

/// A log that writes lines to standard error at once, from `least` on.
[[nodiscard]] std::unique_ptr<Log> make_log(Level least, LogFormat format);

} // namespace fwupdate::agent
