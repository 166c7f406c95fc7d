// The host's loop: takes fragments from the sending engine, their bytes from the file, and moves them over a link.
#pragma once

#include "transports/stream/engine/sender.hpp"
#include "transports/stream/host/fragment_link.hpp"
#include "transports/stream/host/image_reader.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace fwupdate::stream
{

enum class StreamEnd : std::uint8_t
{
    complete,          ///< every block is in the BMC's staging
    interrupted,       ///< the caller cancelled; resumable
    no_progress,       ///< nothing new arrived for the sender's `give_up`; resumable
    refused,           ///< the BMC answered with a completion code; 81h: it no longer knows the transfer
    check_failed,      ///< a block failed its CRC-32 again and again
    image_error,       ///< the file could not be read
    message_too_large, ///< the path's MTU is smaller than a fragment: begin again with smaller ones
    link_error,        ///< socket or interface failed
};

struct StreamOutcome
{
    StreamEnd end{};
    ipmi::CompletionCode code{}; ///< of `refused`
    PathHint hint{};             ///< of `no_progress`, and earlier if the caller wants to look
    std::string text;            ///< for a person; empty when complete
};

struct StreamProgress
{
    std::uint64_t arrived{}; ///< image bytes on the BMC
    std::uint64_t size{};
    double rate{}; ///< image bytes per second since the start of this stream
    std::uint64_t fragments_sent{};
};

struct StreamCallbacks
{
    std::function<void(const StreamProgress&)> progress; ///< at most ten times a second, and at the end
    std::function<bool()> cancelled;                     ///< asked at least five times a second
    /// Large messages seem to vanish while small ones pass: true ends with no_progress at once, so that the caller
    /// can begin again with smaller fragments.
    std::function<bool()> large_messages_lost;
};

/// Streams until the end. The sender's geometry is the image's; `transfer` is from Begin Transfer.
[[nodiscard]] StreamOutcome stream_image(ImageReader& image, std::uint16_t transfer, StreamSender& sender,
                                         FragmentLink& link, const StreamCallbacks& callbacks);

/// The fill test for SenderOptions; `image` must outlive the sender. A block that cannot be read is none: sending it
/// will say why.
[[nodiscard]] FillTest fill_test(ImageReader& image);

/// Enters one answer of Get Transfer Map into `present`, which has one element per block.
void enter_map(const protocol::GetTransferMapResponse& map, std::vector<bool>& present);

} // namespace fwupdate::stream
