// Which of this machine's addresses a BMC can reach.
#pragma once

#include "common/result.hpp"

#include <string>
#include <string_view>

namespace fwupdate::network
{

/// The two ends of the way to a peer, numeric.
struct Route
{
    std::string local;
    std::string peer;
};

/// The way that this machine's routing table takes to a host, a name or a numeric address. Nothing is sent. Errors:
/// not_found (the name), input_output (no route), unsupported (a link-local address: no URI can name one).
[[nodiscard]] Result<Route> route_to(const std::string& host);

/// An address or a name as a URI has it: IPv6 in brackets.
[[nodiscard]] std::string uri_host(std::string_view address);

/// Whether it is a numeric IPv4 or IPv6 address without a zone.
[[nodiscard]] bool is_numeric_address(std::string_view text);

} // namespace fwupdate::network
