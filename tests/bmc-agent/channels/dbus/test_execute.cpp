#include "tests/bmc-agent/channels/dbus/ipmi_host_bench.hpp"

#include <array>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::dbus_ipmi;
using test::IpmiHostBench;

namespace
{

constexpr std::string_view netipmid = ":1.10";
constexpr std::string_view kcsbridge = ":1.15";
constexpr std::string_view busctl = ":1.99";

} // namespace

TEST_CASE("every answer repeats LUN and command, has the odd NetFn and a completion code")
{
    IpmiHostBench bench;
    CHECK(bench.ask("06 01", kcsbridge) == "07000100");
    CHECK(bench.ask("06 01 aa bb", kcsbridge) == "07000100aabb");
    CHECK(bench.ask("06 99", kcsbridge) == "070099c1");
    CHECK(bench.ask("06 01", kcsbridge, {}, 2) == "070201c2");
    CHECK(bench.ask("06 01", kcsbridge, {}, 0xFF) == "07ff01c2");
    CHECK(bench.ask("07 01", kcsbridge) == "070001c1"); // a response is no request
    CHECK(bench.ask("46 01", kcsbridge) == "470001c1"); // NetFn has six bits
    CHECK(bench.ask("ff ff", kcsbridge) == "ff00ffc1");
}

TEST_CASE("who asks, by the name that the sender owns")
{
    struct Row
    {
        std::string_view sender;
        Options options;
        Caller wanted;
    };
    const auto host = [](std::uint8_t channel, HostInterface interface, std::uint16_t message, std::uint16_t response)
    {
        return Caller{.channel = channel,
                      .kind = ChannelKind::system_interface,
                      .session = 0,
                      .user = {},
                      .user_id = 0,
                      .privilege = ipmi::Privilege::administrator,
                      .max_message = message,
                      .max_response = response,
                      .host_interface = interface};
    };
    const auto bridged = [](std::uint8_t channel, std::string user, std::uint16_t message, std::uint16_t response)
    {
        return Caller{.channel = channel,
                      .kind = ChannelKind::bridged,
                      .session = 0,
                      .user = std::move(user),
                      .user_id = 0,
                      .privilege = ipmi::Privilege::administrator,
                      .max_message = message,
                      .max_response = response,
                      .host_interface = HostInterface::unknown};
    };
    Caller remote = bridged(1, "eth0 user 3", 1384, 900);
    remote.session = 77;
    remote.user_id = 3;
    const std::array rows{
        Row{kcsbridge, {}, host(15, HostInterface::kcs, 240, 269)},
        Row{kcsbridge, IpmiHostBench::session(2), host(15, HostInterface::kcs, 240, 269)}, // not asked for: ignored
        Row{":1.7", {}, host(7, HostInterface::bt, 240, 251)},
        Row{":1.6", {}, host(6, HostInterface::unknown, 61, 251)},
        Row{":1.5", {{"rqSA", 0x20}, {"hostId", 0}}, bridged(0, "Ipmb", 25, 24)},
        Row{busctl, {}, bridged(8, "INTRABMC", 51'200, 900)},
        Row{busctl, IpmiHostBench::session(), bridged(8, "INTRABMC", 51'200, 900)},
        Row{"", {}, bridged(8, "INTRABMC", 51'200, 900)},
        Row{netipmid, IpmiHostBench::session(), remote},
    };
    for (const Row& row : rows)
    {
        CAPTURE(row.sender);
        IpmiHostBench bench;
        CHECK(bench.ask("06 01", row.sender, row.options) == "07000100");
        REQUIRE(bench.callers.size() == 1);
        const Caller& caller = bench.callers[0];
        CHECK(caller.channel == row.wanted.channel);
        CHECK(caller.kind == row.wanted.kind);
        CHECK(caller.session == row.wanted.session);
        CHECK(caller.user == row.wanted.user);
        CHECK(caller.user_id == row.wanted.user_id);
        CHECK(caller.privilege == row.wanted.privilege);
        CHECK(caller.max_message == row.wanted.max_message);
        CHECK(caller.max_response == row.wanted.max_response);
        CHECK(caller.host_interface == row.wanted.host_interface);
    }
}

TEST_CASE("a session channel wants all three options, of these types, within what there is")
{
    using std::int32_t;
    using std::uint32_t;
    const std::vector<std::pair<Options, bool>> rows{
        {IpmiHostBench::session(), true},
        {{}, false},
        {{{"userId", int32_t{3}}, {"privilege", int32_t{4}}}, false},
        {{{"userId", int32_t{3}}, {"currentSessionId", uint32_t{7}}}, false},
        {{{"privilege", int32_t{4}}, {"currentSessionId", uint32_t{7}}}, false},
        {{{"userId", uint32_t{3}}, {"privilege", int32_t{4}}, {"currentSessionId", uint32_t{7}}}, false},
        {{{"userId", int32_t{3}}, {"privilege", uint32_t{4}}, {"currentSessionId", uint32_t{7}}}, false},
        {{{"userId", int32_t{3}}, {"privilege", int32_t{4}}, {"currentSessionId", int32_t{7}}}, false},
        {{{"userId", std::monostate{}}, {"privilege", int32_t{4}}, {"currentSessionId", uint32_t{7}}}, false},
        {{{"userid", int32_t{3}}, {"privilege", int32_t{4}}, {"currentSessionId", uint32_t{7}}}, false},
        {IpmiHostBench::session(4, 0), false}, // no session
        {IpmiHostBench::session(4, 0xFFFFFFFF), true},
        {IpmiHostBench::session(-1), false},
        {IpmiHostBench::session(6), false},
        {IpmiHostBench::session(0x104), false}, // ipmid would take its low byte
        {IpmiHostBench::session(INT32_MIN), false},
        {IpmiHostBench::session(4, 7, -1), false},
        {IpmiHostBench::session(4, 7, 64), false},
        {IpmiHostBench::session(4, 7, 63), true},
        {IpmiHostBench::session(4, 7, 0), true},
    };
    for (std::size_t at = 0; at < rows.size(); ++at)
    {
        CAPTURE(at);
        IpmiHostBench bench;
        CHECK(bench.ask("06 01", netipmid, rows[at].first) == (rows[at].second ? "07000100" : "070001ff"));
        CHECK(bench.callers.size() == (rows[at].second ? 1 : 0));
        CHECK(bench.log.warnings == (rows[at].second ? 0 : 1));
    }
    IpmiHostBench bench;
    auto more = IpmiHostBench::session();
    more.emplace("rqSA", 7);
    more.emplace("nonsense", std::monostate{});
    CHECK(bench.ask("06 01", netipmid, more) == "07000100");
}

TEST_CASE("the session's privilege decides: D4h, after C1h")
{
    for (const auto& [level, user_command, admin_command] :
         std::vector<std::tuple<int, std::string, std::string>>{{0, "070001d4", "070002d4"},
                                                                {1, "070001d4", "070002d4"},
                                                                {2, "07000100", "070002d4"},
                                                                {3, "07000100", "070002d4"},
                                                                {4, "07000100", "07000200"},
                                                                {5, "07000100", "07000200"}})
    {
        const int row = level; // clang 14 does not let a lambda have a binding
        CAPTURE(row);
        IpmiHostBench bench;
        CHECK(bench.ask("06 01", netipmid, IpmiHostBench::session(level)) == user_command);
        CHECK(bench.ask("06 02", netipmid, IpmiHostBench::session(level)) == admin_command);
        CHECK(bench.ask("06 77", netipmid, IpmiHostBench::session(level)) == "070077c1");
    }
}

TEST_CASE("the policy of a channel: a user's rights, or D3h")
{
    IpmiHostBench bench;
    for (auto& channel : bench.section.channels)
    {
        channel.policy = config::HostPolicy::read_only;
    }
    for (const std::string_view sender : {netipmid, kcsbridge, busctl})
    {
        CHECK(bench.ask("06 01", sender, IpmiHostBench::session(4)) == "07000100");
        CHECK(bench.ask("06 02", sender, IpmiHostBench::session(4)) == "070002d4");
    }
    CHECK(bench.ask("06 01", netipmid, IpmiHostBench::session(1)) == "070001d4"); // it gives nothing
    for (auto& channel : bench.section.channels)
    {
        channel.policy = config::HostPolicy::off;
    }
    for (const std::string_view sender : {netipmid, kcsbridge, busctl})
    {
        CHECK(bench.ask("06 01", sender, IpmiHostBench::session(4)) == "070001d3");
    }
}

TEST_CASE("a channel that the configuration does not have: D3h")
{
    IpmiHostBench bench;
    CHECK(bench.ask("06 01", ":1.19", IpmiHostBench::session()) == "070001d3"); // no one's way to be INTRABMC
    CHECK(bench.ask("06 01", ":1.19") == "070001d3");
    CHECK(bench.log.warnings == 1); // told once
    bench.section.channels.erase(bench.section.channels.begin() + 5);
    CHECK(bench.ask("06 01", busctl) == "070001d3");
    CHECK(bench.log.warnings == 2);
    CHECK(bench.ask("06 01", kcsbridge) == "07000100");
}

TEST_CASE("group and enterprise stand in front of every answer")
{
    IpmiHostBench bench;
    CHECK(bench.ask("2e 80", kcsbridge) == "2f0080c7");
    CHECK(bench.ask("2e 80 cf c2", kcsbridge) == "2f0080c7");
    CHECK(bench.ask("2e 80 cf c2 00", kcsbridge) == "2f008000cfc200");
    CHECK(bench.ask("2e 80 cf c2 00 01", kcsbridge) == "2f008000cfc20001"); // as the handler says it, not twice
    CHECK(bench.ask("2e 81 cf c2 00 01", kcsbridge) == "2f0081cccfc200");
    CHECK(bench.ask("2e 99 01 02 03 04", kcsbridge) == "2f0099c1010203");
    CHECK(bench.ask("2e 80 cf c2 00", kcsbridge, {}, 1) == "2f0180c2cfc200");
    CHECK(bench.ask("2e 80 cf c2 00", netipmid, IpmiHostBench::session(2)) == "2f0080d4cfc200");
    CHECK(bench.ask("2e 82 cf c2 00 ff", kcsbridge) == "2f0082cacfc200");
    CHECK(bench.ask("2e 80 cf c2 00", netipmid) == "2f0080ff"); // not even looked at, as with ipmid
    CHECK(bench.ask("2c 3e", kcsbridge) == "2d003ec7");
    CHECK(bench.ask("2c 3e 00", kcsbridge) == "2d003e0000");
    CHECK(bench.ask("2c 01 dc 01", kcsbridge) == "2d0001c1dc");
}

TEST_CASE("an answer larger than the channel carries is CAh")
{
    IpmiHostBench bench;
    const auto code = [&](std::string_view hex, std::string_view sender)
    { return bench.ask(hex, sender, IpmiHostBench::session()).substr(6, 2); };
    CHECK(code("06 03 1a", kcsbridge) == "00"); // 260
    CHECK(code("06 03 1b", kcsbridge) == "ca");
    CHECK(code("06 03 19", ":1.7") == "00");
    CHECK(code("06 03 1a", ":1.7") == "ca");
    CHECK(code("06 03 5a", netipmid) == "00"); // 900
    CHECK(code("06 03 5b", netipmid) == "ca");
    CHECK(code("06 03 5a", busctl) == "00");
    CHECK(code("06 03 5b", busctl) == "ca");
    CHECK(code("06 03 02", ":1.5") == "00");
    CHECK(code("06 03 03", ":1.5") == "ca");
}

TEST_CASE("a configured message size")
{
    IpmiHostBench bench;
    bench.section.channels.back().max_message = 61;
    CHECK(bench.ask("06 01", kcsbridge) == "07000100");
    CHECK(bench.callers.back().max_message == 61);
}

TEST_CASE("hostile sizes are only data")
{
    IpmiHostBench bench;
    ExecuteRequest request{0x06, 0, 0x03, Bytes(1U << 20U, 0xFF), {}};
    CHECK(bench.host.execute(request, busctl, bench.now).completion_code == 0xCA);
    Options many;
    for (int at = 0; at < 10'000; ++at)
    {
        many.emplace(std::to_string(at), at);
    }
    CHECK(bench.ask("06 01", netipmid, many) == "070001ff");
    CHECK(bench.ask("06 01", kcsbridge, many) == "07000100");
    CHECK(bench.ask("06 01", std::string(100'000, 'x')) == "07000100");
}
