// The standard commands that are not about sessions: what stock clients ask to look around (IPMI 2.0 chapters 20, 21,
// 22 and 28, HPM.2). The firmware commands (NetFn 08h) and those of sessions and channels have their own rooms.
#pragma once

#include "bmc-agent/commands/command_table.hpp"
#include "bmc-agent/config/config.hpp"
#include "bmc-agent/log/log.hpp"
#include "protocol-spec/messages.hpp"

#include <array>
#include <cstdint>

namespace fwupdate::agent
{

/// What does not change while the agent runs.
struct StandardFacts
{
    config::Device device;
    protocol::Identifier guid{};                 ///< as RFC 4122 writes it
    std::array<std::uint8_t, 4> agent_version{}; ///< major, minor, patch, 0: the auxiliary firmware revision
    std::uint8_t lan_channel{1};
};

/// Restarts the BMC for Cold Reset.
class Restarter
{
  public:
    virtual ~Restarter() = default;

    /// False: no restart is configured, or nothing may be interrupted now (an image is being programmed).
    [[nodiscard]] virtual bool ready() const = 0;

    /// Restarts soon, after the response is out.
    virtual void restart() = 0;
};

/// A GUID in the order of the wire: the fields of RFC 4122 from the last to the first, each least significant byte
/// first, which is the text's bytes backwards (20.8). Get Device GUID, Get System GUID and RAKP message 2 carry it.
[[nodiscard]] protocol::Identifier guid_on_wire(const protocol::Identifier& guid);

/// Get Device ID, Cold Reset, Get Self Test Results, Get Device GUID, Get System GUID.
void add_device_commands(CommandTable& table, const StandardFacts& facts, Restarter& restarter, Log& log);

/// BMC Global Enables, message flags, Get Message, Read Event Message Buffer: the queues of a system interface, which
/// are always empty here.
void add_message_commands(CommandTable& table);

/// Get BT Interface Capabilities and Get System Interface Capabilities: what the host's driver may send.
void add_interface_commands(CommandTable& table);

/// Get Chassis Status.
void add_chassis_commands(CommandTable& table);

/// HPM.2 Get LAN Attach Capabilities, and Get LAN Configuration Parameters for HPM.2's one parameter: ipmitool adopts
/// the message sizes it finds there.
void add_hpm2_commands(CommandTable& table, const StandardFacts& facts);

/// Get NetFn Support, Get Command Support and the other queries of the firmware firewall, answered from `table` itself,
/// which must stay where it is.
void add_discovery_commands(CommandTable& table);

/// All of the above. `restarter` and `log` outlive the table.
void add_standard_commands(CommandTable& table, const StandardFacts& facts, Restarter& restarter, Log& log);

} // namespace fwupdate::agent
