#include "transports/stream/engine/path_model.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::stream
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double window_gain = 2.0;
/// 2 / ln 2: the least gain that lets the rate double every round trip.
constexpr double startup_gain = 2.885;
constexpr double probe_gain = 1.25;
constexpr double drain_gain = 0.75;
constexpr double unqueued_gain = 1.1;
constexpr double growth = 1.25; ///< a rate that grows by less is flat
constexpr int flat_round_limit = 3;
constexpr double check_gain = 0.5;
constexpr int queued_round_limit = 6;
constexpr int check_round_limit = 12;
constexpr Duration between_checks = seconds{2};
constexpr std::size_t cycle_length = 8;
constexpr Duration least_burst = milliseconds{1}; ///< finer sleeping costs more than it gives
constexpr double burst_packets = 16;

double in_seconds(Duration duration)
{
    return std::chrono::duration<double>(duration).count();
}

Duration from_seconds(double value)
{
    constexpr double most = 10; // a slower pace than this is not one
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(value, most)));
}

} // namespace

PathModel::PathModel(const WindowLimits& limits, Duration round_trip)
    : limits_{limits}, window_{limits.least}, smoothed_{round_trip}, variation_{round_trip / 2}
{
}

SendRecord PathModel::on_sent(std::uint32_t bytes, TimePoint now)
{
    if (travelling_ == 0)
    {
        first_sent_at_ = now;
        delivered_at_ = now;
    }
    travelling_ += bytes;
    if (greatest_rate_ > 0)
    {
        const double pace = pacing_gain() * greatest_rate_;
        burst_ = std::max(least_burst, from_seconds(burst_packets * bytes / pace));
        pace_at_ = std::max(pace_at_, now - burst_) + from_seconds(bytes / pace);
    }
    return {now, delivered_at_, first_sent_at_, delivered_, bytes, limited_until_ > 0};
}

void PathModel::on_delivered(const SendRecord& record, TimePoint now)
{
    travelling_ -= std::min<std::uint64_t>(travelling_, record.bytes);
    delivered_ += record.bytes;
    delivered_at_ = now;
    if (!sample_.valid || record.delivered > sample_.delivered)
    {
        sample_ = {true, record.limited, record.delivered, record.delivered_at, record.sent_at - record.first_sent_at};
        first_sent_at_ = record.sent_at;
    }
}

void PathModel::on_lost(const SendRecord& record)
{
    travelling_ -= std::min<std::uint64_t>(travelling_, record.bytes);
}

void PathModel::on_round_trip(Duration round_trip, TimePoint now)
{
    const Duration error = round_trip > smoothed_ ? round_trip - smoothed_ : smoothed_ - round_trip;
    variation_ = least_ ? (variation_ * 3 + error) / 4 : round_trip / 2;
    smoothed_ = least_ ? (smoothed_ * 7 + round_trip) / 8 : round_trip;

    const auto second = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
    LeastOf& bucket = buckets_[static_cast<std::size_t>(second) % rtt_buckets];
    bucket =
        bucket.second == second ? LeastOf{second, std::min(bucket.least, round_trip)} : LeastOf{second, round_trip};
    forget_old_round_trips(now);
    round_least_ = std::min(round_least_.value_or(round_trip), round_trip);
}

void PathModel::forget_old_round_trips(TimePoint now)
{
    const auto second = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
    std::optional<Duration> least;
    for (const LeastOf& bucket : buckets_)
    {
        if (bucket.second >= 0 && second - bucket.second < static_cast<std::int64_t>(rtt_buckets))
        {
            least = std::min(least.value_or(bucket.least), bucket.least);
        }
    }
    set_least(least);
}

void PathModel::on_limited()
{
    limited_until_ = delivered_ + std::max<std::uint64_t>(travelling_, 1);
}

void PathModel::on_acknowledged(TimePoint now)
{
    if (limited_until_ > 0 && delivered_ >= limited_until_)
    {
        limited_until_ = 0;
    }
    if (!sample_.valid)
    {
        return;
    }
    round_over_ = sample_.delivered >= round_end_;
    if (round_over_)
    {
        end_round();
    }
    note_rate(now);
    sample_.valid = false;
    advance_phase(now);
    update_window();
}

void PathModel::end_round()
{
    round_end_ = delivered_;
    queue_builds_ = least_ && round_least_ && *round_least_ > *least_ + *least_ / 4 + least_burst;
    previous_least_ = std::exchange(round_least_, std::nullopt);
    if (!sample_.limited) // a sender with nothing to send learns nothing, and need not forget either
    {
        round_ = (round_ + 1) % rate_rounds;
        rates_[round_] = 0;
    }
}

/// One delivery-rate sample: what arrived since the newest acknowledged packet left, over the longer of the time it
/// took to send it and the time it took to acknowledge it.
void PathModel::note_rate(TimePoint now)
{
    const Duration interval = std::max(sample_.sending, now - sample_.delivered_at);
    if (interval <= Duration::zero() || (least_ && interval < *least_))
    {
        return; // a packet sent twice whose first copy was late
    }
    const double rate = static_cast<double>(delivered_ - sample_.delivered) / in_seconds(interval);
    if (!sample_.limited || rate > greatest_rate_)
    {
        rates_[round_] = std::max(rates_[round_], rate);
    }
    greatest_rate_ = *std::ranges::max_element(rates_);
}

void PathModel::advance_phase(TimePoint now)
{
    if (phase_ == Phase::startup && round_over_)
    {
        const bool grew = greatest_rate_ >= full_rate_ * growth;
        full_rate_ = grew ? greatest_rate_ : full_rate_;
        flat_rounds_ = grew ? 0 : flat_rounds_ + (sample_.limited ? 0 : 1);
        phase_ = queue_builds_ || flat_rounds_ >= flat_round_limit ? Phase::drain : Phase::startup;
    }
    if (phase_ == Phase::drain && static_cast<double>(travelling_) <= product())
    {
        enter_steady(now);
    }
    else if (phase_ == Phase::steady)
    {
        advance_cycle(now);
        watch_queue(now);
    }
    else if (phase_ == Phase::check)
    {
        advance_check(now);
    }
}

void PathModel::enter_steady(TimePoint now)
{
    phase_ = Phase::steady;
    cycle_ = 2;
    cycle_at_ = now;
}

/// Every cycle drains our own queue. Round trips that stay long all the same need a closer look, now and then.
void PathModel::watch_queue(TimePoint now)
{
    if (round_over_)
    {
        queued_rounds_ = queue_builds_ ? queued_rounds_ + 1 : 0;
    }
    if (queued_rounds_ >= queued_round_limit && now - checked_at_ >= between_checks)
    {
        phase_ = Phase::check;
        checked_at_ = now;
        queued_rounds_ = 0;
        check_rounds_ = 0;
        settled_least_.reset();
    }
}

/// With half of what fits travelling, our queue is gone within a round trip; what the next two agree on is the path's
/// length. Those in which one of the two ends, or what is between them, stood still for a moment don't agree: taken for
/// the path's length, they would let the window grow beyond any queue.
void PathModel::advance_check(TimePoint now)
{
    if (!round_over_)
    {
        return;
    }
    if (++check_rounds_ > check_round_limit)
    {
        enter_steady(now);
        return;
    }
    if (travelling_ > window_ || !previous_least_)
    {
        return;
    }
    const Duration latest = *previous_least_;
    const Duration before = std::exchange(settled_least_, latest).value_or(Duration::max());
    const Duration lesser = std::min(latest, before);
    if (std::max(latest, before) - lesser <= lesser / 4)
    {
        const auto second = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
        buckets_ = {};
        buckets_[static_cast<std::size_t>(second) % rtt_buckets] = {second, lesser};
        enter_steady(now);
        set_least(lesser);
    }
}

/// A path that turns out longer is learned anew. Its rate was measured over shorter times; by the new length it would
/// give a window that was never tried, and overrun the queue where it was not the path that grew.
void PathModel::set_least(std::optional<Duration> least)
{
    const auto before = std::exchange(least_, least);
    if (!before || !least || *least <= *before)
    {
        return;
    }
    const double tried =
        std::max(static_cast<double>(limits_.least), window_gain * greatest_rate_ * in_seconds(*before));
    const double most = tried / in_seconds(*least);
    if (greatest_rate_ > most)
    {
        std::ranges::for_each(rates_, [most](double& rate) { rate = std::min(rate, most); });
        greatest_rate_ = most;
        full_rate_ = 0;
        flat_rounds_ = 0;
        phase_ = Phase::startup;
    }
}

/// Probing lasts one least round trip; draining until the queue is gone, three at most; every other step one.
void PathModel::advance_cycle(TimePoint now)
{
    const Duration elapsed = now - cycle_at_;
    const Duration step = least_.value_or(smoothed_);
    const bool drained = static_cast<double>(travelling_) <= product();
    const bool over = cycle_ == 1 ? drained || elapsed > 3 * step : elapsed > step;
    if (over)
    {
        cycle_ = (cycle_ + 1) % cycle_length;
        cycle_at_ = now;
    }
}

double PathModel::pacing_gain() const
{
    switch (phase_)
    {
    case Phase::startup:
        return startup_gain;
    case Phase::drain:
        return 1 / startup_gain;
    case Phase::check:
        return 1;
    case Phase::steady:
        break;
    }
    if (cycle_ < 2)
    {
        return cycle_ == 0 ? probe_gain : drain_gain;
    }
    // Where packets are lost at random, the delivery rate is less than what the link carries: as long as round trips
    // show no queue, send a little faster than things arrive.
    const Duration least = least_.value_or(smoothed_);
    return smoothed_ <= least + least / 8 + least_burst ? unqueued_gain : 1;
}

/// Delivery rate x least round trip, bytes.
double PathModel::product() const
{
    return greatest_rate_ * in_seconds(least_.value_or(smoothed_));
}

void PathModel::update_window()
{
    if (greatest_rate_ > 0 && least_)
    {
        const bool check = phase_ == Phase::check;
        const double gain = check ? check_gain : phase_ == Phase::startup ? startup_gain : window_gain;
        window_ = std::clamp(static_cast<std::uint64_t>(gain * product()), check ? limits_.least / 16 : limits_.least,
                             limits_.most);
    }
}

} // namespace fwupdate::stream
