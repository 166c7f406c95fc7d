// A transfer of the extended profile: named by size and SHA-256, so that what is staged counts; and the stream into it.
#pragma once

#include "ipmitool-plugin/client/context.hpp"
#include "ipmitool-plugin/client/image.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace fwupdate::client
{

inline constexpr std::size_t smallest_message = 480; ///< bytes of request data that every path carries

/// 44h and 46h, whatever then brings the image.
class NamedTransfer
{
  public:
    NamedTransfer(const Context& context, std::uint64_t size, const Sha256& sha256,
                  const protocol::GetCapabilitiesResponse& capabilities);

    /// Names the image to the BMC and learns which blocks are staged already.
    [[nodiscard]] Attempt<void> begin(std::uint8_t target);

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

  protected:
    const Context& context_;
    const protocol::GetCapabilitiesResponse& capabilities_;
    std::uint64_t size_; ///< bytes
    Sha256 sha256_;
    std::size_t max_message_; ///< request data bytes; shrinks when the path turns out to carry less
    std::uint16_t transfer_{};
    std::uint16_t fragment_size_{}; ///< image bytes
    std::vector<bool> present_;
    std::uint64_t arrived_{};

  private:
    [[nodiscard]] Attempt<void> read_map();
};

/// Streams one image to one target, as often as it takes: what an earlier attempt staged counts.
class Transfer : public NamedTransfer
{
  public:
    Transfer(const Context& context, const Image& image, const protocol::GetCapabilitiesResponse& capabilities);

    /// Sends what is missing: over the session itself where the port lends it, else one message after the other.
    [[nodiscard]] Attempt<void> send(ProgressMeter& meter);

  private:
    [[nodiscard]] Attempt<void> stream(stream::FragmentLink& link, const StreamLink* session, ProgressMeter& meter);
    [[nodiscard]] bool shrink(std::optional<std::size_t> largest);

    const Image& image_;
};

} // namespace fwupdate::client
