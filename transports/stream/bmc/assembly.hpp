// One block while its fragments arrive: buffer, which fragments are here, the CRC-32 that the last one carried.
#pragma once

#include "common/bytes.hpp"
#include "transports/stream/engine/block_check.hpp"
#include "transports/stream/engine/geometry.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace fwupdate::stream
{

/// Buffer and bits are allocated once and reused for block after block.
class Assembly
{
  public:
    explicit Assembly(const Geometry& geometry);

    /// Forgets everything and starts on `block`.
    void start(std::uint32_t block);

    [[nodiscard]] bool has(std::uint32_t index) const
    {
        return (bits_[index / 64] >> index % 64 & 1) != 0;
    }

    /// Keeps a fragment that is not here yet; `data` has exactly its bytes, `check` goes with the block's last.
    void take(std::uint32_t index, ConstBytes data, std::optional<std::uint32_t> check);

    /// The lowest fragment that is not here; equal to the block's number of fragments when it is whole.
    [[nodiscard]] std::uint32_t first_missing() const
    {
        return first_missing_;
    }
    [[nodiscard]] bool whole() const
    {
        return taken_ == fragments_;
    }
    /// Whether a whole block has the CRC-32 it should have.
    [[nodiscard]] bool matches() const
    {
        return check_ == block_check(bytes());
    }
    [[nodiscard]] ConstBytes bytes() const
    {
        return ConstBytes{buffer_}.first(geometry_.block_bytes(block_));
    }
    /// The whole block set to one value.
    [[nodiscard]] ConstBytes fill(std::uint8_t value);

  private:
    Geometry geometry_;
    Bytes buffer_;
    std::vector<std::uint64_t> bits_;
    std::uint32_t block_{};
    std::uint32_t fragments_{};
    std::uint32_t taken_{};
    std::uint32_t first_missing_{};
    std::optional<std::uint32_t> check_;
};

} // namespace fwupdate::stream
