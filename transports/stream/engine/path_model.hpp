// What the way to the BMC can carry: delivery rate, least round-trip time, and from them window and pacing.
// The window is 2 x greatest recent delivery rate x least recent round trip; sending is spread at the delivery rate, so
// that the queue before the narrowest link stays short. Loss does not shrink the window: it says nothing about the
// rate.
#pragma once

#include "common/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fwupdate::stream
{

/// What was true when a packet left; kept with it until it is acknowledged or lost.
struct SendRecord
{
    TimePoint sent_at;
    TimePoint delivered_at;  ///< when the path last delivered something before
    TimePoint first_sent_at; ///< start of the sample's sending interval
    std::uint64_t delivered{};
    std::uint32_t bytes{}; ///< on the wire
    bool limited{};        ///< the sender had nothing to send, so the sample says little about the path
};

struct WindowLimits
{
    std::uint64_t least{}; ///< bytes on the wire
    std::uint64_t most{};
};

class PathModel
{
  public:
    /// `round_trip`: a first guess; only the first time-out depends on it.
    PathModel(const WindowLimits& limits, Duration round_trip);

    [[nodiscard]] SendRecord on_sent(std::uint32_t bytes, TimePoint now);
    /// One packet of an acknowledgement; follow all of them by on_acknowledged().
    void on_delivered(const SendRecord& record, TimePoint now);
    /// A packet that is no longer counted as travelling.
    void on_lost(const SendRecord& record);
    /// An unambiguous round trip.
    void on_round_trip(Duration round_trip, TimePoint now);
    void on_acknowledged(TimePoint now);
    /// The window had room, but there was nothing to send.
    void on_limited();

    /// Whether window and pacing let a packet go.
    [[nodiscard]] bool may_send(TimePoint now) const
    {
        return has_room() && pace_at_ <= now;
    }
    [[nodiscard]] bool has_room() const
    {
        return travelling_ < window_;
    }
    /// When pacing lets the next few packets go together; meaningful while has_room().
    [[nodiscard]] TimePoint paced_until() const
    {
        return pace_at_ + burst_ / 2;
    }
    /// Bytes that may travel at a time.
    [[nodiscard]] std::uint64_t window() const
    {
        return window_;
    }
    [[nodiscard]] std::uint64_t travelling() const
    {
        return travelling_;
    }
    /// Greatest recent delivery rate, bytes on the wire per second; 0: not known.
    [[nodiscard]] double rate() const
    {
        return greatest_rate_;
    }
    [[nodiscard]] Duration smoothed_round_trip() const
    {
        return smoothed_;
    }
    [[nodiscard]] Duration round_trip_variation() const
    {
        return variation_;
    }
    /// The least of the last seconds; none: no sample yet.
    [[nodiscard]] std::optional<Duration> least_round_trip() const
    {
        return least_;
    }

  private:
    static constexpr std::size_t rate_rounds = 10; ///< round trips the greatest rate is remembered
    static constexpr std::size_t rtt_buckets = 5;  ///< seconds the least round trip is remembered

    enum class Phase : std::uint8_t
    {
        startup, ///< the rate doubles every round trip
        drain,   ///< the queue that this built up runs empty
        steady,  ///< cycles: a little more, a little less, six round trips even
        check,   ///< round trips stay long: is it our queue or has the path become longer?
    };

    struct Sample
    {
        bool valid{false};
        bool limited{};
        std::uint64_t delivered{};
        TimePoint delivered_at;
        Duration sending{};
    };

    void note_rate(TimePoint now);
    void end_round();
    void advance_phase(TimePoint now);
    void advance_cycle(TimePoint now);
    void watch_queue(TimePoint now);
    void advance_check(TimePoint now);
    void enter_steady(TimePoint now);
    void update_window();
    void forget_old_round_trips(TimePoint now);
    void set_least(std::optional<Duration> least);
    [[nodiscard]] double product() const;
    [[nodiscard]] double pacing_gain() const;

    WindowLimits limits_;
    std::uint64_t window_;
    std::uint64_t travelling_{};
    std::uint64_t delivered_{};
    TimePoint delivered_at_;
    TimePoint first_sent_at_;
    std::uint64_t limited_until_{}; ///< samples are limited until this much is delivered; 0: not limited
    Sample sample_;

    std::array<double, rate_rounds> rates_{};
    std::size_t round_{};
    std::uint64_t round_end_{}; ///< delivered_ at which the present round trip is over
    bool round_over_{false};
    std::optional<Duration> round_least_;    ///< least round trip seen in the present one
    std::optional<Duration> previous_least_; ///< and in the last one
    bool queue_builds_{false};               ///< the last one never saw the path without a queue
    double greatest_rate_{};

    struct LeastOf
    {
        std::int64_t second{-1};
        Duration least{};
    };
    std::array<LeastOf, rtt_buckets> buckets_{};
    std::optional<Duration> least_;
    Duration smoothed_;
    Duration variation_;

    Phase phase_{Phase::startup};
    double full_rate_{};
    int flat_rounds_{};
    std::size_t cycle_{};
    TimePoint cycle_at_;

    int queued_rounds_{};                   ///< in a row
    int check_rounds_{};                    ///< in phase check
    std::optional<Duration> settled_least_; ///< least round trip of the last of these with the path all but empty
    TimePoint checked_at_;

    TimePoint pace_at_;
    Duration burst_{}; ///< time's worth of packets that may leave together
};

} // namespace fwupdate::stream
