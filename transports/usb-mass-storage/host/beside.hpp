// Work that blocks, and the caller's other duties meanwhile.
#pragma once

#include "common/result.hpp"
#include "common/time.hpp"

#include <functional>

namespace fwupdate::usb
{

/// Does the work on a thread of its own, where no signal is delivered. Calls `meanwhile` on this one: after each
/// `interval` until the work has ended, and once more then. The result is the work's.
[[nodiscard]] Result<void> run_beside(const std::function<Result<void>()>& work, Duration interval,
                                      const std::function<void()>& meanwhile);

} // namespace fwupdate::usb
