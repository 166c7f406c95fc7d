#include "transports/stream/bmc/receiver.hpp"

#include <algorithm>
#include <string>

namespace fwupdate::stream
{
namespace
{

using protocol::BlockEncoding;
using protocol::FragmentStatus;
using protocol::WriteFragmentRequest;

std::uint32_t little_endian(ConstBytes four)
{
    std::uint32_t value = 0;
    for (std::size_t at = 0; at < protocol::block_check_size; ++at)
    {
        value |= std::uint32_t{four[at]} << 8 * at;
    }
    return value;
}

/// Where a request's fragment lies; errors: see StreamReceiver::on_fragment.
Result<Place> locate(const Geometry& geometry, const WriteFragmentRequest& request)
{
    if (request.block >= geometry.blocks() || request.offset >= geometry.block_bytes(request.block))
    {
        return fail(ErrorKind::out_of_range, "A fragment lies outside of the image: block " +
                                                 std::to_string(request.block) + ", offset " +
                                                 std::to_string(request.offset) + ".");
    }
    const Place place{request.block, request.offset / geometry.fragment_size()};
    const bool fill = request.encoding == BlockEncoding::fill;
    const bool last = fill || geometry.ends_block(place);
    if ((!fill && request.encoding != BlockEncoding::raw) || request.offset % geometry.fragment_size() != 0 ||
        (fill && request.offset != 0) || request.flags.has(protocol::fragment_block_end) != last)
    {
        return fail(ErrorKind::invalid_field, "A fragment's offset, flags or encoding do not belong together.");
    }
    const std::size_t carried = fill ? 1 : geometry.fragment_bytes(place);
    if (request.data.view.size() != carried + (last ? protocol::block_check_size : 0))
    {
        return fail(ErrorKind::length, "A fragment carries " + std::to_string(request.data.view.size()) +
                                           " bytes, which is not its length.");
    }
    return place;
}

/// Sets bits [from, to) of a bitmap.
void set_bits(Acknowledgement& out, std::size_t from, std::size_t to)
{
    for (std::size_t bit = from; bit < to; ++bit)
    {
        out.bitmap[bit / 8] = static_cast<std::uint8_t>(out.bitmap[bit / 8] | 1U << bit % 8);
    }
    out.bitmap_size = from < to ? (to + 7) / 8 : out.bitmap_size;
}

} // namespace

StreamReceiver::StreamReceiver(const Geometry& geometry, std::uint32_t window_blocks, transports::ImageSink& sink,
                               std::size_t max_response)
    : geometry_{geometry},
      window_blocks_{std::max(window_blocks, 1U)},
      sink_{sink},
      bitmap_limit_{std::min(
          max_response > acknowledgement_header_size ? max_response - acknowledgement_header_size : 0, largest_bitmap)}
{
    slots_.reserve(std::min<std::size_t>(window_blocks_, geometry_.blocks()));
    refresh_window();
}

Result<FragmentOutcome> StreamReceiver::on_fragment(const WriteFragmentRequest& request, bool always_answer)
{
    if (closed_)
    {
        return fail(ErrorKind::wrong_state, "The transfer is closed: begin it again.");
    }
    const auto located = locate(geometry_, request);
    if (!located)
    {
        return located.error();
    }
    return place(request, *located, always_answer || request.flags.has(protocol::fragment_acknowledge));
}

Result<FragmentOutcome> StreamReceiver::place(const WriteFragmentRequest& request, Place place, bool answer)
{
    Slot* slot = find(place.block);
    if (slot == nullptr && (slots_.empty() || place.block > slots_.back().block))
    {
        refresh_window();
        slot = find(place.block);
    }
    if (slot == nullptr)
    {
        const bool staged = slots_.empty() || place.block < slots_.back().block || sink_.has_block(place.block);
        return staged ? answered(geometry_.number(place), FragmentStatus::accepted, answer)
                      : answered(geometry_.number(place), FragmentStatus::outside_window, true);
    }
    return request.encoding == BlockEncoding::fill ? take_fill(request, *slot, answer)
                                                   : take_raw(request, place, *slot, answer);
}

Result<FragmentOutcome> StreamReceiver::take_raw(const WriteFragmentRequest& request, Place place, Slot& slot,
                                                 bool answer)
{
    const std::uint32_t number = geometry_.number(place);
    open(slot);
    if (slot.assembly->has(place.index))
    {
        return answered(number, FragmentStatus::accepted, answer);
    }
    answer = reveals_gap(number) || answer;
    const std::size_t carried = geometry_.fragment_bytes(place);
    const ConstBytes check = request.data.view.subspan(carried);
    slot.assembly->take(place.index, request.data.view.first(carried),
                        check.empty() ? std::nullopt : std::optional{little_endian(check)});
    count(number + 1);
    if (!slot.assembly->whole())
    {
        return answered(number, FragmentStatus::accepted, answer);
    }
    if (!slot.assembly->matches())
    {
        recycle(slot);
        return answered(number, FragmentStatus::block_check_failed, true);
    }
    return finish(number, slot, slot.assembly->bytes(), answer);
}

Result<FragmentOutcome> StreamReceiver::take_fill(const WriteFragmentRequest& request, Slot& slot, bool answer)
{
    const std::uint32_t number = geometry_.first_fragment(slot.block);
    const ConstBytes carried = request.data.view.first(1);
    answer = reveals_gap(number) || answer;
    count(number + geometry_.block_fragments(slot.block));
    if (little_endian(request.data.view.subspan(1)) != block_check(carried))
    {
        recycle(slot);
        return answered(number, FragmentStatus::block_check_failed, true);
    }
    open(slot);
    return finish(number, slot, slot.assembly->fill(carried.front()), answer);
}

/// Hands a whole block to the sink; whether that works or not, its assembly is free again.
Result<FragmentOutcome> StreamReceiver::finish(std::uint32_t number, Slot& slot, ConstBytes bytes, bool answer)
{
    if (sink_.has_block(slot.block)) // another way was faster
    {
        refresh_window();
        return answered(number, FragmentStatus::accepted, answer);
    }
    const auto written = sink_.write_block(slot.block, bytes);
    recycle(slot);
    if (!written)
    {
        return written.error();
    }
    slots_.erase(slots_.begin() + (&slot - slots_.data()));
    refresh_window();
    FragmentOutcome outcome = answered(number, FragmentStatus::accepted, answer);
    outcome.block_written = true;
    return outcome;
}

FragmentOutcome StreamReceiver::answered(std::uint32_t number, FragmentStatus status, bool answer)
{
    FragmentOutcome outcome;
    if (answer)
    {
        outcome.acknowledgement = acknowledge(number, status);
    }
    return outcome;
}

Acknowledgement StreamReceiver::acknowledge(std::uint32_t number, FragmentStatus status)
{
    refresh_window();
    Acknowledgement out{status, number, geometry_.fragments(), received_, 0, {}};
    if (!slots_.empty())
    {
        const Slot& lowest = slots_.front();
        out.first_missing = geometry_.number({lowest.block, lowest.assembly ? lowest.assembly->first_missing() : 0U});
        append_bitmap(out);
    }
    return out;
}

/// From the fragment after the first missing one up to the highest taken one: blocks of the window that are begun say
/// what they have, blocks between those of the window are in the sink.
void StreamReceiver::append_bitmap(Acknowledgement& out) const
{
    const std::uint32_t base = out.first_missing + 1;
    const std::size_t limit = std::min<std::size_t>(expected_ > base ? expected_ - base : 0, 8 * bitmap_limit_);
    auto slot = slots_.begin();
    for (std::uint32_t block = slots_.front().block; slot != slots_.end(); ++block)
    {
        const std::uint32_t first = geometry_.first_fragment(block);
        const std::size_t from = first > base ? first - base : 0;
        if (from >= limit)
        {
            return;
        }
        const std::size_t to = std::min<std::size_t>(limit, first + geometry_.block_fragments(block) - base);
        if (slot->block != block)
        {
            set_bits(out, from, to);
            continue;
        }
        for (std::size_t bit = from; slot->assembly && bit < to; ++bit)
        {
            if (slot->assembly->has(static_cast<std::uint32_t>(base + bit - first)))
            {
                set_bits(out, bit, bit + 1);
            }
        }
        ++slot;
    }
}

void StreamReceiver::reopen(std::uint32_t block)
{
    if (closed_ || block >= next_candidate_ || find(block) != nullptr)
    {
        return; // its turn comes, or it is awaited anyway
    }
    if (slots_.size() >= window_blocks_)
    {
        if (block > slots_.back().block)
        {
            next_candidate_ = std::min(next_candidate_, block);
            return;
        }
        next_candidate_ = slots_.back().block;
        recycle(slots_.back());
        slots_.pop_back();
    }
    slots_.insert(std::ranges::lower_bound(slots_, block, {}, &Slot::block), Slot{block, nullptr});
}

void StreamReceiver::close() noexcept
{
    closed_ = true;
    slots_.clear();
    spare_.clear();
}

bool StreamReceiver::complete()
{
    if (!closed_)
    {
        refresh_window();
    }
    return !closed_ && slots_.empty();
}

std::size_t StreamReceiver::buffers() const
{
    const auto open = std::ranges::count_if(slots_, [](const Slot& slot) { return static_cast<bool>(slot.assembly); });
    return spare_.size() + static_cast<std::size_t>(open);
}

StreamReceiver::Slot* StreamReceiver::find(std::uint32_t block)
{
    const auto found = std::ranges::lower_bound(slots_, block, {}, &Slot::block);
    return found != slots_.end() && found->block == block ? &*found : nullptr;
}

/// Lets go of blocks that another way brought, and lets in the next missing ones.
void StreamReceiver::refresh_window()
{
    std::erase_if(slots_,
                  [&](Slot& slot)
                  {
                      const bool staged = sink_.has_block(slot.block);
                      if (staged)
                      {
                          recycle(slot);
                      }
                      return staged;
                  });
    for (; slots_.size() < window_blocks_ && next_candidate_ < geometry_.blocks(); ++next_candidate_)
    {
        if (!sink_.has_block(next_candidate_))
        {
            slots_.push_back({next_candidate_, nullptr});
        }
    }
}

void StreamReceiver::open(Slot& slot)
{
    if (slot.assembly)
    {
        return;
    }
    if (spare_.empty())
    {
        slot.assembly = std::make_unique<Assembly>(geometry_);
    }
    else
    {
        slot.assembly = std::move(spare_.back());
        spare_.pop_back();
    }
    slot.assembly->start(slot.block);
}

void StreamReceiver::recycle(Slot& slot)
{
    if (slot.assembly)
    {
        spare_.push_back(std::move(slot.assembly));
    }
}

/// Whether something between the highest fragment taken so far and this one is missing. Only the fragment that jumps
/// reveals it: the later ones of the same gap don't.
bool StreamReceiver::reveals_gap(std::uint32_t number)
{
    while (number > expected_)
    {
        const Place next = geometry_.place(expected_);
        if (next.index != 0 || find(next.block) != nullptr)
        {
            return true;
        }
        expected_ =
            next.block + 1 == geometry_.blocks() ? geometry_.fragments() : geometry_.first_fragment(next.block + 1);
    }
    return false;
}

void StreamReceiver::count(std::uint32_t next_number)
{
    ++received_;
    expected_ = std::max(expected_, next_number);
}

} // namespace fwupdate::stream
