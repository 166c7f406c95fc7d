// The serial protocol between an emulator's external BMC device and a BMC, as QEMU's ipmi-bmc-extern and OpenIPMI speak
// it ("VM" mode): A0h ends a message, A1h ends a command, AAh escapes.
#pragma once

#include "common/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fwupdate::agent::system_interface
{

/// What travels beside the messages.
enum class VmCommand : std::uint8_t
{
    clear_attention = 0x00,
    attention = 0x01,
    attention_interrupt = 0x02,
    power_off = 0x03,
    reset = 0x04, ///< from the BMC: reset the machine; from the emulator: it was reset
    enable_interrupt = 0x05,
    disable_interrupt = 0x06,
    send_nmi = 0x07,
    capabilities = 0x08, ///< from the emulator; one byte follows
    graceful_shutdown = 0x09,
    version = 0xFF, ///< both ways; one byte follows
};

inline constexpr std::uint8_t vm_protocol_version = 1;

/// One piece of the stream, unescaped.
struct VmUnit
{
    bool command{}; ///< else a message, its checksum checked and taken off
    Bytes bytes;

    bool operator==(const VmUnit&) const = default;
};

/// Cuts the byte stream of one connection. What is damaged or longer than any message is dropped: the driver repeats.
class VmDecoder
{
  public:
    static constexpr std::size_t longest = 1024; ///< bytes of a unit

    /// Takes in what arrived; gives what is complete now.
    [[nodiscard]] std::vector<VmUnit> take(ConstBytes bytes);

    /// Units dropped so far.
    [[nodiscard]] std::uint64_t dropped() const
    {
        return dropped_;
    }

  private:
    void end(bool command, std::vector<VmUnit>& out);

    Bytes unit_;
    bool escaped_{false};
    bool too_long_{false};
    std::uint64_t dropped_{};
};

/// A message with its checksum and end mark, appended.
void append_message(ConstBytes message, Bytes& out);

/// A command with its end mark, appended.
void append_command(VmCommand command, ConstBytes arguments, Bytes& out);

} // namespace fwupdate::agent::system_interface
