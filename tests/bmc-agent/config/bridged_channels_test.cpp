#include "bmc-agent/config/bridged_channels.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::config;

namespace
{

std::string entry(std::string_view key, std::string_view name, std::string_view medium, std::string_view protocol,
                  std::string_view sessions, std::string_view valid = "true")
{
    const auto quoted = [](std::string_view text) { return "\"" + std::string{text} + "\""; };
    return quoted(key) + R"(: {"name": )" + quoted(name) + R"(, "is_valid": )" + std::string{valid} +
           R"(, "active_sessions": 0, "channel_info": {"medium_type": )" + quoted(medium) + R"(, "protocol_type": )" +
           quoted(protocol) + R"(, "session_supported": )" + quoted(sessions) + R"(, "is_ipmi": true}})";
}

const std::string usual = "{" + entry("0", "Ipmb", "ipmb", "ipmb-1.0", "session-less") + "," +
                          entry("1", "eth0", "lan-802.3", "ipmb-1.0", "multi-session") + "," +
                          entry("2", "eth1", "lan-802.3", "ipmb-1.0", "multi-session") + "," +
                          entry("3", "RESERVED", "reserved", "reserved", "session-less", "false") + "," +
                          entry("8", "INTRABMC", "oem", "oem", "session-less") + "," +
                          entry("14", "SELF", "ipmb", "ipmb-1.0", "session-less") + "," +
                          entry("15", "ipmi_kcs3", "system-interface", "kcs", "session-less") + "}";

/// The configuration with such a file; the mistakes.
struct Bench
{
    Bench()
    {
        config.dbus_ipmi.emplace().channel_config = file;
        config.lan.channel = 4;
        write(usual);
    }

    void write(std::string_view text) const
    {
        std::ofstream{file} << text;
    }

    std::string names() const
    {
        std::string text;
        for (const BridgedChannel& channel : config.dbus_ipmi->channels)
        {
            text += channel.name + "=" + std::to_string(channel.number) + " ";
        }
        return text;
    }

    test::TemporaryDirectory directory;
    std::filesystem::path file{directory.path() / "channel_config.json"};
    Config config;
};

} // namespace

TEST_CASE("what OpenBMC's list says of its channels")
{
    const auto channels = parse_channel_config(usual, "f.json", HostPolicy::read_only);
    REQUIRE(channels.has_value());
    REQUIRE(channels->size() == 5); // what is not valid, and "the present channel", are none
    for (const BridgedChannel& channel : *channels)
    {
        CHECK(channel.policy == HostPolicy::read_only);
        CHECK(channel.max_message == 0);
    }
    for (const auto& [medium, protocol, sessions, type] :
         std::vector<std::tuple<std::string, std::string, std::string, BridgeType>>{
             {"lan-802.3", "ipmb-1.0", "multi-session", BridgeType::lan},
             {"other-lan", "oem", "single-session", BridgeType::lan},
             {"serial", "tmode", "session-based", BridgeType::lan},
             {"ipmb", "ipmb-1.0", "session-less", BridgeType::ipmb},
             {"system-interface", "kcs", "session-less", BridgeType::kcs},
             {"system-interface", "bt-15", "session-less", BridgeType::bt},
             {"system-interface", "ipmi-smbus", "session-less", BridgeType::ssif},
             {"oem", "oem", "session-less", BridgeType::internal},
             {"lan-802.3", "ipmb-1.0", "session-less", BridgeType::internal}})
    {
        const std::string row = medium; // clang 14 does not let a lambda have a binding
        CAPTURE(row);
        const auto one =
            parse_channel_config("{" + entry("7", "x", medium, protocol, sessions) + "}", "f.json", HostPolicy::full);
        REQUIRE(one.has_value());
        REQUIRE(one->size() == 1);
        CHECK(one->front().type == type);
        CHECK(one->front().number == 7);
    }
}

TEST_CASE("numbers that are none are left out")
{
    for (const std::string_view key : {"16", "255", "256", "-1", "1x", "", " 1", "0x1", "14"})
    {
        const auto none = parse_channel_config("{" + entry(key, "x", "ipmb", "kcs", "session-less") + "}", "f.json",
                                               HostPolicy::full);
        REQUIRE_MESSAGE(none.has_value(), key);
        CHECK_MESSAGE(none->empty(), key);
    }
}

TEST_CASE("what is wrong with such a file")
{
    for (const auto& [text, line] : std::vector<std::pair<std::string, std::string>>{
             {"", "f.json: line 1, column 1: syntax error"},
             {"[]", "f.json: is an array"},
             {R"({"1": 5})", "f.json: /1: is a number"},
             {R"({"1": {"channel_info": {"session_supported": "session-less"}}})", "f.json: /1/name: missing"},
             {R"({"1": {"name": "x"}})", "f.json: /1/channel_info: missing"},
             {R"({"1": {"name": "x", "channel_info": {}}})", "f.json: /1/channel_info/session_supported: missing"},
             {"{" + entry("1", "x", "ipmb", "kcs", "none") + "}",
              "f.json: /1/channel_info/session_supported: \"none\""},
             {"{" + entry("1", "x", "ipmb", "kcs", "session-less", "1") + "}", "f.json: /1/is_valid: is a number"}})
    {
        const std::string row = text; // clang 14 does not let a lambda have a binding
        CAPTURE(row);
        const auto wrong = parse_channel_config(text, "f.json", HostPolicy::full);
        REQUIRE(!wrong.has_value());
        CHECK_MESSAGE(wrong.error().text.starts_with(line), wrong.error().text);
    }
}

TEST_CASE("the configuration itself goes first")
{
    Bench bench;
    bench.config.dbus_ipmi->channels.push_back({"eth0", 9, BridgeType::lan, HostPolicy::off});
    CHECK(add_bridged_channels(bench.config).empty());
    CHECK(bench.names() == "eth0=9 Ipmb=0 ipmi_kcs3=15 eth1=2 INTRABMC=8 "); // in the order of JSON's keys
    CHECK(bench.config.dbus_ipmi->channels[0].policy == HostPolicy::off);
}

TEST_CASE("btbridge's channel has IPMB's number")
{
    Bench bench;
    bench.config.dbus_ipmi->legacy = true;
    CHECK(add_bridged_channels(bench.config).empty());
    CHECK(bench.names().find("Ipmb") == std::string::npos);
}

TEST_CASE("numbers that others have are told, each with its remedy")
{
    Bench bench;
    bench.config.lan.channel = 1;
    bench.config.system_interfaces.emplace_back(); // 15
    bench.config.dbus_ipmi->channels.push_back({"mine", 2, BridgeType::lan});
    const auto mistakes = add_bridged_channels(bench.config);
    REQUIRE(mistakes.size() == 3);
    const std::string file = bench.file.string();
    CHECK(mistakes[0] == file + ": /1: eth0 has the number of lan; give one of them another, or write it under "
                                "/dbus_ipmi/channels");
    CHECK(mistakes[1].starts_with(file + ": /15: ipmi_kcs3 has the number of a system interface; "));
    CHECK(mistakes[2].starts_with(file + ": /2: eth1 has the number of mine; "));
    CHECK(bench.names() == "mine=2 Ipmb=0 INTRABMC=8 ");
}

TEST_CASE("a file that is not there, or no list")
{
    Bench bench;
    bench.write("{");
    CHECK(add_bridged_channels(bench.config).size() == 1);
    std::filesystem::remove(bench.file);
    const auto mistakes = add_bridged_channels(bench.config);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].find("; check /dbus_ipmi/channel_config") != std::string::npos);
    bench.config.dbus_ipmi->channel_config.clear();
    CHECK(add_bridged_channels(bench.config).empty());
    bench.config.dbus_ipmi.reset();
    CHECK(add_bridged_channels(bench.config).empty());
}
