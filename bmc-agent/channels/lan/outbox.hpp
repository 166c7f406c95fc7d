// The datagrams that the engine wants sent, in order. Buffers are kept from batch to batch.
#pragma once

#include "bmc-agent/channels/lan/endpoint.hpp"
#include "common/bytes.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace fwupdate::agent::lan
{

struct Outgoing
{
    Endpoint to;
    Bytes bytes;
};

class Outbox
{
  public:
    /// A buffer for one more datagram; its old contents mean nothing. Valid until the next call.
    Bytes& add(const Endpoint& to)
    {
        if (used_ == slots_.size())
        {
            slots_.emplace_back();
        }
        Outgoing& slot = slots_[used_++];
        slot.to = to;
        return slot.bytes;
    }

    /// Takes the last datagram back.
    void withdraw()
    {
        --used_;
    }

    [[nodiscard]] std::span<const Outgoing> packets() const
    {
        return std::span{slots_}.first(used_);
    }

    void clear()
    {
        used_ = 0;
    }

  private:
    std::vector<Outgoing> slots_;
    std::size_t used_{};
};

} // namespace fwupdate::agent::lan
