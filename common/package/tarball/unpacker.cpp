#include "common/package/tarball/unpacker.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace fwupdate::package
{
namespace
{

/// Erased flash and empty file systems pack to nearly nothing: honest images may exceed any ratio for a while.
constexpr std::uint64_t ratio_grace = 4ULL << 20;

/// Packed bytes that may come to nothing. No packer writes more than a header's worth; without a bound, one call would
/// read the whole source.
constexpr std::size_t most_barren = 1 << 20;

bool begins_with(ConstBytes bytes, ConstBytes magic)
{
    return bytes.size() >= magic.size() && std::ranges::equal(bytes.first(magic.size()), magic);
}

} // namespace

Packing packing_of(ConstBytes header)
{
    constexpr std::array<std::uint8_t, 3> gzip{0x1F, 0x8B, 0x08};
    constexpr std::array<std::uint8_t, 6> xz{0xFD, '7', 'z', 'X', 'Z', 0x00};
    constexpr std::array<std::uint8_t, 4> zstd{0x28, 0xB5, 0x2F, 0xFD};
    return begins_with(header, gzip)   ? Packing::gzip
           : begins_with(header, xz)   ? Packing::xz
           : begins_with(header, zstd) ? Packing::zstd
                                       : Packing::none;
}

Unpacker::Unpacker(ByteSource source, const UnpackLimits& limits) : source_{std::move(source)}, limits_{limits} {}

Result<ConstBytes> Unpacker::next()
{
    if (ended_)
    {
        return ConstBytes{};
    }
    if (!chosen_)
    {
        if (const auto chosen = choose_decoder(); !chosen)
        {
            return chosen.error();
        }
    }
    auto given = decoder_ ? unpack() : copy();
    if (!given)
    {
        return given.error();
    }
    unpacked_ += given->size();
    if (const auto within = check_limits(); !within)
    {
        return within.error();
    }
    return given;
}

Result<void> Unpacker::refill()
{
    if (!rest_.empty() || read_ == source_.size)
    {
        return {};
    }
    input_.resize(std::min<std::uint64_t>(slice, source_.size - read_));
    if (const auto read = source_.read(read_, input_); !read)
    {
        return read.error();
    }
    read_ += input_.size();
    rest_ = input_;
    return {};
}

Result<void> Unpacker::choose_decoder()
{
    if (const auto filled = refill(); !filled)
    {
        return filled.error();
    }
    switch (packing_of(rest_))
    {
    case Packing::gzip:
        decoder_ = make_gzip_decoder();
        break;
    case Packing::xz:
        decoder_ = make_xz_decoder(limits_.memory);
        break;
    case Packing::zstd:
        decoder_ = make_zstd_decoder(limits_.memory);
        break;
    case Packing::none:
        break;
    }
    chosen_ = true;
    return {};
}

Result<ConstBytes> Unpacker::copy()
{
    if (const auto filled = refill(); !filled)
    {
        return filled.error();
    }
    const ConstBytes given = rest_;
    rest_ = {};
    ended_ = given.empty();
    return given;
}

Result<ConstBytes> Unpacker::unpack()
{
    output_.resize(slice);
    MutableBytes room = output_;
    std::size_t barren = 0;
    while (room.size() == slice && !ended_)
    {
        if (const auto filled = refill(); !filled)
        {
            return filled.error();
        }
        const std::size_t before = rest_.size();
        const auto ended = decoder_->decode(rest_, room);
        if (!ended)
        {
            return ended.error();
        }
        ended_ = *ended;
        barren += before - rest_.size();
        if (room.size() == slice && barren > most_barren)
        {
            return fail(ErrorKind::integrity, "the packed data unpack to nothing");
        }
        if (!ended_ && before == 0 && room.size() == slice)
        {
            return fail(ErrorKind::length, "the packed data end early, at byte " + std::to_string(read_));
        }
    }
    if (ended_ && (!rest_.empty() || read_ != source_.size))
    {
        return fail(ErrorKind::integrity, "there are bytes behind the end of the packed data");
    }
    return ConstBytes{output_}.first(slice - room.size());
}

Result<void> Unpacker::check_limits() const
{
    if (unpacked_ > limits_.unpacked)
    {
        return fail(ErrorKind::no_space, "it unpacks to more than " + std::to_string(limits_.unpacked) + " bytes");
    }
    const std::uint64_t packed = read_ - rest_.size();
    if (decoder_ && unpacked_ > ratio_grace && unpacked_ / limits_.ratio > packed)
    {
        return fail(ErrorKind::no_space, "it unpacks to more than " + std::to_string(limits_.ratio) +
                                             " times its size; send it less tightly packed");
    }
    return {};
}

} // namespace fwupdate::package
