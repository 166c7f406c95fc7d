#include "transports/stream/engine/sender.hpp"

#include <algorithm>

namespace fwupdate::stream
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t largest_window = 8192;       ///< fragments
constexpr std::uint32_t largest_window_blocks = 256; ///< 16 MiB
constexpr std::uint32_t least_window = 64;           ///< fragments
constexpr std::uint32_t usual_ask = 8;               ///< fragments per acknowledgement
constexpr Duration ask_interval = milliseconds{5};   ///< without an acknowledgement asked for
constexpr std::uint32_t least_paced_window = 16;     ///< a smaller window overruns no queue
constexpr std::uint64_t least_reordering = 3;
constexpr std::uint64_t most_reordering = 1024;
constexpr Duration reordering_memory = seconds{2};
constexpr std::uint32_t most_check_failures = 8; ///< of one block
constexpr Duration least_patience = milliseconds{10};
constexpr Duration longest_patience = seconds{1};
constexpr std::uint32_t full_lost_limit = 16; ///< full-size messages in vain before the path's MTU is suspected

} // namespace

StreamSender::StreamSender(const Geometry& geometry, std::vector<bool> present, SenderOptions options, TimePoint now)
    : options_{std::move(options)},
      window_{std::clamp(options_.window, 1U, largest_window)},
      ask_every_{std::clamp(window_ / 8, 1U, usual_ask)},
      board_{geometry, std::move(present), std::min(options_.window_blocks, largest_window_blocks), options_.is_fill},
      path_{{std::uint64_t{std::min(least_window, window_)} * (geometry.fragment_size() + options_.overhead),
             std::uint64_t{window_} * (geometry.fragment_size() + options_.overhead)},
            options_.round_trip},
      asked_at_{now},
      last_sent_{now},
      last_heard_{now},
      last_progress_{now}
{
}

// ------------------------------------------------------------------------------------------------------- sending

std::optional<NextFragment> StreamSender::next(TimePoint now)
{
    if (board_.complete() || check_failed_)
    {
        return std::nullopt;
    }
    find_losses(now);
    if (now >= probe_time())
    {
        arm_probes(now);
    }
    if (probes_to_send_ > 0)
    {
        --probes_to_send_;
        if (const auto probe = next_probe())
        {
            return send(*probe, true, now);
        }
    }
    if (!may_send(now))
    {
        return std::nullopt;
    }
    const auto place = board_.pick();
    starved_ = !place;
    if (!place)
    {
        path_.on_limited();
        return std::nullopt;
    }
    return send(*place, false, now);
}

/// A window that shrank may have closed without an answer on its way: one more fragment goes then, and asks, which is
/// sooner than a time-out and repeats nothing.
bool StreamSender::may_send(TimePoint now) const
{
    const bool silent = paced() && !path_.has_room() && !answer_expected();
    return board_.travelling() < window_ && (!paced() || silent || path_.may_send(now));
}

NextFragment StreamSender::send(Place place, bool probe, TimePoint now)
{
    const SentFragment& before = *board_.find(place);
    if (before.state == FragmentState::travelling)
    {
        path_.on_lost(before.record);
    }
    const OpenBlock& open = *board_.find_block(place.block);
    NextFragment result{place, open.fill, open.fill || geometry().ends_block(place), false};
    const std::uint32_t bytes = wire_bytes(place, open.fill);
    const bool counts = before.state != FragmentState::arrived;
    board_.mark_sent(place, sequence_, counts ? path_.on_sent(bytes, now) : SendRecord{now, now, now, 0, bytes, true});
    transmissions_.push_back({sequence_, place, now});
    ++sequence_;
    ++since_asked_;
    last_sent_ = now;
    if (bytes == geometry().fragment_size() + options_.overhead)
    {
        full_sent_at_ = full_sent_ == 0 ? now : full_sent_at_;
        ++full_sent_;
    }
    result.acknowledge = probe || wants_answer(now);
    if (result.acknowledge)
    {
        since_asked_ = 0;
        asked_at_ = now;
        asked_ = place;
        asked_sequence_ = sequence_ - 1;
    }
    return result;
}

/// Every few fragments, or every few milliseconds where they leave slowly; at the end of what there is to send, and
/// where the window closes with no answer on its way.
bool StreamSender::wants_answer(TimePoint now)
{
    if (since_asked_ >= ask_every_ || now - asked_at_ >= ask_interval)
    {
        return true;
    }
    return (window_full() && !answer_expected()) || !board_.pick();
}

/// Whether an answer was asked for and may still come. What an acknowledgement said of other transmissions does not
/// tell: it may have been that to an earlier copy.
bool StreamSender::answer_expected() const
{
    const SentFragment* const asked = board_.find(asked_);
    return asked != nullptr && asked->state == FragmentState::travelling && asked->sequence == asked_sequence_;
}

bool StreamSender::window_full() const
{
    return board_.travelling() >= window_ || (paced() && !path_.has_room());
}

bool StreamSender::paced() const
{
    return window_ >= least_paced_window;
}

std::uint32_t StreamSender::wire_bytes(Place place, bool fill) const
{
    return (fill ? 1 : geometry().fragment_bytes(place)) + options_.overhead;
}

/// Silence: ask again with something that is on its way, at growing intervals.
void StreamSender::arm_probes(TimePoint now)
{
    ++silent_probes_;
    probes_to_send_ = silent_probes_ > 1 ? 2 : 1;
    last_sent_ = now;
}

/// The fragment under way that left last: should the answer be that to its earlier copy, everything that left before
/// has been overtaken all the same. Of an older one, whatever left between its two copies would look lost.
std::optional<Place> StreamSender::next_probe()
{
    const auto newest = newest_travelling();
    // The second probe of a time-out is the smallest message there is: it tells a path that drops large ones.
    const bool small = probes_to_send_ == 0 && silent_probes_ > 1;
    const auto end = small || !newest ? board_.lowest_block_end() : std::nullopt;
    return end ? end : newest;
}

std::optional<Place> StreamSender::newest_travelling()
{
    while (!transmissions_.empty() && superseded(transmissions_.back()))
    {
        transmissions_.pop_back();
    }
    return transmissions_.empty() ? std::nullopt : std::optional{transmissions_.back().place};
}

// ---------------------------------------------------------------------------------------------- acknowledgements

void StreamSender::on_acknowledgement(const Acknowledgement& acknowledgement, TimePoint now)
{
    if (!plausible(acknowledgement))
    {
        return;
    }
    const bool fresh = acknowledgement.received >= newest_received_;
    newest_received_ = std::max(newest_received_, acknowledgement.received);
    last_heard_ = now;
    silent_probes_ = 0;
    probes_to_send_ = 0;
    starved_ = false;
    if (reordering_ > least_reordering && now - reordering_at_ > reordering_memory)
    {
        reordering_ = std::max(reordering_ / 2, least_reordering);
        reordering_at_ = now;
    }
    note_named(acknowledgement, now);
    enter_arrivals(board_.apply(acknowledgement, fresh), now);
    enter_refusals(acknowledgement, fresh);
    find_losses(now);
}

bool StreamSender::plausible(const Acknowledgement& acknowledgement) const
{
    return acknowledgement.first_missing <= geometry().fragments() && acknowledgement.fragment < geometry().fragments();
}

void StreamSender::enter_arrivals(const BoardChange& change, TimePoint now)
{
    const Duration soonest = path_.least_round_trip().value_or(Duration::zero());
    for (const SentFragment& fragment : change.arrived)
    {
        if (fragment.times_sent == 0)
        {
            continue;
        }
        const bool too_soon = fragment.times_sent > 1 && now - fragment.record.sent_at < soonest;
        if (fragment.state == FragmentState::lost || too_soon)
        {
            adapt_reordering(fragment, now);
        }
        if (fragment.state == FragmentState::travelling)
        {
            path_.on_delivered(fragment.record, now);
        }
        if (!too_soon)
        {
            arrived_sequence_ = std::max(arrived_sequence_, fragment.sequence + 1);
        }
        const bool full = fragment.record.bytes == geometry().fragment_size() + options_.overhead;
        full_sent_ = full ? 0 : full_sent_;
    }
    if (!change.arrived.empty())
    {
        last_progress_ = now;
        path_.on_acknowledged(now);
    }
}

/// The fragment that an acknowledgement names did arrive, whatever became of it: what left before it and is not here
/// was overtaken. An answer sooner than any round trip belongs to an earlier copy.
void StreamSender::note_named(const Acknowledgement& acknowledgement, TimePoint now)
{
    const SentFragment* const named = board_.find(geometry().place(acknowledgement.fragment));
    if (named == nullptr || named->times_sent == 0)
    {
        return;
    }
    if (named->times_sent == 1 && named->state != FragmentState::arrived)
    {
        path_.on_round_trip(now - named->record.sent_at, now);
    }
    const Duration soonest = path_.least_round_trip().value_or(path_.smoothed_round_trip());
    if (named->times_sent == 1 || now - named->record.sent_at >= soonest)
    {
        arrived_sequence_ = std::max(arrived_sequence_, named->sequence + 1);
    }
    const bool full = named->record.bytes == geometry().fragment_size() + options_.overhead;
    full_sent_ = full ? 0 : full_sent_;
    small_answers_ = full_sent_ == 0 ? 0 : small_answers_ + 1;
}

/// A fragment that counted as lost was only late: let more overtake before the next one counts as lost. At most one
/// step per round trip.
void StreamSender::adapt_reordering(const SentFragment& late, TimePoint now)
{
    if (now - reordering_at_ < path_.smoothed_round_trip())
    {
        return;
    }
    const std::uint64_t overtaken = arrived_sequence_ > late.sequence ? arrived_sequence_ - late.sequence : 0;
    reordering_ = std::min(std::max(reordering_ * 2, std::min(overtaken, reordering_ * 4)), most_reordering);
    reordering_at_ = now;
}

void StreamSender::enter_refusals(const Acknowledgement& acknowledgement, bool fresh)
{
    const Place place = geometry().place(acknowledgement.fragment);
    if (acknowledgement.status == protocol::FragmentStatus::outside_window)
    {
        SentFragment* const fragment = board_.find(place);
        if (fragment != nullptr && fragment->state == FragmentState::travelling)
        {
            path_.on_lost(fragment->record);
            board_.mark_lost(place);
            board_.shrink_window();
        }
    }
    if (acknowledgement.status == protocol::FragmentStatus::block_check_failed && fresh &&
        failed_check_at_ != acknowledgement.received)
    {
        failed_check_at_ = acknowledgement.received;
        const auto failures =
            board_.restart_block(place.block, [&](const SentFragment& dropped) { path_.on_lost(dropped.record); });
        check_failed_ = failures >= most_check_failures;
    }
}

// ------------------------------------------------------------------------------------------------ losses and time

/// Lost is what left before something that arrived, by enough transmissions or by enough time.
void StreamSender::find_losses(TimePoint now)
{
    const Duration patience = loss_delay();
    while (!transmissions_.empty())
    {
        const Transmission& oldest = transmissions_.front();
        if (!superseded(oldest))
        {
            const bool overtaken = oldest.sequence < arrived_sequence_;
            if (!overtaken || (oldest.sequence + reordering_ >= arrived_sequence_ && now < oldest.sent_at + patience))
            {
                return;
            }
            path_.on_lost(board_.find(oldest.place)->record);
            board_.mark_lost(oldest.place);
        }
        transmissions_.pop_front();
    }
}

/// Arrived, lost or sent again since.
bool StreamSender::superseded(const Transmission& transmission)
{
    const SentFragment* const fragment = board_.find(transmission.place);
    return fragment == nullptr || fragment->state != FragmentState::travelling ||
           fragment->sequence != transmission.sequence;
}

Duration StreamSender::loss_delay() const
{
    const Duration round_trip = path_.smoothed_round_trip();
    return round_trip + std::max({round_trip / 4, 2 * path_.round_trip_variation(), Duration{milliseconds{1}}});
}

/// When the oldest overtaken transmission counts as lost, if nothing else is heard.
TimePoint StreamSender::loss_time() const
{
    const bool overtaken = !transmissions_.empty() && transmissions_.front().sequence < arrived_sequence_;
    return overtaken ? transmissions_.front().sent_at + loss_delay() : TimePoint::max();
}

TimePoint StreamSender::probe_time() const
{
    const Duration patience =
        path_.smoothed_round_trip() + std::max(4 * path_.round_trip_variation(), Duration{least_patience});
    const Duration grown = patience * (std::int64_t{1} << std::min(silent_probes_, 6));
    return std::max(last_sent_, last_heard_) + std::min(grown, std::max(patience, longest_patience));
}

TimePoint StreamSender::deadline() const
{
    if (board_.complete() || check_failed_)
    {
        return TimePoint::max();
    }
    TimePoint when = std::min(loss_time(), probe_time());
    if (!starved_ && !window_full() && paced())
    {
        when = std::min(when, path_.paced_until());
    }
    return std::min(when, last_progress_ + options_.give_up);
}

SenderState StreamSender::state(TimePoint now) const
{
    if (board_.complete())
    {
        return SenderState::complete;
    }
    if (check_failed_)
    {
        return SenderState::check_failed;
    }
    return now - last_progress_ >= options_.give_up ? SenderState::no_progress : SenderState::running;
}

PathHint StreamSender::hint(TimePoint now) const
{
    const Duration patience = std::max(Duration{seconds{2}}, 4 * path_.smoothed_round_trip());
    const bool suspected = full_sent_ >= full_lost_limit && small_answers_ > 1 && now - full_sent_at_ >= patience;
    return suspected ? PathHint::large_messages_lost : PathHint::none;
}

} // namespace fwupdate::stream
