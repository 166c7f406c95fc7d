// What libcurl reports, as a reason for a person: what failed, on what, what to do.
#pragma once

#include "transports/network/bmc/transfer.hpp"
#include "transports/network/engine/answer.hpp"

namespace fwupdate::network
{

/// The failure of a transfer, and whether another try may help. Not for one that ended well.
[[nodiscard]] Problem explain(const TransferEnd& end, const TransferOrder& order, const Settings& settings);

} // namespace fwupdate::network
