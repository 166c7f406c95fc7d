// What Linux's BMC-side character devices carry: one read is a whole request, one write a whole response.
// KCS (drivers/char/ipmi/kcs_bmc_cdev_ipmi.c): NetFn and LUN, command, data. BT (bt-bmc.c): length of the rest, NetFn
// and LUN, sequence, command, data (IPMI 2.0 sections 9.1 and 11.1).
#pragma once

#include "bmc-agent/channels/system-interface/host_channel.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::agent::system_interface
{

/// Bytes of the largest request a device gives: the KCS driver's buffer. A shorter read would abort the host's message.
inline constexpr std::size_t largest_device_message = 1000;

/// Pure: no descriptor, no clock.
class HostDeviceProtocol
{
  public:
    /// `type`: kcs or bt.
    HostDeviceProtocol(config::HostType type, const HostChannel& channel) : type_{type}, channel_{channel} {}

    /// The response to what one read() gave, ready for one write(); nothing: it was no message.
    [[nodiscard]] std::optional<Bytes> answer(ConstBytes message, TimePoint now) const;

  private:
    [[nodiscard]] Bytes answer_kcs(ConstBytes message, TimePoint now) const;
    [[nodiscard]] Bytes answer_bt(ConstBytes message, TimePoint now) const;

    config::HostType type_;
    const HostChannel& channel_;
};

/// When a device that is not there, or went away, is tried again, and which of its troubles are worth a line in the
/// log: each cause once, until it works again.
class Reopening
{
  public:
    static constexpr std::chrono::milliseconds shortest{100};
    static constexpr std::chrono::milliseconds longest{5000};

    struct Verdict
    {
        std::chrono::milliseconds delay{}; ///< until the next try
        bool tell{};
    };

    /// Opening failed, or what was open did.
    [[nodiscard]] Verdict failed(std::string_view cause);

    /// It is open. True: worth telling; not when it only fails again each time it is used.
    [[nodiscard]] bool opened();

    /// It works: the next trouble is a new one. True: worth telling, as the last trouble was told.
    [[nodiscard]] bool served();

  private:
    std::chrono::milliseconds delay_{shortest};
    std::string cause_; ///< told last
    bool told_open_{false};
};

} // namespace fwupdate::agent::system_interface
