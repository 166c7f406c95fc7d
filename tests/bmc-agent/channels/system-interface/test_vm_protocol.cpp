#include "bmc-agent/channels/system-interface/vm_protocol.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent::system_interface;

TEST_CASE("a message and a command, byte for byte")
{
    VmDecoder decoder;
    CHECK(decoder.take(*from_hex("00 18 01 e7 a0")) == std::vector{VmUnit{false, {0x00, 0x18, 0x01}}});
    CHECK(decoder.take(*from_hex("08 3f a1 ff 01 a1")) ==
          std::vector{VmUnit{true, {0x08, 0x3F}}, VmUnit{true, {0xFF, 0x01}}});
    CHECK(decoder.dropped() == 0);
    Bytes out;
    append_message(Bytes{0x00, 0x18, 0x01}, out);
    append_command(VmCommand::enable_interrupt, {}, out);
    CHECK(to_hex(out) == "001801e7a005a1");
}

TEST_CASE("every byte value survives the way there and back, in any pieces")
{
    Bytes message(256);
    for (std::size_t at = 0; at < message.size(); ++at)
    {
        message[at] = static_cast<std::uint8_t>(at);
    }
    Bytes wire;
    append_message(message, wire);
    CHECK(wire.size() == 256 + 3 + 2); // three escapes, checksum and end mark
    VmDecoder decoder;
    std::vector<VmUnit> units;
    for (const std::uint8_t byte : wire)
    {
        for (VmUnit& unit : decoder.take(Bytes{byte}))
        {
            units.push_back(std::move(unit));
        }
    }
    CHECK(units == std::vector{VmUnit{false, message}});
}

TEST_CASE("the checksum may need an escape")
{
    for (const std::uint8_t checksum : {std::uint8_t{0xA0}, std::uint8_t{0xA1}, std::uint8_t{0xAA}})
    {
        const Bytes message{0x00, 0x00, static_cast<std::uint8_t>(-checksum)};
        Bytes wire;
        append_message(message, wire);
        VmDecoder decoder;
        CHECK(decoder.take(wire) == std::vector{VmUnit{false, message}});
    }
}

TEST_CASE("damaged, empty and endless units are dropped, and the next one is whole again")
{
    VmDecoder decoder;
    CHECK(decoder.take(*from_hex("00 18 02 e7 a0")).empty()); // checksum
    CHECK(decoder.take(*from_hex("a0 a1")).empty());
    CHECK(decoder.take(*from_hex("00 18 01 e7 aa a0")).empty()); // an escape of nothing
    CHECK(decoder.take(Bytes(100'000, 0x55)).empty());
    CHECK(decoder.take(*from_hex("a0")).empty());
    CHECK(decoder.dropped() == 5);
    CHECK(decoder.take(*from_hex("00 18 01 e7 a0")).size() == 1);
}
