// Writing an image by the base profile's 2Ch, at any BMC.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"

#include <cstddef>
#include <optional>

namespace fwupdate::client
{

/// Bytes of one 2Ch: what 22h says of this channel, within what the interface carries without harm. The answer of
/// 22h may end early or be missing.
[[nodiscard]] std::size_t choose_write_size(const PortFacts& facts,
                                            const std::optional<protocol::GetUpdateChannelInfoResponse>& channels);

/// 22h; none: not served.
[[nodiscard]] Attempt<std::optional<protocol::GetUpdateChannelInfoResponse>> get_channels(const Context& context);

/// Writes the whole image by 2Ch. `appends_blindly`: a write whose answer was lost must not be repeated; it ends with
/// Remedy::repeat, and the caller starts the transfer again.
[[nodiscard]] Attempt<void> write_image(const Context& context, const Image& image, std::size_t write_size,
                                        bool appends_blindly, ProgressMeter& meter);

} // namespace fwupdate::client
