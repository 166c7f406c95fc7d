// The receiving engine of the block stream: fragments in, whole checked blocks into the sink, acknowledgements out.
#pragma once

#include "protocol-spec/messages.hpp"
#include "transports/image_sink.hpp"
#include "transports/stream/bmc/assembly.hpp"
#include "transports/stream/engine/acknowledgement.hpp"
#include "transports/stream/engine/geometry.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace fwupdate::stream
{

/// What a fragment led to.
struct FragmentOutcome
{
    std::optional<Acknowledgement> acknowledgement; ///< none: this fragment gets no answer
    bool block_written{false};                      ///< a block went into the sink
};

/// Pure: no clock, no descriptor. Memory: at most `window_blocks` buffers of 64 KiB, each allocated when the first
/// block needs it and kept for the next one.
class StreamReceiver
{
  public:
    /// `window_blocks`: incomplete blocks assembled at a time, at least 1. `max_response`: response data bytes of the
    /// channel; bounds the bitmap. The sink must outlive the receiver.
    StreamReceiver(const Geometry& geometry, std::uint32_t window_blocks, transports::ImageSink& sink,
                   std::size_t max_response = protocol::largest_response);

    /// Takes a fragment, whatever it was before: any order, any number of times. `always_answer`: the channel has one
    /// response per request. Errors, each with nothing taken: out_of_range (block, offset), invalid_field (offset
    /// between fragments, flags, encoding), length (data), wrong_state (closed), and the sink's own; after those the
    /// block is missing and may be sent again.
    [[nodiscard]] Result<FragmentOutcome> on_fragment(const protocol::WriteFragmentRequest& request,
                                                      bool always_answer);

    /// A block that was in the sink is missing again: fragments of it are taken again, acknowledgements tell.
    void reopen(std::uint32_t block);

    /// Idempotent; no sink call after it.
    void close() noexcept;

    /// Every block is in the sink.
    [[nodiscard]] bool complete();

    /// Fragments taken so far, those of blocks that failed their check included: never goes back.
    [[nodiscard]] std::uint32_t received() const
    {
        return received_;
    }
    /// Block buffers in memory now.
    [[nodiscard]] std::size_t buffers() const;

    [[nodiscard]] const Geometry& geometry() const
    {
        return geometry_;
    }

  private:
    /// A missing block inside the window; its assembly exists from its first fragment on.
    struct Slot
    {
        std::uint32_t block{};
        std::unique_ptr<Assembly> assembly;
    };

    [[nodiscard]] Result<FragmentOutcome> place(const protocol::WriteFragmentRequest& request, Place place,
                                                bool answer);
    [[nodiscard]] Result<FragmentOutcome> take_raw(const protocol::WriteFragmentRequest& request, Place place,
                                                   Slot& slot, bool answer);
    [[nodiscard]] Result<FragmentOutcome> take_fill(const protocol::WriteFragmentRequest& request, Slot& slot,
                                                    bool answer);
    [[nodiscard]] Result<FragmentOutcome> finish(std::uint32_t number, Slot& slot, ConstBytes bytes, bool answer);
    [[nodiscard]] FragmentOutcome answered(std::uint32_t number, protocol::FragmentStatus status, bool answer);
    [[nodiscard]] Acknowledgement acknowledge(std::uint32_t number, protocol::FragmentStatus status);
    void append_bitmap(Acknowledgement& out) const;

    [[nodiscard]] Slot* find(std::uint32_t block);
    void refresh_window();
    void open(Slot& slot);
    void recycle(Slot& slot);
    [[nodiscard]] bool reveals_gap(std::uint32_t number);
    void count(std::uint32_t next_number);

    Geometry geometry_;
    std::size_t window_blocks_;
    transports::ImageSink& sink_;
    std::size_t bitmap_limit_;                     ///< bytes
    std::vector<Slot> slots_;                      ///< the lowest missing blocks, ascending
    std::vector<std::unique_ptr<Assembly>> spare_; ///< with slots_' never more than window_blocks_
    std::uint32_t next_candidate_{};               ///< first block that was never looked at for the window
    std::uint32_t expected_{};                     ///< the fragment after the highest taken one
    std::uint32_t received_{};
    bool closed_{false};
};

} // namespace fwupdate::stream
