// The deployed base-profile BMC with its quirks, as recorded: 22h counts one entry too many, download right after
// enter, sticky flags and options, blind append, FFh on a digest mismatch, a mode without owner or lease.
#pragma once

#include "ipmitool-plugin/client/port.hpp"
#include "protocol-spec/messages.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fwupdate::test
{

class DeployedBmc final : public client::Port
{
  public:
    [[nodiscard]] const client::PortFacts& facts() const override
    {
        return port_facts;
    }
    Result<ipmi::Response> exchange(ipmi::NetFn net_fn, std::uint8_t command, ConstBytes data,
                                    client::Patience patience) override;
    Result<void> reopen(int seconds) override;
    std::unique_ptr<client::StreamLink> open_stream() override
    {
        return nullptr;
    }

    enum class Loss : std::uint8_t
    {
        none,
        request,
        answer,
    };
    std::function<Loss(std::uint8_t command)> on_command;

    client::PortFacts port_facts{
        client::LinkKind::lan, 1400, 1400, "old-bmc", "root", "ipmitool -I lanplus -H old-bmc", {}};
    Bytes staged;
    Bytes activated;
    std::uint8_t status{0x00};
    std::uint8_t percent{0};
    std::uint8_t integrity{0};
    std::uint8_t flags{0};
    std::uint8_t options{0};
    std::size_t limit{45U << 20};
    std::string command_40; ///< what 40h answers; empty: C1h
    bool in_mode{false};
    bool serves_22{true};
    bool restarts{false};        ///< activation restarts the BMC
    bool restarts_unseen{false}; ///< ... before anybody sees "ready"
    bool version_changes{false}; ///< ... into another version
    int reopen_failures{0};

    // ---- what was seen
    std::vector<std::pair<std::uint8_t, Bytes>> seen;
    bool repeated_a_write{false}; ///< a 2Ch was sent with repeats allowed
    std::size_t longest_write{0};
    int starts{0};

    /// The power fails: sessions, mode and everything staged are lost.
    void restart();

  private:
    ipmi::Response serve(std::uint8_t command, ConstBytes data);
    ipmi::Response control(ConstBytes data);
    ipmi::Response device_id();

    Sha256 wanted_{};
    bool alive_{true};
    bool restarted_{false};
    int polls_{0};
};

} // namespace fwupdate::test
