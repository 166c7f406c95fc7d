// What a command line names, opened and judged before a word is said to the BMC.
#pragma once

#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/invocation.hpp"
#include "ipmitool-plugin/client/subject.hpp"
#include "ipmitool-plugin/client/uri_transfer.hpp"

#include <optional>

namespace fwupdate::client
{

struct Materials
{
    std::optional<Image> image;   ///< the file; for a URI the copy of what it names
    std::optional<Source> source; ///< of a URI
    Subject subject;              ///< where there is an image or a source
    Bytes signature;              ///< to be sent beside it; empty: none
};

/// Opens and reads them. The end: a file, a URI, credentials or a signature that can't be used.
[[nodiscard]] Attempt<Materials> gather(const Invocation& invocation);

} // namespace fwupdate::client
