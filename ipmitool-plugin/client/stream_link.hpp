// The session itself, lent for streaming: many messages outstanding at a time.
#pragma once

#include "transports/stream/host/fragment_link.hpp"

#include <cstddef>
#include <optional>

namespace fwupdate::client
{

/// Gives the session back to its owner when it goes.
class StreamLink : public stream::FragmentLink
{
  public:
    /// Request data bytes that fit the path's MTU as the system knows it now; none: it doesn't know.
    [[nodiscard]] virtual std::optional<std::size_t> largest_message() const = 0;
};

} // namespace fwupdate::client
