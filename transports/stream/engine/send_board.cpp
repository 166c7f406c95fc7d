#include "transports/stream/engine/send_board.hpp"

#include <algorithm>

namespace fwupdate::stream
{

SendBoard::SendBoard(const Geometry& geometry, std::vector<bool> present, std::uint32_t window_blocks, FillTest is_fill)
    : geometry_{geometry},
      done_{std::move(present)},
      window_blocks_{std::max(window_blocks, 1U)},
      is_fill_{std::move(is_fill)}
{
    done_.resize(geometry_.blocks());
    for (std::uint32_t block = 0; block < geometry_.blocks(); ++block)
    {
        remaining_ += done_[block] ? 0 : 1;
        bytes_arrived_ += done_[block] ? geometry_.block_bytes(block) : 0;
    }
    const auto first = std::ranges::find(done_, false) - done_.begin();
    move_horizon(remaining_ > 0 ? geometry_.first_fragment(static_cast<std::uint32_t>(first)) : 0);
}

std::optional<Place> SendBoard::pick()
{
    const std::size_t usable = std::min<std::size_t>(window_blocks_, open_.size());
    for (std::size_t at = 0; lost_ > 0 && at < usable; ++at)
    {
        const auto& fragments = open_[at].fragments;
        if (open_[at].lost > 0)
        {
            const auto lost = std::ranges::find(fragments, FragmentState::lost, &SentFragment::state);
            return Place{open_[at].block, static_cast<std::uint32_t>(lost - fragments.begin())};
        }
    }
    if (usable < open_.size())
    {
        return std::nullopt; // blocks came back: the newest ones wait
    }
    if (!open_.empty())
    {
        OpenBlock& newest = open_.back();
        while (newest.next_unsent < newest.fragments.size() &&
               newest.fragments[newest.next_unsent].state != FragmentState::unsent)
        {
            ++newest.next_unsent;
        }
        if (newest.next_unsent < newest.fragments.size())
        {
            return within_horizon({newest.block, newest.next_unsent});
        }
    }
    return open_next() ? within_horizon({open_.back().block, 0}) : std::nullopt;
}

std::optional<Place> SendBoard::within_horizon(Place place) const
{
    return geometry_.number(place) < horizon_ ? std::optional{place} : std::nullopt;
}

void SendBoard::move_horizon(std::uint32_t first_missing)
{
    horizon_ = std::uint64_t{first_missing} + 1 + 8 * largest_bitmap;
}

/// Blocks that something else brought before their turn came.
void SendBoard::skip_present(std::uint32_t first_missing)
{
    const std::uint32_t end =
        first_missing < geometry_.fragments() ? geometry_.place(first_missing).block : geometry_.blocks();
    for (; next_block_ < end; ++next_block_)
    {
        if (!done_[next_block_])
        {
            done_[next_block_] = true;
            --remaining_;
            bytes_arrived_ += geometry_.block_bytes(next_block_);
        }
    }
}

bool SendBoard::open_next()
{
    while (next_block_ < geometry_.blocks() && done_[next_block_])
    {
        ++next_block_;
    }
    if (next_block_ == geometry_.blocks() || open_.size() >= window_blocks_)
    {
        return false;
    }
    open_.push_back(make_block(next_block_++));
    return true;
}

OpenBlock SendBoard::make_block(std::uint32_t block)
{
    OpenBlock open;
    open.block = block;
    open.fill = is_fill_ && is_fill_(block);
    open.fragments.resize(open.fill ? 1 : geometry_.block_fragments(block));
    return open;
}

/// A block that counted as done is missing after all.
void SendBoard::reopen(std::uint32_t block)
{
    done_[block] = false;
    ++remaining_;
    bytes_arrived_ -= geometry_.block_bytes(block);
    if (block >= next_block_)
    {
        return; // never sent by this sender: its turn comes
    }
    OpenBlock open = make_block(block);
    for (SentFragment& fragment : open.fragments)
    {
        fragment.state = FragmentState::lost;
    }
    open.lost = static_cast<std::uint32_t>(open.fragments.size());
    lost_ += open.lost;
    open_.insert(std::ranges::lower_bound(open_, block, {}, &OpenBlock::block), std::move(open));
}

void SendBoard::set_state(OpenBlock& open, std::uint32_t index, FragmentState state)
{
    SentFragment& fragment = open.fragments[index];
    const auto leave_or_enter = [&](FragmentState which, std::uint32_t& counter)
    { counter += (state == which ? 1U : 0U) - (fragment.state == which ? 1U : 0U); };
    leave_or_enter(FragmentState::lost, open.lost);
    leave_or_enter(FragmentState::lost, lost_);
    leave_or_enter(FragmentState::travelling, travelling_);
    const std::uint64_t bytes = fragment_bytes(open, index);
    bytes_arrived_ += (state == FragmentState::arrived ? bytes : 0);
    bytes_arrived_ -= (fragment.state == FragmentState::arrived ? bytes : 0);
    fragment.state = state;
    open.settled = state == FragmentState::arrived ? open.settled : std::min(open.settled, index);
    while (open.settled < open.fragments.size() && open.fragments[open.settled].state == FragmentState::arrived)
    {
        ++open.settled;
    }
}

std::uint32_t SendBoard::fragment_bytes(const OpenBlock& open, std::uint32_t index) const
{
    return open.fill ? geometry_.block_bytes(open.block) : geometry_.fragment_bytes({open.block, index});
}

void SendBoard::mark_sent(Place place, std::uint64_t sequence, const SendRecord& record)
{
    OpenBlock* const open = find_open(place.block);
    if (open == nullptr)
    {
        return;
    }
    SentFragment& fragment = open->fragments[place.index];
    if (fragment.state != FragmentState::arrived)
    {
        set_state(*open, place.index, FragmentState::travelling);
    }
    fragment.times_sent = static_cast<std::uint8_t>(std::min(fragment.times_sent + 1, 255));
    fragment.sequence = sequence;
    fragment.record = record;
}

void SendBoard::mark_lost(Place place)
{
    OpenBlock* const open = find_open(place.block);
    if (open != nullptr)
    {
        set_state(*open, place.index, FragmentState::lost);
    }
}

std::uint32_t SendBoard::restart_block(std::uint32_t block, const std::function<void(const SentFragment&)>& on_dropped)
{
    OpenBlock* const open = find_open(block);
    if (open == nullptr)
    {
        return 0;
    }
    for (std::uint32_t index = 0; index < open->fragments.size(); ++index)
    {
        const FragmentState state = open->fragments[index].state;
        if (state == FragmentState::travelling)
        {
            on_dropped(open->fragments[index]);
        }
        set_state(*open, index, state == FragmentState::unsent ? state : FragmentState::lost);
    }
    return ++open->check_failures;
}

const BoardChange& SendBoard::apply(const Acknowledgement& acknowledgement, bool fresh)
{
    change_.arrived.clear();
    if (fresh)
    {
        move_horizon(acknowledgement.first_missing);
        skip_present(acknowledgement.first_missing);
    }
    if (fresh && acknowledgement.first_missing < geometry_.fragments())
    {
        const std::uint32_t missing = geometry_.place(acknowledgement.first_missing).block;
        // The bound keeps a BMC that takes back everything it said from filling our memory.
        if (done_[missing] && open_.size() < 2 * std::size_t{window_blocks_})
        {
            reopen(missing);
        }
    }
    bool any_done = false;
    for (OpenBlock& open : open_)
    {
        if (apply_to(open, acknowledgement, fresh))
        {
            any_done = true;
            done_[open.block] = true;
            --remaining_;
        }
    }
    if (any_done)
    {
        std::erase_if(open_, [&](const OpenBlock& open) { return done_[open.block]; });
    }
    return change_;
}

bool SendBoard::apply_to(OpenBlock& open, const Acknowledgement& acknowledgement, bool fresh)
{
    const std::uint32_t first = geometry_.first_fragment(open.block);
    // What both ends know to be there is passed over: with a window of one, each fragment would cost a look at all
    // before it.
    const std::uint32_t agreed = std::max(acknowledgement.first_missing, first) - first;
    bool whole = true;
    for (std::uint32_t index = std::min(open.settled, agreed); index < open.fragments.size(); ++index)
    {
        const auto here = acknowledgement.here(first + index);
        const SentFragment& fragment = open.fragments[index];
        whole = whole && here.value_or(false);
        if (!here)
        {
            return false; // nor does the bitmap say anything of later ones
        }
        if (*here && fragment.state != FragmentState::arrived)
        {
            change_.arrived.push_back(fragment);
            set_state(open, index, FragmentState::arrived);
        }
        else if (!*here && fragment.state == FragmentState::arrived && fresh)
        {
            set_state(open, index, FragmentState::lost); // the block failed its check and the answer was lost
        }
    }
    return whole;
}

void SendBoard::shrink_window()
{
    window_blocks_ = std::max(window_blocks_ - 1, 1U);
}

SentFragment* SendBoard::find(Place place)
{
    OpenBlock* const open = find_open(place.block);
    return open != nullptr && place.index < open->fragments.size() ? &open->fragments[place.index] : nullptr;
}

const SentFragment* SendBoard::find(Place place) const
{
    const OpenBlock* const open = find_block(place.block);
    return open != nullptr && place.index < open->fragments.size() ? &open->fragments[place.index] : nullptr;
}

OpenBlock* SendBoard::find_open(std::uint32_t block)
{
    const auto found = std::ranges::lower_bound(open_, block, {}, &OpenBlock::block);
    return found != open_.end() && found->block == block ? &*found : nullptr;
}

const OpenBlock* SendBoard::find_block(std::uint32_t block) const
{
    const auto found = std::ranges::lower_bound(open_, block, {}, &OpenBlock::block);
    return found != open_.end() && found->block == block ? &*found : nullptr;
}

std::optional<Place> SendBoard::lowest_block_end() const
{
    if (open_.empty())
    {
        return std::nullopt;
    }
    const FragmentState state = open_.front().fragments.back().state;
    if (state == FragmentState::unsent || state == FragmentState::lost)
    {
        return std::nullopt;
    }
    return Place{open_.front().block, static_cast<std::uint32_t>(open_.front().fragments.size() - 1)};
}

} // namespace fwupdate::stream
