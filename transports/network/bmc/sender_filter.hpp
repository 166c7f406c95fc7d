// Who may send to a UDP socket. TFTP answers come from a port that is not known before, so the socket is not connected;
// libcurl 7.88 takes them from anywhere.
#pragma once

#include "common/result.hpp"
#include "transports/network/engine/address_rules.hpp"

namespace fwupdate::network
{

/// The kernel drops whatever comes from another address. Error: input_output, no filter can be set.
[[nodiscard]] Result<void> take_only_from(int socket, const Address& sender);

} // namespace fwupdate::network
