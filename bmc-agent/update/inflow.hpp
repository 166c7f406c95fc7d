// Bytes that come in order, whatever brings them, on their way into staging.
#pragma once

#include "bmc-agent/staging/staging.hpp"

namespace fwupdate::agent
{

/// Gathers whole blocks for an image with a name, where blocks that are staged already are passed over; appends to one
/// without.
class Inflow
{
  public:
    explicit Inflow(Staging& staging) : staging_{staging} {}

    /// The next bytes are those from `offset` on, for a named image the beginning of a block.
    void begin(std::uint64_t offset);

    /// The next bytes; for a named image not beyond its size. Errors: those of Staging.
    [[nodiscard]] Result<void> accept(ConstBytes bytes);

  private:
    [[nodiscard]] Result<void> take_block();

    Staging& staging_;
    Bytes block_;
    std::uint64_t offset_{}; ///< of the block's first byte in the image
};

} // namespace fwupdate::agent
