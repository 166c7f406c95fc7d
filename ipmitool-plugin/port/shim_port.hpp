// The port over ipmitool's interface.
#pragma once

#include "ipmitool-plugin/client/port.hpp"
#include "ipmitool-plugin/shim/fwupdate_shim.h"

namespace fwupdate::plugin
{

/// What an interface of ipmitool carries. `ipv6`: the LAN session runs over IPv6.
[[nodiscard]] client::PortFacts facts_of(const fwupdate_facts& facts, bool ipv6);

class ShimPort final : public client::Port
{
  public:
    explicit ShimPort(fwupdate_interface* interface);

    [[nodiscard]] const client::PortFacts& facts() const override
    {
        return facts_;
    }
    Result<ipmi::Response> exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data,
                                    client::Patience patience) override;
    Result<void> reopen(int seconds) override;
    std::unique_ptr<client::StreamLink> open_stream() override;

  private:
    fwupdate_interface* interface_;
    client::PortFacts facts_;
};

} // namespace fwupdate::plugin
