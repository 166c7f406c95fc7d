#include "bmc-agent/channels/system-interface/vm_protocol.hpp"

#include <numeric>
#include <utility>

namespace fwupdate::agent::system_interface
{
namespace
{

constexpr std::uint8_t message_end = 0xA0;
constexpr std::uint8_t command_end = 0xA1;
constexpr std::uint8_t escape = 0xAA;
constexpr std::uint8_t escape_bit = 0x10;

std::uint8_t sum(ConstBytes bytes)
{
    return std::accumulate(bytes.begin(), bytes.end(), std::uint8_t{0},
                           [](std::uint8_t left, std::uint8_t right)
                           { return static_cast<std::uint8_t>(left + right); });
}

void append_escaped(std::uint8_t byte, Bytes& out)
{
    if (byte == message_end || byte == command_end || byte == escape)
    {
        out.push_back(escape);
        byte = byte | escape_bit;
    }
    out.push_back(byte);
}

} // namespace

std::vector<VmUnit> VmDecoder::take(ConstBytes bytes)
{
    std::vector<VmUnit> units;
    for (std::uint8_t byte : bytes)
    {
        if (byte == message_end || byte == command_end)
        {
            end(byte == command_end, units);
            continue;
        }
        if (byte == escape)
        {
            escaped_ = true;
            continue;
        }
        if (std::exchange(escaped_, false))
        {
            byte = static_cast<std::uint8_t>(byte & ~escape_bit);
        }
        too_long_ = too_long_ || unit_.size() >= longest;
        if (!too_long_)
        {
            unit_.push_back(byte);
        }
    }
    return units;
}

void VmDecoder::end(bool command, std::vector<VmUnit>& out)
{
    const bool damaged = too_long_ || escaped_ || unit_.empty() || (!command && sum(unit_) != 0);
    if (damaged)
    {
        ++dropped_;
    }
    else
    {
        unit_.resize(unit_.size() - (command ? 0 : 1));
        out.push_back({command, std::move(unit_)});
    }
    unit_.clear();
    escaped_ = too_long_ = false;
}

void append_message(ConstBytes message, Bytes& out)
{
    for (const std::uint8_t byte : message)
    {
        append_escaped(byte, out);
    }
    append_escaped(static_cast<std::uint8_t>(-sum(message)), out);
    out.push_back(message_end);
}

void append_command(VmCommand command, ConstBytes arguments, Bytes& out)
{
    append_escaped(static_cast<std::uint8_t>(command), out);
    for (const std::uint8_t byte : arguments)
    {
        append_escaped(byte, out);
    }
    out.push_back(command_end);
}

} // namespace fwupdate::agent::system_interface
