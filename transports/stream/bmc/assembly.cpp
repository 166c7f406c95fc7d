#include "transports/stream/bmc/assembly.hpp"

#include <algorithm>

namespace fwupdate::stream
{

Assembly::Assembly(const Geometry& geometry)
    : geometry_{geometry}, buffer_(geometry.block_bytes(0)), bits_((geometry.fragments_per_block() + 63) / 64)
{
}

void Assembly::start(std::uint32_t block)
{
    block_ = block;
    fragments_ = geometry_.block_fragments(block);
    taken_ = 0;
    first_missing_ = 0;
    check_.reset();
    std::ranges::fill(bits_, 0);
}

void Assembly::take(std::uint32_t index, ConstBytes data, std::optional<std::uint32_t> check)
{
    std::ranges::copy(data, buffer_.begin() + geometry_.offset({block_, index}));
    bits_[index / 64] |= std::uint64_t{1} << index % 64;
    ++taken_;
    if (check)
    {
        check_ = check;
    }
    while (first_missing_ < fragments_ && has(first_missing_))
    {
        ++first_missing_;
    }
}

ConstBytes Assembly::fill(std::uint8_t value)
{
    const std::uint32_t size = geometry_.block_bytes(block_);
    std::fill_n(buffer_.begin(), size, value);
    return bytes();
}

} // namespace fwupdate::stream
