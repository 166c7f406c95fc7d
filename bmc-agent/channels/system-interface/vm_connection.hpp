// One emulator's connection: bytes in, bytes out.
#pragma once

#include "bmc-agent/channels/system-interface/host_channel.hpp"
#include "bmc-agent/channels/system-interface/vm_protocol.hpp"

namespace fwupdate::agent::system_interface
{

/// Pure: no descriptor, no clock.
class VmConnection
{
  public:
    explicit VmConnection(const HostChannel& channel) : channel_{channel} {}

    /// What the BMC says first.
    [[nodiscard]] static Bytes greeting();

    /// Takes in what arrived; gives what to send.
    [[nodiscard]] Bytes receive(ConstBytes bytes, TimePoint now);

  private:
    void serve(ConstBytes message, TimePoint now, Bytes& out) const;

    const HostChannel& channel_;
    VmDecoder decoder_;
};

} // namespace fwupdate::agent::system_interface
