#include "transports/network/engine/speed_watch.hpp"

#include <algorithm>

namespace fwupdate::network
{
namespace
{

using namespace std::chrono_literals;

constexpr Duration longest_wait = 30s;

} // namespace

SpeedWatch::SpeedWatch(const Limits& limits, TimePoint now) : limits_{limits}, last_byte_{now}, samples_{{now, 0}} {}

void SpeedWatch::note(std::uint64_t count, TimePoint now)
{
    bytes_ += count;
    last_byte_ = now;
}

std::optional<std::string> SpeedWatch::look(TimePoint now)
{
    if (now - last_byte_ >= limits_.stall_timeout)
    {
        return "no byte came for " + std::to_string(limits_.stall_timeout.count()) + " s";
    }
    samples_.push_back({now, bytes_});
    while (samples_.size() > 1 && now - samples_[1].when >= limits_.min_speed_time)
    {
        samples_.pop_front();
    }
    const Sample& oldest = samples_.front();
    const bool whole_window = now - oldest.when >= limits_.min_speed_time;
    const auto wanted = limits_.min_speed * static_cast<std::uint64_t>(limits_.min_speed_time.count());
    if (whole_window && bytes_ - oldest.bytes < wanted)
    {
        return "only " + std::to_string(bytes_ - oldest.bytes) + " bytes came in " +
               std::to_string(limits_.min_speed_time.count()) + " s, fewer than " + std::to_string(limits_.min_speed) +
               " a second";
    }
    return std::nullopt;
}

Duration back_off(unsigned failures)
{
    const Duration wait = 1s * (1U << std::min(failures - 1, 10U));
    return std::min(wait, longest_wait);
}

} // namespace fwupdate::network
