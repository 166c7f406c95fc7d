// Where a fragment lies: image <-> blocks of 64 KiB <-> fragments, as protocol-spec/messages.hpp numbers them.
#pragma once

#include "common/result.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <optional>

namespace fwupdate::stream
{

/// A fragment's address: its block, and its place in the block counted in fragments.
struct Place
{
    std::uint32_t block{};
    std::uint32_t index{};

    bool operator==(const Place&) const = default;
};

/// The cut of one image into blocks and fragments. Exists only with sizes that the protocol can number.
class Geometry
{
  public:
    /// `size` in bytes, 1..4 GiB; `fragment_size` in image bytes, 1..65535. Errors: out_of_range.
    [[nodiscard]] static Result<Geometry> make(std::uint64_t size, std::uint32_t fragment_size);

    /// Bytes of the image.
    [[nodiscard]] std::uint64_t size() const
    {
        return size_;
    }
    /// Image bytes of every fragment but a block's last.
    [[nodiscard]] std::uint32_t fragment_size() const
    {
        return fragment_size_;
    }
    [[nodiscard]] std::uint32_t blocks() const
    {
        return blocks_;
    }
    /// Of every block but the last; also the stride of the numbering.
    [[nodiscard]] std::uint32_t fragments_per_block() const
    {
        return fragments_per_block_;
    }
    /// Of the whole image.
    [[nodiscard]] std::uint32_t fragments() const
    {
        return fragments_;
    }

    /// Bytes of a block: 64 KiB, or less for the last one. `block` must exist.
    [[nodiscard]] std::uint32_t block_bytes(std::uint32_t block) const
    {
        return block + 1 == blocks_ ? last_block_bytes_ : protocol::block_size;
    }
    [[nodiscard]] std::uint32_t block_fragments(std::uint32_t block) const
    {
        return block + 1 == blocks_ ? fragments_ - first_fragment(block) : fragments_per_block_;
    }
    /// The number of a block's first fragment.
    [[nodiscard]] std::uint32_t first_fragment(std::uint32_t block) const
    {
        return block * fragments_per_block_;
    }
    [[nodiscard]] std::uint32_t number(Place place) const
    {
        return first_fragment(place.block) + place.index;
    }
    /// `fragment` must exist.
    [[nodiscard]] Place place(std::uint32_t fragment) const
    {
        return {fragment / fragments_per_block_, fragment % fragments_per_block_};
    }
    /// Image bytes of a fragment; the place must exist.
    [[nodiscard]] std::uint32_t fragment_bytes(Place place) const
    {
        const std::uint32_t rest = block_bytes(place.block) - offset(place);
        return rest < fragment_size_ ? rest : fragment_size_;
    }
    /// Bytes into the block.
    [[nodiscard]] std::uint32_t offset(Place place) const
    {
        return place.index * fragment_size_;
    }
    [[nodiscard]] bool ends_block(Place place) const
    {
        return place.index + 1 == block_fragments(place.block);
    }

    bool operator==(const Geometry&) const = default;

  private:
    Geometry(std::uint64_t size, std::uint32_t fragment_size);

    std::uint64_t size_;
    std::uint32_t fragment_size_;
    std::uint32_t blocks_;
    std::uint32_t last_block_bytes_;
    std::uint32_t fragments_per_block_;
    std::uint32_t fragments_;
};

/// What the way to the BMC asks of a message's length.
struct MessageLimit
{
    std::size_t largest{}; ///< bytes of request data, fragment header and CRC-32 included
    /// ipmitool 1.8.19 writes past its buffer when it encrypts request data of 9 or 10 bytes modulo 16: such lengths
    /// are avoided where its own code sends.
    bool spare_ipmitool{false};
};

/// The longest request data of this cut: full fragment, a block's last and the image's last, CRC-32 included.
[[nodiscard]] std::size_t longest_message(const Geometry& geometry);

/// The greatest fragment size whose every message keeps to the limit. Errors: out_of_range.
[[nodiscard]] Result<std::uint16_t> fragment_size_for(std::uint64_t image_size, const MessageLimit& limit);

} // namespace fwupdate::stream
