// The log's shell: spdlog on standard error. The only file that knows the library.
#include "bmc-agent/log/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace fwupdate::agent
{
namespace
{

spdlog::level::level_enum to_spdlog(Level level)
{
    switch (level)
    {
    case Level::debug:
        return spdlog::level::debug;
    case Level::info:
        return spdlog::level::info;
    case Level::warning:
        return spdlog::level::warn;
    case Level::error:
        break;
    }
    return spdlog::level::err;
}

/// The prefix that the journal reads as the line's priority (sd-daemon(3), syslog(3)).
std::string_view journal_prefix(Level level)
{
    switch (level)
    {
    case Level::debug:
        return "<7>";
    case Level::info:
        return "<6>";
    case Level::warning:
        return "<4>";
    case Level::error:
        break;
    }
    return "<3>";
}

class SpdlogLog final : public Log
{
  public:
    SpdlogLog(Level least, LogFormat format)
        : logger_{"bmc-agent", std::make_shared<spdlog::sinks::stderr_sink_st>()}, format_{format}
    {
        logger_.set_pattern(format == LogFormat::journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
        logger_.set_level(to_spdlog(least));
        logger_.flush_on(spdlog::level::trace);
    }

  private:
    void write(Level level, std::string_view sentence, std::span<const Pair> pairs) override
    {
        const auto rank = to_spdlog(level);
        if (!logger_.should_log(rank))
        {
            return;
        }
        const std::string line = format_event(sentence, pairs);
        const std::string_view prefix = format_ == LogFormat::journal ? journal_prefix(level) : std::string_view{};
        logger_.log(rank, "{}{}", prefix, line);
    }

    spdlog::logger logger_;
    LogFormat format_;
};

} // namespace

std::unique_ptr<Log> make_log(Level least, LogFormat format)
{
    return std::make_unique<SpdlogLog>(least, format);
}

} // namespace fwupdate::agent
