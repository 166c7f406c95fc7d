// The image on its way in the extended profile: begin, stream what is missing.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace fwupdate::client
{

/// Transfers one image to one target, as often as it takes: what an earlier attempt staged counts.
class Transfer
{
  public:
    Transfer(const Context& context, const Image& image, const protocol::GetCapabilitiesResponse& capabilities);

    /// Names the image to the BMC and learns which blocks are staged already.
    [[nodiscard]] Attempt<void> begin(std::uint8_t target);

    /// Sends what is missing: over the session itself where the port lends it, else one message after the other.
    [[nodiscard]] Attempt<void> send(ProgressMeter& meter);

    /// Bytes of the image known to be on the BMC.
    [[nodiscard]] std::uint64_t arrived() const
    {
        return arrived_;
    }

    /// The BMC's number of it; 0: none yet.
    [[nodiscard]] std::uint16_t number() const
    {
        return transfer_;
    }

  private:
    [[nodiscard]] Attempt<void> read_map();
    [[nodiscard]] Attempt<void> stream(stream::FragmentLink& link, const StreamLink* session, ProgressMeter& meter);
    [[nodiscard]] bool shrink(std::optional<std::size_t> largest);

    const Context& context_;
    const Image& image_;
    const protocol::GetCapabilitiesResponse& capabilities_;
    std::size_t max_message_; ///< request data bytes; shrinks when the path turns out to carry less
    std::uint16_t transfer_{};
    std::uint16_t fragment_size_{}; ///< image bytes
    std::vector<bool> present_;
    std::uint64_t arrived_{};
};

} // namespace fwupdate::client
