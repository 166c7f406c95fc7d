// The digests of an image's blocks, taken as its bytes are hashed: what is read again later must be these bytes.
#pragma once

#include "common/sha256.hpp"
#include "protocol-spec/messages.hpp"

#include <cstdint>
#include <vector>

namespace fwupdate::agent
{

/// 32 bytes of memory for each block of 64 KiB.
class Seal
{
  public:
    /// Starts again from nothing.
    void reset();

    /// The image's next bytes.
    void update(ConstBytes bytes);

    /// Whether these are the bytes that were the image's block `block`; false for a block that has not gone by.
    [[nodiscard]] bool holds(std::uint32_t block, ConstBytes bytes) const;

  private:
    std::vector<Sha256> whole_; ///< of whole blocks
    Sha256Hasher open_;         ///< of the block that is going by
    std::size_t open_size_{};   ///< bytes of it
};

} // namespace fwupdate::agent
