// Any interface that answers each request before it takes the next: system interfaces, IPMI 1.5, bridged sessions.
#pragma once

#include "transports/stream/host/fragment_link.hpp"

#include <functional>

namespace fwupdate::stream
{

/// Sends one request and gives its response. ErrorKind::timeout: no answer came, the request may be repeated; every
/// other error ends the transfer.
using Exchange = std::function<Result<ipmi::Response>(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data)>;

/// Where the link has its time from.
struct LinkClock
{
    std::function<TimePoint()> now{[] { return Clock::now(); }};
    std::function<void(TimePoint)> sleep_until; ///< empty: std::this_thread
};

class OneAtATimeLink : public FragmentLink
{
  public:
    explicit OneAtATimeLink(Exchange exchange, LinkClock clock = {});

    [[nodiscard]] TimePoint now() const override;
    [[nodiscard]] std::size_t batch() const override;
    [[nodiscard]] Result<void> send(std::span<const ConstBytes> messages) override;
    [[nodiscard]] Result<void> wait(TimePoint deadline, std::vector<ipmi::Response>& responses) override;

  private:
    Exchange exchange_;
    LinkClock clock_;
    std::vector<ipmi::Response> arrived_;
};

} // namespace fwupdate::stream
