// Time as the pure core sees it: a point handed in by the shell, never a clock read inside.
#pragma once

#include <chrono>

namespace fwupdate
{

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

} // namespace fwupdate
