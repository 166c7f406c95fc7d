// The single steps, for people who debug a BMC, and the two ways out. All use the base profile, so that they work on
// any BMC; what the base profile has no word for is sent by the extended one where that is known.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/queries.hpp"
#include "ipmitool-plugin/client/uri_transfer.hpp"

namespace fwupdate::client
{

[[nodiscard]] Outcome step_enter(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome step_options(const Context& context, const std::optional<Capabilities>& capabilities);
/// 4Eh.
[[nodiscard]] Outcome step_signature(const Context& context, ConstBytes signature, const Capabilities& capabilities);

/// 29h-1 and 29h-5; shows the drive's serial number, label and size where the BMC tells them.
[[nodiscard]] Outcome step_usb_in(const Context& context, const std::optional<Capabilities>& capabilities);
/// 29h-6.
[[nodiscard]] Outcome step_usb_out(const Context& context, const std::optional<Capabilities>& capabilities);
/// 29h-4, with what goes with the URI.
[[nodiscard]] Outcome step_uri(const Context& context, const Source& source, const Subject& subject,
                               const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome step_write(const Context& context, const Image& image,
                                 const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome step_complete(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome leave(const Context& context, const std::optional<Capabilities>& capabilities);
[[nodiscard]] Outcome give_up(const Context& context, const std::optional<Capabilities>& capabilities,
                              const Notes& notes);

} // namespace fwupdate::client
