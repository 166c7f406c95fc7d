// Takes the packing (none, gzip, xz, zstd) off a source, a slice at a time, within bounds: what is small on the wire
// may be endless when unpacked.
#pragma once

#include "common/package/byte_source.hpp"
#include "common/package/tarball/decoder.hpp"

#include <cstdint>
#include <memory>

namespace fwupdate::package
{

/// Bounds for a BMC with 64 MB of memory.
struct UnpackLimits
{
    std::uint64_t unpacked{512ULL << 20}; ///< bytes in all
    std::uint32_t ratio{100};             ///< unpacked bytes per packed one, beyond the first 4 MiB (erased flash)
    std::uint64_t memory{20ULL << 20};    ///< bytes of a decoder's window
};

enum class Packing : std::uint8_t
{
    none,
    gzip,
    xz,
    zstd,
};

/// By the first bytes; anything unknown counts as not packed.
[[nodiscard]] Packing packing_of(ConstBytes header);

class Unpacker
{
  public:
    /// Bytes of the largest slice that is read or given at a time.
    static constexpr std::size_t slice = 65536;

    Unpacker(ByteSource source, const UnpackLimits& limits);

    /// The next unpacked bytes, at most `slice`, valid until the next call; empty: the end. Errors: integrity (damaged,
    /// bytes behind the packed data), length (ends early), no_space (a bound), the source's own. An error is final.
    [[nodiscard]] Result<ConstBytes> next();

  private:
    [[nodiscard]] Result<void> refill();
    [[nodiscard]] Result<void> choose_decoder();
    [[nodiscard]] Result<ConstBytes> copy();
    [[nodiscard]] Result<ConstBytes> unpack();
    [[nodiscard]] Result<void> check_limits() const;

    ByteSource source_;
    UnpackLimits limits_;
    std::unique_ptr<Decoder> decoder_; ///< none: not packed
    bool chosen_{false};
    bool ended_{false};
    Bytes input_;
    ConstBytes rest_; ///< of input_
    Bytes output_;
    std::uint64_t read_{};     ///< bytes taken from the source
    std::uint64_t unpacked_{}; ///< bytes given
};

} // namespace fwupdate::package
