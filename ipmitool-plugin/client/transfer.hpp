// The image on its way in the extended profile: begin, send what is missing.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"

#include <vector>

namespace fwupdate::client
{

/// A transfer that the BMC has opened for this image.
struct Transfer
{
    std::uint16_t id{};
    std::uint8_t target{};
    std::uint16_t fragment_size{}; ///< image bytes
    std::vector<bool> present;     ///< per block: staged on the BMC

    [[nodiscard]] std::uint32_t blocks() const
    {
        return static_cast<std::uint32_t>(present.size());
    }
    [[nodiscard]] std::uint32_t blocks_present() const;

    /// Bytes of the image in the staged blocks.
    [[nodiscard]] std::uint64_t bytes_present(std::uint64_t image_size) const;
};

/// Image bytes of a fragment, so that no request of the transfer is longer than `max_message`, and none has a length
/// that ipmitool's lanplus code mishandles (9 or 10 modulo 16 with cipher suite 17).
[[nodiscard]] std::uint16_t choose_fragment_size(std::size_t max_message, std::uint64_t image_size);

/// Names the image to the BMC and learns which blocks are staged already.
[[nodiscard]] Attempt<Transfer> begin_transfer(const Context& context, const Image& image, std::uint8_t target,
                                               const protocol::GetCapabilitiesResponse& capabilities);

/// Sends the missing blocks, each fragment answered before the next goes out. Marks them in `transfer`.
[[nodiscard]] Attempt<void> send_one_at_a_time(const Context& context, const Image& image, Transfer& transfer,
                                               const protocol::GetCapabilitiesResponse& capabilities,
                                               ProgressMeter& meter);

} // namespace fwupdate::client
