#include "tests/bmc-agent/commands/commands_bench.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::test;

TEST_CASE("Get Device ID: the configuration's numbers, BCD, no optional device, the agent's version")
{
    CommandsBench bench;
    CHECK(bench.ask("06 01") == "00"
                                "210203450200"
                                "2c1b0a"
                                "3412"
                                "01020300");
    CHECK(bench.ask("06 01", lan_caller(ipmi::Privilege::user)).starts_with("00"));
    CHECK(bench.ask("06 01", lan_caller(ipmi::Privilege::none)) == "d4");
    CHECK(bench.ask("06 01 00") == "c7");
}

TEST_CASE("Cold Reset: an administrator's, once it is possible")
{
    CommandsBench bench;
    CHECK(bench.ask("06 02", lan_caller(ipmi::Privilege::operator_)) == "d4");
    CHECK(bench.ask("06 02 00") == "c7");
    bench.restarter.is_ready = false;
    CHECK(bench.ask("06 02") == "d5");
    CHECK(bench.restarter.restarts == 0);
    bench.restarter.is_ready = true;
    CHECK(bench.ask("06 02") == "00");
    CHECK(bench.restarter.restarts == 1);
    CHECK_FALSE(bench.table.find(ipmi::NetFn::app, 0x02)->idempotent);
    CHECK(bench.ask("06 03") == "c1");
}

TEST_CASE("Get Self Test Results")
{
    CommandsBench bench;
    CHECK(bench.ask("06 04") == "005500");
    CHECK(bench.ask("06 04 01") == "c7");
}

TEST_CASE("both GUIDs: the text backwards, also before a session")
{
    CommandsBench bench;
    const std::string wire = "00ffeeddccbbaa99887766554433221100";
    CHECK(bench.ask("06 08") == wire);
    CHECK(bench.ask("06 37") == wire);
    CHECK(bench.ask("06 37", lan_caller(ipmi::Privilege::none)) == wire);
    CHECK(bench.ask("06 37 00") == "c7");
}

TEST_CASE("global enables: read by everybody, set by the host alone")
{
    CommandsBench bench;
    CHECK(bench.ask("06 2f") == "0000");
    CHECK(bench.ask("06 2e 09") == "d4");
    CHECK(bench.ask("06 2e 09", host_caller()) == "00");
    CHECK(bench.ask("06 2f", lan_caller(ipmi::Privilege::user)) == "0009");
    CHECK(bench.ask("06 2e 10", host_caller()) == "cc");
    CHECK(bench.ask("06 2e 20", host_caller()) == "cc");
    CHECK(bench.ask("06 2e", host_caller()) == "c7");
    CHECK(bench.ask("06 2f", host_caller()) == "0009");
}

TEST_CASE("message flags and queues: empty, the host's alone")
{
    CommandsBench bench;
    CHECK(bench.ask("06 30 03", host_caller()) == "00");
    CHECK(bench.ask("06 30", host_caller()) == "c7");
    CHECK(bench.ask("06 31", host_caller()) == "0000");
    CHECK(bench.ask("06 33", host_caller()) == "80");
    CHECK(bench.ask("06 35", host_caller()) == "80");
    for (const char* command : {"06 30 03", "06 31", "06 33", "06 35"})
    {
        CAPTURE(command);
        CHECK(bench.ask(command) == "d4");
    }
}

TEST_CASE("Get System Interface Capabilities: of the host's own interface, in message sizes")
{
    CommandsBench bench;
    Caller host = host_caller();
    CHECK(bench.ask("06 57 00", host) == "00"
                                         "0080f2f3"); // an emulator's: SSIF, multi-part, 240 + 2, 240 + 3
    CHECK(bench.ask("06 57 01", host) == "00"
                                         "0000f2");
    CHECK(bench.ask("06 57 02", host) == bench.ask("06 57 01", host));
    CHECK(bench.ask("06 57 03", host) == "cc");
    CHECK(bench.ask("06 57 10", host) == "cc"); // reserved bits
    CHECK(bench.ask("06 57", host) == "c7");
    CHECK(bench.ask("06 57 01") == "d4");
    host.host_interface = HostInterface::kcs;
    CHECK(bench.ask("06 57 01", host) == "00"
                                         "0000f2");
    CHECK(bench.ask("06 57 00", host) == "cc");
    host.host_interface = HostInterface::bt;
    CHECK(bench.ask("06 57 01", host) == "cc");
    host = host_caller();
    host.max_message = host.max_response = 254;
    CHECK(bench.ask("06 57 00", host) == "00"
                                         "0080ffff");
}

TEST_CASE("Get BT Interface Capabilities: one request at a time, the largest length bytes")
{
    CommandsBench bench;
    Caller host = host_caller();
    CHECK(bench.ask("06 36", host) == "00"
                                      "01f3f40502");
    host.host_interface = HostInterface::bt;
    host.max_message = 252;
    host.max_response = 251;
    CHECK(bench.ask("06 36", host) == "00"
                                      "01ffff0502");
    host.host_interface = HostInterface::kcs;
    CHECK(bench.ask("06 36", host) == "c1");
    CHECK(bench.ask("06 36") == "d4");
}

TEST_CASE("Get Chassis Status")
{
    CommandsBench bench;
    CHECK(bench.ask("00 01") == "00610000");
    CHECK(bench.ask("00 01 00") == "c7");
    CHECK(bench.ask("00 02 01") == "c1"); // no power switch
}

TEST_CASE("HPM.2: the sizes that the channel carries")
{
    CommandsBench bench;
    CHECK(bench.ask("2c 3e 00 02") == "00"
                                      "0002"
                                      "01"
                                      "0200"
                                      "00c0010000");
    CHECK(bench.ask("2c 3e 00 03") == "c1");
    CHECK(bench.ask("2c 3e 03 02") == "c1"); // another defining body
    CHECK(bench.ask("2c 3e") == "c1");
    CHECK(bench.ask("2c 3e 00") == "c7");
    CHECK(bench.ask("2c 00 00") == "c1"); // Get PICMG Properties
    CHECK(bench.ask("2c 00 03") == "c1"); // Get VSO Capabilities
    CHECK(bench.ask("0c 02 0e c0 00 00") == "00"
                                            "11"
                                            "000000"
                                            "7f05"
                                            "8c03"); // 1400 + 7, 900 + 8
    CHECK(bench.ask("0c 02 01 c0 00 00") == bench.ask("0c 02 0e c0 00 00"));
    CHECK(bench.ask("0c 02 8e c0 00 00") == "0011");
    CHECK(bench.ask("0c 02 0e 03 00 00") == "80");
    CHECK(bench.ask("0c 02 02 c0 00 00") == "cc");
    CHECK(bench.ask("0c 02 0e c0 00 00", host_caller()) == "cc");
    CHECK(bench.ask("0c 02 0e c0 00") == "c7");
}

TEST_CASE("a bridged session has HPM.2's sizes of its own channel; what has no session has none")
{
    CommandsBench bench;
    CHECK(bench.ask("0c 02 0e c0 00 00", bridged_caller(7)) == "00"
                                                               "11"
                                                               "000000"
                                                               "6f05"
                                                               "8c03"); // 1384 + 7, 900 + 8
    CHECK(bench.ask("0c 02 05 c0 00 00", bridged_caller(7)) == bench.ask("0c 02 0e c0 00 00", bridged_caller(7)));
    CHECK(bench.ask("0c 02 05 c0 00 00") == "cc"); // not the LAN's
    CHECK(bench.ask("0c 02 0e c0 00 00", bridged_caller(0)) == "cc");
    CHECK(bench.ask("2c 3e 00 02", bridged_caller(7)).substr(8, 4) == "2200"); // channels 1 and 5
    CHECK(bench.ask("2c 3e 00 02", bridged_caller(0)).substr(8, 4) == "0200");
    CHECK(bench.ask("06 2e 0f", bridged_caller(7)) == "d4"); // the host's alone
}

TEST_CASE("every truncation and every excess of a fixed request is refused")
{
    CommandsBench bench;
    for (const CommandRow& row : bench.table.rows())
    {
        const Bytes eight(8, 0x00);
        CAPTURE(row.command);
        const Caller caller = host_caller();
        const auto code = row.handler(eight, caller, TimePoint{}).response.completion_code;
        const bool another_body = row.net_fn == ipmi::NetFn::group_extension;
        CHECK((code == ipmi::CompletionCode::data_length_invalid || another_body));
    }
    CHECK(bench.restarter.restarts == 0);
}

TEST_CASE("a host that may only ask still sets up its interface")
{
    CommandsBench bench;
    Caller host = host_caller();
    host.privilege = ipmi::Privilege::user;
    CHECK(bench.ask("06 2e 01", host) == "00");
    CHECK(bench.ask("06 30 03", host) == "00");
    CHECK(bench.ask("06 31", host) == "0000");
    CHECK(bench.ask("06 35", host) == "80");
}
