#include "tests/bmc-agent/commands/commands_bench.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::test;

namespace
{

/// Whether the answer to a mask query has the bit of a command set.
bool bit_of(const std::string& answer, std::uint8_t command)
{
    const Bytes bytes = *from_hex(answer);
    REQUIRE(bytes.size() == 17);
    const std::uint8_t low = command & 0x7F;
    return (bytes[1U + low / 8] >> low % 8 & 1) != 0;
}

} // namespace

TEST_CASE("Get NetFn Support: LUN 0, the pairs of the table")
{
    CommandsBench bench;
    // chassis 00h (bit 0), app 06h (bit 3), transport 0Ch (bit 6), group extension 2Ch (bit 22)
    CHECK(bench.ask("06 09 0e") == "00"
                                   "01"
                                   "49004000"
                                   "000000000000000000000000");
    CHECK(bench.ask("06 09 01") == bench.ask("06 09 0e"));
    CHECK(bench.ask("06 09 02") == "cc");
    CHECK(bench.ask("06 09 1e") == "cc");
    CHECK(bench.ask("06 09") == "c7");
    bench.table.add({ipmi::NetFn::firmware, 0x26, ipmi::Privilege::administrator, {}});
    CHECK(bench.ask("06 09 0e")
              .starts_with("00"
                           "01"
                           "5900"));
}

TEST_CASE("Get Command Support and Get Command Enables agree with the table")
{
    CommandsBench bench;
    bench.table.add({ipmi::NetFn::app, 0xA5, ipmi::Privilege::user, {}});
    const std::string low = bench.ask("06 0a 0e 06 00");
    const std::string high = bench.ask("06 0a 0e 46 00");
    const std::string enabled = bench.ask("06 61 0e 06 00");
    for (unsigned command = 0; command < 256; ++command)
    {
        const auto number = static_cast<std::uint8_t>(command);
        const bool served = bench.table.find(ipmi::NetFn::app, number) != nullptr;
        CAPTURE(command);
        CHECK(bit_of(number < 0x80 ? low : high, number) == !served);
        if (number < 0x80)
        {
            CHECK(bit_of(enabled, number) == served);
        }
    }
    CHECK(bench.ask("06 0a 0e 07 00") == low); // odd and even NetFn are one pair
}

TEST_CASE("another LUN, another NetFn, another defining body: nothing")
{
    CommandsBench bench;
    const std::string nothing = "00" + std::string(32, 'f');
    CHECK(bench.ask("06 0a 0e 06 01") == nothing);
    CHECK(bench.ask("06 0a 0e 0a 00") == nothing);
    CHECK(bench.ask("06 0a 0e 2c 00 03") == nothing);
    CHECK(bench.ask("06 0a 0e 2c 00 00") != nothing);
    CHECK(bench.ask("06 0a 0e 2c 00") != nothing);
    CHECK(bench.ask("06 0a 0e 2e 00 57 01 00") == nothing);
}

TEST_CASE("nothing is configurable, no command has sub-functions")
{
    CommandsBench bench;
    CHECK(bench.ask("06 0c 0e 06 00") == "00" + std::string(32, '0'));
    CHECK(bench.ask("06 0b 0e 06 00 01") == "00"
                                            "002011"
                                            "ffffffff");
    CHECK(bench.ask("06 0d 0e 06 00 01") == "0000000000");
    CHECK(bench.ask("06 63 0e 06 00 01") == "0000000000");
    CHECK(bench.ask("06 0b 0e 06 00 7f") == "cb"); // no such command
    CHECK(bench.ask("06 60 0e 06 00") == "c1");
    CHECK(bench.ask("06 62 0e 06 00 01") == "c1");
}

TEST_CASE("reserved bits, reserved operations and wrong lengths")
{
    CommandsBench bench;
    for (const char* command : {"0a", "0c", "61"})
    {
        const std::string head = std::string{"06 "} + command;
        CAPTURE(command);
        CHECK(bench.ask(head) == "c7");
        CHECK(bench.ask(head + " 0e") == "c7");
        CHECK(bench.ask(head + " 0e 06") == "c7");
        CHECK(bench.ask(head + " 0e 06 00 00") == "c7");
        CHECK(bench.ask(head + " 0e 2c 00 00 00") == "c7");
        CHECK(bench.ask(head + " 1e 06 00") == "cc");
        CHECK(bench.ask(head + " 02 06 00") == "cc");
        CHECK(bench.ask(head + " 0e 86 00") == "cc");
        CHECK(bench.ask(head + " 0e 06 04") == "cc");
    }
    CHECK(bench.ask("06 0b 0e 46 00 01") == "cc"); // bits of the operation are reserved here
    CHECK(bench.ask("06 0b 0e 06 00") == "c7");
}
