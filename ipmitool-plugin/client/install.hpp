// A whole update of a BMC with the extended profile: `install`, `resume`, `usb`, `uri` and `serve`.
#pragma once

#include "ipmitool-plugin/client/carrier.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/subject.hpp"

namespace fwupdate::client
{

/// What is installed, and how it gets there.
struct Update
{
    const Subject& subject;
    Carrier& carrier;
    bool resumed{};       ///< by the note of an interrupted one
    ConstBytes signature; ///< to be sent beside the image; empty: none
};

/// From the first question to the verdict.
[[nodiscard]] Outcome install(const Context& context, const Update& update,
                              const protocol::GetCapabilitiesResponse& capabilities, const Notes& notes);

} // namespace fwupdate::client
