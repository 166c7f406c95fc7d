#include "tests/bmc-agent/channels/dbus/ipmi_host_bench.hpp"

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::dbus_ipmi;
using test::IpmiHostBench;

namespace
{

constexpr std::string_view eth0 = "xyz.openbmc_project.Ipmi.Channel.eth0";
constexpr std::string_view eth1 = "xyz.openbmc_project.Ipmi.Channel.eth1";
constexpr std::string_view netipmid = ":1.10";

} // namespace

TEST_CASE("names that matter")
{
    const Bridges own{host_name};
    const Bridges forwarded{"xyz.openbmc_project.Firmware"};
    CHECK(own.concerns_us(eth0));
    for (const std::string_view name : {"xyz.openbmc_project.Ipmi.Channel.", "xyz.openbmc_project.Ipmi.Channel",
                                        "xyz.openbmc_project.Ipmi.ChannelX.eth0", "org.freedesktop.DBus", "", ":1.10"})
    {
        CHECK(!own.concerns_us(name));
    }
    CHECK(!own.concerns_us(host_name)); // ours
    CHECK(forwarded.concerns_us(host_name));
}

TEST_CASE("a name goes, comes to another, and comes back")
{
    Bridges bridges{host_name};
    CHECK(bridges.origin_of(netipmid).kind == Origin::Kind::other);
    CHECK(!bridges.owner_changed(eth0, netipmid));
    CHECK(bridges.origin_of(netipmid).channel == "eth0");
    CHECK(!bridges.owner_changed(eth0, netipmid)); // told twice: by the bus and by its own answer
    CHECK(bridges.owner_changed(eth0, ":1.11") == "eth0");
    CHECK(bridges.origin_of(netipmid).kind == Origin::Kind::other);
    CHECK(bridges.origin_of(":1.11").kind == Origin::Kind::bridge);
    CHECK(bridges.owner_changed(eth0, "") == "eth0");
    CHECK(!bridges.owner_changed(eth0, ""));
    CHECK(bridges.origin_of(":1.11").kind == Origin::Kind::other);
    CHECK(bridges.origin_of("").kind == Origin::Kind::other); // nobody's name is no owner
}

TEST_CASE("of two names of one owner the last counts, and the first again when that goes")
{
    Bridges bridges{host_name};
    static_cast<void>(bridges.owner_changed(eth0, netipmid));
    static_cast<void>(bridges.owner_changed(eth1, netipmid));
    CHECK(bridges.origin_of(netipmid).channel == "eth1");
    CHECK(bridges.owner_changed(eth1, "") == "eth1");
    CHECK(bridges.origin_of(netipmid).channel == "eth0");
}

TEST_CASE("paths of netipmid's sessions")
{
    const auto path = parse_session_path("/xyz/openbmc_project/ipmi/session/eth0/12a4567d_8a");
    REQUIRE(path.has_value());
    CHECK(path->channel == "eth0");
    CHECK(path->session == 0x12A4567D);
    CHECK(parse_session_path("/xyz/openbmc_project/ipmi/session/my_eth_0/a_1")->session == 10);
    for (const std::string_view wrong :
         {"", "/", "/xyz/openbmc_project/ipmi/session/", "/xyz/openbmc_project/ipmi/session/eth0/0",
          "/xyz/openbmc_project/ipmi/session/eth0/0_1", "/xyz/openbmc_project/ipmi/session/eth0/12a4567d",
          "/xyz/openbmc_project/ipmi/session/eth0/_1", "/xyz/openbmc_project/ipmi/session/eth0/1_",
          "/xyz/openbmc_project/ipmi/session/eth0/112a4567d_8a", "/xyz/openbmc_project/ipmi/session//1_1",
          "/xyz/openbmc_project/ipmi/session/eth0/1_100", "/xyz/openbmc_project/ipmi/session/eth0/-1_1",
          "/xyz/openbmc_project/ipmi/session/eth0/1g_1", "/xyz/openbmc_project/ipmi/session/a_1/eth0",
          "/xyz/openbmc_project/ipmi/sessions/eth0/1_1", "/xyz/openbmc_project/ipmi/session/eth_0"})
    {
        CHECK_MESSAGE(!parse_session_path(wrong), wrong);
    }
}

TEST_CASE("sessions seen are bounded")
{
    SessionsSeen seen;
    for (std::uint32_t session = 1; session <= 1000; ++session)
    {
        seen.note(1, session);
        seen.note(1, 1000); // the one that is used stays
    }
    const auto sessions = seen.take(1);
    CHECK(sessions.size() == SessionsSeen::most);
    CHECK(sessions.back() == 1000);
    CHECK(seen.take(1).empty());
    CHECK(seen.take(2).empty());
}

TEST_CASE("a bridge's sessions end with it, and only its own")
{
    IpmiHostBench bench;
    CHECK(bench.ask("06 01", netipmid, IpmiHostBench::session(4, 77)) == "07000100");
    CHECK(bench.ask("06 01", netipmid, IpmiHostBench::session(4, 78)) == "07000100");
    bench.host.owner_changed(eth1, ":1.20", bench.now);
    CHECK(bench.ask("06 01", ":1.20", IpmiHostBench::session(4, 79)) == "07000100");
    CHECK(bench.closed.empty());
    SUBCASE("it goes")
    {
        bench.host.owner_changed(eth0, "", bench.now);
    }
    SUBCASE("another takes its place")
    {
        bench.host.owner_changed(eth0, ":1.30", bench.now);
    }
    CHECK(bench.closed == std::vector<std::pair<int, std::uint32_t>>{{1, 77}, {1, 78}});
    bench.host.bus_lost(bench.now);
    CHECK(bench.closed.size() == 3);
    CHECK(bench.last_closed() == "2/79");
    CHECK(bench.ask("06 01", ":1.20").substr(6, 2) == "00"); // whoever that is now: no bridge that we know of
    CHECK(bench.callers.back().user == "INTRABMC");
}

TEST_CASE("a session whose server says that it has ended")
{
    IpmiHostBench bench;
    constexpr std::string_view path = "/xyz/openbmc_project/ipmi/session/eth0/4d_1";
    constexpr std::string_view other_path = "/xyz/openbmc_project/ipmi/session/eth1/4d_1";
    bench.host.session_gone(path, ":1.99", bench.now); // anybody can say so
    bench.host.session_gone(path, ":1.15", bench.now);
    bench.host.session_gone(other_path, netipmid, bench.now);
    bench.host.session_gone("/xyz/openbmc_project/ipmi/session/eth9/4d_1", ":1.19", bench.now); // not configured
    bench.host.session_state(path, netipmid, 1, bench.now);
    bench.host.session_state(path, netipmid, 2, bench.now);
    CHECK(bench.last_closed() == "none");
    bench.host.session_state(path, netipmid, 3, bench.now);
    CHECK(bench.last_closed() == "1/77");
    bench.host.session_state(path, netipmid, 0, bench.now);
    CHECK(bench.closed.size() == 2);
    bench.host.session_gone(path, netipmid, bench.now);
    CHECK(bench.closed.size() == 3);
}

TEST_CASE("a provider forwards with the channel's number")
{
    IpmiHostBench bench;
    bench.section.name = "xyz.openbmc_project.Firmware";
    IpmiHost host{bench.section, bench.table, bench.log, [](std::uint8_t, std::uint32_t, TimePoint) {}};
    host.owner_changed(host_name, ":1.2", bench.now);
    const auto code = [&](Options options, std::string_view sender = ":1.2") {
        return int{host.execute({0x06, 0, 0x01, {}, std::move(options)}, sender, bench.now).completion_code};
    };
    CHECK(code({}) == 0xFF);
    CHECK(code({{"channel", std::uint32_t{15}}}) == 0xFF);
    CHECK(code({{"channel", 3}}) == 0xD3);
    CHECK(code({{"channel", -1}}) == 0xD3);
    CHECK(code({{"channel", 256 + 15}}) == 0xD3);
    CHECK(code({{"channel", 15}}) == 0x00);
    CHECK(bench.callers.back().host_interface == HostInterface::kcs);
    auto session = IpmiHostBench::session(2);
    CHECK(code(session) == 0xFF);
    session["channel"] = 1;
    CHECK(code(session) == 0x00);
    CHECK(bench.callers.back().user == "eth0 user 3");
    CHECK(bench.callers.back().privilege == ipmi::Privilege::user);
    session["channel"] = 15;
    CHECK(code(session, ":1.99") == 0x00); // anybody else is who he is
    CHECK(bench.callers.back().channel == 8);
    // As our own name it is no provider's.
    bench.host.owner_changed(host_name, ":1.2", bench.now);
    CHECK(bench.ask("06 01", ":1.2", session) == "07000100");
    CHECK(bench.callers.back().channel == 8);
}

TEST_CASE("org.openbmc.HostIpmi: channel 0, administrator, 64 bytes")
{
    IpmiHostBench bench;
    const auto send = [&](std::string_view hex, std::uint8_t lun = 0)
    {
        const Bytes bytes = *from_hex(hex);
        return bench.host.receive({0x42, bytes[0], lun, bytes[1], {bytes.begin() + 2, bytes.end()}}, bench.now);
    };
    CHECK(send("06 02 aa").sequence == 0x42);
    CHECK(send("06 02 aa").reply == ExecuteReply{0x07, 0, 0x02, 0x00, {0xAA}});
    CHECK(bench.callers.back().channel == 0);
    CHECK(bench.callers.back().kind == ChannelKind::system_interface);
    CHECK(bench.callers.back().host_interface == HostInterface::bt);
    CHECK(bench.callers.back().max_message == 60);
    CHECK(bench.callers.back().max_response == 59);
    CHECK(bench.callers.back().user.empty());
    CHECK(send("06 99").reply == ExecuteReply{0x07, 0, 0x99, 0xC1, {}});
    CHECK(send("06 02", 3).reply == ExecuteReply{0x07, 3, 0x02, 0xC2, {}});
    CHECK(send("06 03 05").reply.data.size() == 50);
    CHECK(send("06 03 06").reply == ExecuteReply{0x07, 0, 0x03, 0xCA, {}});
    CHECK(send("2e 80 cf c2").reply == ExecuteReply{0x2F, 0, 0x80, 0xC7, {}});
    CHECK(send("2e 81 cf c2 00").reply == ExecuteReply{0x2F, 0, 0x81, 0xCC, {0xCF, 0xC2, 0x00}});
    bench.section.policy = config::HostPolicy::read_only;
    CHECK(send("06 01").reply.completion_code == 0x00);
    CHECK(send("06 02").reply.completion_code == 0xD4);
    bench.section.policy = config::HostPolicy::off;
    CHECK(send("06 01").reply.completion_code == 0xD3);
}
