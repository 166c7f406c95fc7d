// Whether a download is still worth waiting for, by what has come lately and not by the clock on the wall.
#pragma once

#include "common/time.hpp"
#include "transports/network/engine/settings.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace fwupdate::network
{

/// Watches one try. Look about once a second.
class SpeedWatch
{
  public:
    SpeedWatch(const Limits& limits, TimePoint now);

    /// Bytes of the image have come.
    void note(std::uint64_t count, TimePoint now);

    /// Why to give the try up, "no byte came for 30 s"; none: it goes on.
    [[nodiscard]] std::optional<std::string> look(TimePoint now);

  private:
    struct Sample
    {
        TimePoint when;
        std::uint64_t bytes{};
    };

    Limits limits_;
    std::uint64_t bytes_{};
    TimePoint last_byte_;
    std::deque<Sample> samples_; ///< one a look, the oldest min_speed_time ago
};

/// Until the next try, the first one after `failures` in a row (1 or more): 1, 2, 4 ... 30 s.
[[nodiscard]] Duration back_off(unsigned failures);

} // namespace fwupdate::network
