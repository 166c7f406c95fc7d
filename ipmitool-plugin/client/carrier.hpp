// How the image gets onto the BMC: the part of an update that differs from way to way.
#pragma once

#include "ipmitool-plugin/client/context.hpp"

#include <cstdint>

namespace fwupdate::client
{

class Carrier
{
  public:
    virtual ~Carrier() = default;

    /// Opens the transfer to a target; what the BMC has of the image already counts as arrived.
    [[nodiscard]] virtual Attempt<void> begin(std::uint8_t target) = 0;

    /// Brings what is missing, or tells the BMC where it is; 29h-2 follows.
    [[nodiscard]] virtual Attempt<void> carry(ProgressMeter& meter) = 0;

    /// Bytes of the image known to be on the BMC when the transfer was opened or carried.
    [[nodiscard]] virtual std::uint64_t arrived() const = 0;

    /// The BMC's number of the transfer; 0: it has none (yet).
    [[nodiscard]] virtual std::uint16_t number() const = 0;

    /// Whether the BMC can go on without this program once it fetches.
    [[nodiscard]] virtual bool outlives_us() const = 0;

    /// The end of a pass, with what this way has to say about it.
    [[nodiscard]] virtual Outcome explained(Outcome outcome) const = 0;

    /// Nothing more is to be carried.
    virtual void finish() = 0;
};

} // namespace fwupdate::client
