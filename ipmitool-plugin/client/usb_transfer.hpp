// The image on its way over the virtual USB drive of a BMC with the extended profile.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"

namespace fwupdate::client
{

inline constexpr std::string_view drive_file = "image.bin"; ///< the image's name on the drive

/// Plugs the drive in, finds it at this host, writes the image, plugs it out, and names the file to the BMC; keeps the
/// lease all the while. The drive is plugged out again whatever happens. Remedy::none means that the drive is no way
/// here, Remedy::repeat that update mode was lost meanwhile.
[[nodiscard]] Attempt<void> send_by_drive(const Context& context, const Image& image, ProgressMeter& meter);

/// Why the drive would be the better way for so many bytes, in words; empty: it would not be, or is not there. Measures
/// the channel with a few questions.
[[nodiscard]] std::string prefer_drive(const Context& context, const protocol::GetCapabilitiesResponse& capabilities,
                                       std::uint64_t bytes);

/// The end where this program does not run on the host that sees the drive; how to go on from there. None: it does.
[[nodiscard]] std::optional<Outcome> refuse_remote_drive(const Context& context, const std::string& image);

} // namespace fwupdate::client
