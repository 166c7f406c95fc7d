// ipmitool's lanplus session, lent for streaming.
#pragma once

#include "ipmitool-plugin/client/stream_link.hpp"
#include "ipmitool-plugin/shim/fwupdate_shim.h"

#include <memory>

namespace fwupdate::plugin
{

/// A link on the interface's session; null where there is none that packets can be built for: another interface,
/// bridged, OEM handling, other algorithms than those of suites 3 and 17. While it lives nothing else may use the
/// interface; when it goes, late answers are read away and ipmitool goes on with the next session sequence number.
[[nodiscard]] std::unique_ptr<client::StreamLink> lend_session(fwupdate_interface* interface);

} // namespace fwupdate::plugin
