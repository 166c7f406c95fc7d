#include "bmc-agent/channels/system-interface/vm_connection.hpp"

#include "protocol-spec/messages.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::system_interface;

namespace
{

struct Bench
{
    Bench()
    {
        const auto keep = [this](ConstBytes data, const Caller& caller, TimePoint)
        {
            callers.push_back(caller);
            return answer(Bytes(data.size() == 2 ? data[0] | data[1] << 8 : 0, 0x55));
        };
        table.add({ipmi::NetFn::app, 0x01, ipmi::Privilege::user, keep});
        table.add({ipmi::NetFn::app, 0x2E, ipmi::Privilege::administrator, keep});
    }

    std::string exchange(const Bytes& message)
    {
        Bytes wire;
        append_message(message, wire);
        return to_hex(connection.receive(wire, {}));
    }

    config::SystemInterface settings;
    CommandTable table;
    std::vector<Caller> callers;
    HostChannel channel{settings, table};
    VmConnection connection{channel};
};

} // namespace

TEST_CASE("the BMC begins with its version")
{
    CHECK(to_hex(VmConnection::greeting()) == "ff01a1");
}

TEST_CASE("an answer has the request's sequence, the response's NetFn and the completion code")
{
    Bench bench;
    CHECK(bench.exchange({0x07, 0x18, 0x01}) == "071c0100dca0");
    CHECK(bench.exchange({0x08, 0x18, 0x99}) == "081c99c182a0"); // unknown: at once
    REQUIRE(bench.callers.size() == 1);
    CHECK(bench.callers[0].channel == 15);
    CHECK(bench.callers[0].kind == ChannelKind::system_interface);
    CHECK(bench.callers[0].privilege == ipmi::Privilege::administrator);
    CHECK(bench.callers[0].max_message == protocol::largest_system_interface_message);
}

TEST_CASE("interrupts follow the global enables")
{
    Bench bench;
    CHECK(bench.exchange({0x01, 0x18, 0x2E, 0x01}).starts_with("05a1"));
    CHECK(bench.exchange({0x02, 0x18, 0x2E, 0x0E}).starts_with("06a1"));
    bench.settings.policy = config::HostPolicy::read_only;
    CHECK(bench.exchange({0x03, 0x18, 0x2E, 0x01}).starts_with("031c2ed4"));
    CHECK(bench.exchange({0x04, 0x18, 0x01}).starts_with("041c0100"));
}

TEST_CASE("each host has message sizes of its own, never more than its interface carries")
{
    Bench bench;
    CHECK(bench.exchange({0x01, 0x18, 0x01}).starts_with("011c0100"));
    bench.settings.max_message = 61;
    CHECK(bench.exchange({0x02, 0x18, 0x01, 0x3D, 0x00}).starts_with("021c0100"));
    CHECK(bench.exchange({0x03, 0x18, 0x01, 0xF1, 0x00}).starts_with("031c01ca"));
    bench.settings.max_message = 252;
    CHECK(bench.exchange({0x04, 0x18, 0x01}).starts_with("041c0100"));
    bench.settings.type = config::HostType::kcs;
    CHECK(bench.exchange({0x05, 0x18, 0x01}).starts_with("051c0100"));
    REQUIRE(bench.callers.size() == 5);
    CHECK(bench.callers[0].max_response == 240);
    CHECK(bench.callers[1].max_message == 61);
    CHECK(bench.callers[1].max_response == 240); // it is requests that are short
    CHECK(bench.callers[3].max_message == 252);
    CHECK(bench.callers[3].max_response == 251); // it may be BT
    CHECK(bench.callers[4].max_response == 252);
    CHECK(bench.callers[4].host_interface == HostInterface::kcs);
}

TEST_CASE("what is too long for the interface is refused, what is too short for a message is dropped")
{
    Bench bench;
    CHECK(bench.exchange({0x01, 0x18, 0x01, 0xF0, 0x00}).starts_with("011c0100"));
    CHECK(bench.exchange({0x01, 0x18, 0x01, 0xF1, 0x00}).starts_with("011c01ca"));
    CHECK(bench.exchange({0x01, 0x18}).empty());
    CHECK(to_hex(bench.connection.receive(*from_hex("08 3f a1 04 a1"), {})).empty());
}
