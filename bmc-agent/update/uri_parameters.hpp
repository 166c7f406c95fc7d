// What goes with a URI: the parts of 4Dh Set URI Parameters (specification: extended-reports).
#pragma once

#include "common/result.hpp"
#include "protocol-spec/messages.hpp"

#include <variant>

namespace fwupdate::agent
{

using UriParameters = std::variant<protocol::UriExpectation, protocol::UriTlsPin, protocol::UriCredentials>;

/// The part that a request holds. Error: length, when the data is not as long as the part wants.
[[nodiscard]] Result<UriParameters> parse_uri_parameters(const protocol::SetUriParametersRequest& request);

} // namespace fwupdate::agent
