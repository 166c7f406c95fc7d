// Where every transport delivers: the agent's staging, seen from a transport.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <cstdint>

namespace fwupdate::transports
{

/// Gathers one image, block by block, in any order. Block n holds the bytes from n x 64 KiB on.
class ImageSink
{
  public:
    virtual ~ImageSink() = default;

    /// Bytes of the image; 0 while unknown (base profile).
    [[nodiscard]] virtual std::uint64_t size() const = 0;

    /// Whether the block is staged and was whole when it was written.
    [[nodiscard]] virtual bool has_block(std::uint32_t block) const = 0;

    /// Takes a whole block (the image's last one may be shorter). Errors: no_space, input_output.
    [[nodiscard]] virtual Result<void> write_block(std::uint32_t block, ConstBytes bytes) = 0;
};

} // namespace fwupdate::transports
