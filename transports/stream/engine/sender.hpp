// The sending engine of the block stream: says which fragment leaves when, and learns from acknowledgements.
#pragma once

#include "common/time.hpp"
#include "transports/stream/engine/acknowledgement.hpp"
#include "transports/stream/engine/geometry.hpp"
#include "transports/stream/engine/path_model.hpp"
#include "transports/stream/engine/send_board.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace fwupdate::stream
{

/// What the BMC offers and the caller wants.
struct SenderOptions
{
    std::uint32_t window{1};                             ///< fragments that may be outstanding, from Get Capabilities
    std::uint32_t window_blocks{1};                      ///< blocks the BMC assembles at a time, from Get Capabilities
    FillTest is_fill;                                    ///< empty: the BMC doesn't take fill blocks
    Duration round_trip{std::chrono::milliseconds{200}}; ///< a guess, e.g. that of Begin Transfer
    Duration give_up{std::chrono::seconds{30}};          ///< without progress
    std::uint32_t overhead{104}; ///< bytes a fragment costs on the wire beyond its data: RMCP+, UDP, IP, Ethernet
};

/// The next thing to put on the wire.
struct NextFragment
{
    Place place;
    bool fill{false};        ///< one byte, the block's value, instead of the place's bytes
    bool block_end{false};   ///< CRC-32 follows
    bool acknowledge{false}; ///< ask for an answer

    bool operator==(const NextFragment&) const = default;
};

enum class SenderState : std::uint8_t
{
    running,
    complete,
    no_progress,  ///< nothing new arrived for `give_up`
    check_failed, ///< the same block failed its CRC-32 again and again
};

/// What a silent path looks like.
enum class PathHint : std::uint8_t
{
    none,
    large_messages_lost, ///< full fragments never arrive, short ones do: the path's MTU is smaller than it says
};

/// Pure: `now` comes in with every call and never goes backwards; deadline() says when to call next() again.
class StreamSender
{
  public:
    /// `present`: one bit per block that is staged already (46h). Windows beyond 8192 fragments or 256 blocks are
    /// not used.
    StreamSender(const Geometry& geometry, std::vector<bool> present, SenderOptions options, TimePoint now);

    /// The next fragment to send now; none: wait for an acknowledgement or deadline(). What is returned counts as
    /// sent.
    [[nodiscard]] std::optional<NextFragment> next(TimePoint now);

    /// Enters an acknowledgement of this transfer; what is impossible in it is ignored.
    void on_acknowledgement(const Acknowledgement& acknowledgement, TimePoint now);

    /// When next() may have something although no acknowledgement came; TimePoint::max(): never.
    [[nodiscard]] TimePoint deadline() const;

    [[nodiscard]] SenderState state(TimePoint now) const;
    [[nodiscard]] bool complete() const
    {
        return board_.complete();
    }
    [[nodiscard]] PathHint hint(TimePoint now) const;

    /// Image bytes known to be on the BMC.
    [[nodiscard]] std::uint64_t bytes_arrived() const
    {
        return board_.bytes_arrived();
    }
    [[nodiscard]] TimePoint last_progress() const
    {
        return last_progress_;
    }
    /// Fragments outstanding.
    [[nodiscard]] std::uint32_t outstanding() const
    {
        return board_.travelling();
    }
    /// Fragments put on the wire, repetitions included.
    [[nodiscard]] std::uint64_t sent() const
    {
        return sequence_;
    }
    [[nodiscard]] const PathModel& path() const
    {
        return path_;
    }
    [[nodiscard]] const Geometry& geometry() const
    {
        return board_.geometry();
    }

  private:
    /// A transmission, in sending order.
    struct Transmission
    {
        std::uint64_t sequence{};
        Place place;
        TimePoint sent_at;
    };

    [[nodiscard]] bool may_send(TimePoint now) const;
    [[nodiscard]] NextFragment send(Place place, bool probe, TimePoint now);
    [[nodiscard]] std::optional<Place> next_probe();
    [[nodiscard]] std::optional<Place> newest_travelling();
    void arm_probes(TimePoint now);
    [[nodiscard]] bool wants_answer(TimePoint now);
    [[nodiscard]] bool answer_expected() const;
    [[nodiscard]] bool window_full() const;
    [[nodiscard]] std::uint32_t wire_bytes(Place place, bool fill) const;

    [[nodiscard]] bool plausible(const Acknowledgement& acknowledgement) const;
    void enter_arrivals(const BoardChange& change, TimePoint now);
    void enter_refusals(const Acknowledgement& acknowledgement, bool fresh);
    void note_named(const Acknowledgement& acknowledgement, TimePoint now);
    void adapt_reordering(const SentFragment& late, TimePoint now);
    void find_losses(TimePoint now);
    [[nodiscard]] bool superseded(const Transmission& transmission);
    [[nodiscard]] Duration loss_delay() const;
    [[nodiscard]] TimePoint loss_time() const;
    [[nodiscard]] TimePoint probe_time() const;
    [[nodiscard]] bool paced() const;

    SenderOptions options_;
    std::uint32_t window_; ///< fragments
    std::uint32_t ask_every_;
    SendBoard board_;
    PathModel path_;
    std::deque<Transmission> transmissions_; ///< may be travelling; front is the oldest
    std::uint64_t sequence_{};               ///< transmissions so far
    std::uint64_t arrived_sequence_{};       ///< the latest transmission known to have arrived, + 1; 0: none
    Place asked_;                            ///< the latest transmission that asked for an answer
    std::uint64_t asked_sequence_{};
    std::uint32_t since_asked_{};
    TimePoint asked_at_;
    std::uint64_t reordering_{3}; ///< transmissions that may overtake one before it counts as lost
    TimePoint reordering_at_;     ///< when that last changed
    bool starved_{false};         ///< nothing to send until something arrives
    std::uint32_t newest_received_{};
    std::optional<std::uint32_t> failed_check_at_; ///< `received` of the last block_check_failed
    bool check_failed_{false};

    TimePoint last_sent_;
    TimePoint last_heard_;
    TimePoint last_progress_;
    int silent_probes_{};  ///< time-outs in a row
    int probes_to_send_{}; ///< of the present one

    std::uint32_t full_sent_{};     ///< full-size transmissions since the last such arrival
    TimePoint full_sent_at_;        ///< the first of them
    std::uint32_t small_answers_{}; ///< answers to smaller ones since then
};

} // namespace fwupdate::stream
