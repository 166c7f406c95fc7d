#include "ipmitool-plugin/client/progress.hpp"

#include <array>
#include <cstdio>

namespace fwupdate::client
{
namespace
{

constexpr std::chrono::milliseconds rate_period{500}; ///< how often the rate is taken anew
constexpr double rate_weight = 0.3;                   ///< of the newest in the moving average

template <class... Values> std::string format(const char* pattern, Values... values)
{
    std::array<char, 96> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), pattern, values...);
    return {buffer.data(), static_cast<std::size_t>(length < 0 ? 0 : length)};
}

std::uint8_t percent_of(std::uint64_t done, std::uint64_t total)
{
    if (total == 0)
    {
        return 0;
    }
    const double share = static_cast<double>(done) * 100.0 / static_cast<double>(total);
    return static_cast<std::uint8_t>(share > 100.0 ? 100.0 : share);
}

} // namespace

std::string_view name_of(Phase phase)
{
    constexpr std::array<std::string_view, 5> names{"transfer", "fetch", "verify", "program", "restart"};
    return names[static_cast<std::size_t>(phase)];
}

void ProgressMeter::measure(Phase phase, std::uint64_t done, TimePoint now)
{
    if (phase_ != phase || done < last_)
    {
        phase_ = phase;
        mark_ = done;
        marked_ = now;
        rate_ = 0;
    }
    last_ = done;
    const auto passed = std::chrono::duration<double>(now - marked_);
    if (passed < rate_period)
    {
        return;
    }
    const double newest = static_cast<double>(done - mark_) / passed.count();
    rate_ = rate_ == 0 ? newest : rate_ * (1 - rate_weight) + newest * rate_weight;
    mark_ = done;
    marked_ = now;
}

Progress ProgressMeter::update(Phase phase, std::uint64_t done, std::uint64_t total, TimePoint now)
{
    measure(phase, done, now);
    moved_ = moved_ || done != 0;
    Progress progress{phase, percent_of(done, total), done, total, rate_, std::nullopt};
    if (rate_ >= 1 && done <= total)
    {
        progress.remaining =
            std::chrono::seconds{static_cast<std::int64_t>(static_cast<double>(total - done) / rate_ + 0.5)};
    }
    return progress;
}

Progress ProgressMeter::update_percent(Phase phase, std::uint8_t percent, TimePoint now)
{
    measure(phase, 0, now);
    return {phase, percent, 0, 0, 0, std::nullopt};
}

std::string size_text(std::uint64_t bytes)
{
    constexpr double kibi = 1024;
    const auto value = static_cast<double>(bytes);
    if (value < kibi)
    {
        return std::to_string(bytes) + " B";
    }
    return value < kibi * kibi ? format("%.1f KiB", value / kibi) : format("%.1f MiB", value / kibi / kibi);
}

std::string duration_text(std::chrono::seconds duration)
{
    const auto seconds = static_cast<long long>(duration.count());
    return seconds >= 3600 ? format("%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60)
                           : format("%lld:%02lld", seconds / 60, seconds % 60);
}

std::string minutes_text(std::chrono::seconds duration)
{
    return std::to_string(std::chrono::duration_cast<std::chrono::minutes>(duration).count()) + " min";
}

std::string to_text(const Progress& progress)
{
    std::string text = format("%-8s %3u %%", std::string{name_of(progress.phase)}.c_str(), progress.percent);
    if (progress.total != 0)
    {
        text += "  " + size_text(progress.done) + " of " + size_text(progress.total);
    }
    else if (progress.done != 0)
    {
        text += "  " + size_text(progress.done);
    }
    if (progress.rate > 0)
    {
        text += progress.rate < 1e6 ? format("  %.1f kB/s", progress.rate / 1e3)
                                    : format("  %.1f MB/s", progress.rate / 1e6);
    }
    if (progress.remaining && progress.done < progress.total)
    {
        text += "  " + duration_text(*progress.remaining) + " left";
    }
    return text;
}

bool PlainPacer::due(const Progress& progress, TimePoint now)
{
    constexpr std::chrono::seconds longest{5};
    const unsigned tenth = progress.percent / 10U;
    if (phase_ == progress.phase && tenth == tenth_ && now - last_ < longest)
    {
        return false;
    }
    phase_ = progress.phase;
    tenth_ = tenth;
    last_ = now;
    return true;
}

} // namespace fwupdate::client
