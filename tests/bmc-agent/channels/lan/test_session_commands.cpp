#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

using namespace lan_bench;
using ipmi::CompletionCode;
using ipmi::NetFn;

namespace
{

CompletionCode code_of(const std::optional<Console::Answer>& answer)
{
    REQUIRE(answer.has_value());
    return answer->code;
}

/// A session at administrator level, and short ways to ask it on NetFn App.
struct Desk
{
    explicit Desk(const config::Lan& lan = {}) : bench{lan}, console{bench}
    {
        REQUIRE(console.open_as_administrator());
    }
    Bytes data(std::uint8_t command, const Bytes& request)
    {
        const auto answer = console.ask(NetFn::app, command, request);
        REQUIRE(answer.has_value());
        CHECK(answer->code == CompletionCode::ok);
        return answer->data;
    }
    CompletionCode code(std::uint8_t command, const Bytes& request)
    {
        return code_of(console.ask(NetFn::app, command, request));
    }

    Bench bench;
    Console console;
};

Bytes id_bytes(std::uint32_t id)
{
    Bytes bytes(4);
    rmcpplus::store_u32(id, bytes);
    return bytes;
}

} // namespace

TEST_CASE("Get Channel Authentication Capabilities")
{
    Desk desk;
    CHECK(to_hex(desk.data(0x38, {0x8E, 4})) == "0180040200000000");
    CHECK(to_hex(desk.data(0x38, {0x81, 1})) == "0180040200000000");
    CHECK(to_hex(desk.data(0x38, {0x01, 4})) == "0100040000000000"); // an IPMI 1.5 client finds nothing to use
    CHECK(desk.code(0x38, {0x82, 4}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x38, {0x8E, 0}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x38, {0x8E, 6}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x38, {0x8E}) == CompletionCode::data_length_invalid);
    CHECK(desk.code(0x38, {0x8E, 4, 0}) == CompletionCode::data_length_invalid);
    config::Lan lan;
    lan.k_g = Bytes(20, 'k');
    Bench with_key{lan};
    const auto reply = with_key.exchange(capabilities_request());
    CHECK((*reply)[14 + 9] == 0x24); // K_g is set
}

TEST_CASE("Get Channel Cipher Suites, both forms")
{
    Desk desk;
    CHECK(to_hex(desk.data(0x54, {0x0E, 0x00, 0x80})) == "01c003014181c011034481");
    CHECK(to_hex(desk.data(0x54, {0x01, 0x00, 0x00})) == "010103414481");
    CHECK(to_hex(desk.data(0x54, {0x0E, 0x00, 0x81})) == "01"); // the list ends
    CHECK(to_hex(desk.data(0x54, {0x0E, 0x00, 0xBF})) == "01");
    CHECK(desk.code(0x54, {0x0E, 0x01, 0x80}) == CompletionCode{0x80}); // serial over LAN
    CHECK(desk.code(0x54, {0x02, 0x00, 0x80}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x54, {0x0E, 0x00}) == CompletionCode::data_length_invalid);
    config::Lan lan;
    lan.cipher_suites = {17};
    Desk only_17{lan};
    CHECK(to_hex(only_17.data(0x54, {0x0E, 0x00, 0x80})) == "01c011034481");
}

TEST_CASE("Set Session Privilege Level")
{
    Desk desk;
    CHECK(desk.data(0x3B, {0}) == Bytes{4}); // no change
    CHECK(desk.data(0x3B, {2}) == Bytes{2});
    CHECK(desk.code(0x44, {1, 1}) == CompletionCode::insufficient_privilege); // operator's command
    CHECK(desk.data(0x3B, {3}) == Bytes{3});
    CHECK(desk.code(0x3B, {1}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x3B, {5}) == CompletionCode{0x80});
    CHECK(desk.code(0x3B, {6}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x3B, {}) == CompletionCode::data_length_invalid);
    CHECK(desk.data(0x3B, {0}) == Bytes{3});
}

TEST_CASE("Close Session of another: an administrator's right, by id or by handle")
{
    Desk desk;
    Console other{desk.bench, 3, endpoint(2)};
    other.role = 0x13;
    REQUIRE(other.open("operator", "another one"));
    CHECK(code_of(other.ask(NetFn::app, 0x3C, id_bytes(desk.console.bmc_id))) ==
          CompletionCode::insufficient_privilege);
    CHECK(desk.code(0x3C, {1, 2, 3, 4}) == CompletionCode{0x87});
    CHECK(desk.code(0x3C, {1, 2, 3}) == CompletionCode::data_length_invalid);
    CHECK(desk.code(0x3C, {1, 2, 3, 4, 1}) == CompletionCode::data_length_invalid);
    CHECK(desk.code(0x3C, {0, 0, 0, 0, 9}) == CompletionCode{0x88});
    CHECK(desk.code(0x3C, {0, 0, 0, 0, 2}) == CompletionCode::ok); // the other one's handle
    CHECK_FALSE(desk.bench.server.session_alive(other.bmc_id));
    REQUIRE(desk.bench.observer.events.size() == 1);
    CHECK(desk.bench.observer.events[0].why == CloseReason::by_administrator);
    CHECK_FALSE(other.ask(NetFn::app, 0x01).has_value());
    REQUIRE(other.open("operator", "another one"));
    CHECK(desk.code(0x3C, id_bytes(other.bmc_id)) == CompletionCode::ok);
    CHECK(desk.code(0x3C, id_bytes(other.bmc_id)) == CompletionCode{0x87});
}

TEST_CASE("Get Session Info: own, by place, by handle, by id, and none")
{
    Desk desk;
    const std::string own = "0108010104"
                            "11c00002010000000000"
                            "0050c3";
    CHECK(to_hex(desk.data(0x3D, {0x00})) == own);
    CHECK(to_hex(desk.data(0x3D, {0x01})) == own);
    CHECK(to_hex(desk.data(0x3D, {0xFE, 1})) == own);
    Bytes by_id = id_bytes(desk.console.bmc_id);
    by_id.insert(by_id.begin(), 0xFF);
    CHECK(to_hex(desk.data(0x3D, by_id)) == own);
    CHECK(to_hex(desk.data(0x3D, {0x02})) == "000801");
    CHECK(to_hex(desk.data(0x3D, {0xFE, 7})) == "000801");
    CHECK(to_hex(desk.data(0x3D, {0xFF, 1, 2, 3, 4})) == "000801");
    CHECK(desk.code(0x3D, {}) == CompletionCode::data_length_invalid);
    CHECK(desk.code(0x3D, {0xFE}) == CompletionCode::data_length_invalid);
    CHECK(desk.code(0x3D, {0xFF, 1}) == CompletionCode::data_length_invalid);
    CHECK(desk.code(0x3D, {0x00, 0}) == CompletionCode::data_length_invalid);
}

TEST_CASE("Get Session Info over IPv6 leaves the IPv4 field zero")
{
    Bench bench;
    Console console{bench, 17, endpoint_ipv6()};
    REQUIRE(console.open());
    CHECK(to_hex(console.ask(NetFn::app, 0x3D, {0})->data) == "0108010102110000000000000000000050c3");
}

TEST_CASE("Get Channel Access and Get Channel Info")
{
    Desk desk;
    CHECK(to_hex(desk.data(0x41, {0x0E, 0x40})) == "2204");
    CHECK(to_hex(desk.data(0x41, {0x01, 0x80})) == "2204");
    CHECK(desk.code(0x41, {0x0E, 0x00}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x41, {0x0F, 0x40}) == CompletionCode{0x82});
    CHECK(desk.code(0x41, {0x0E}) == CompletionCode::data_length_invalid);
    CHECK(to_hex(desk.data(0x42, {0x0E})) == "01040181f21b000000");
    CHECK(to_hex(desk.data(0x42, {0x01})) == "01040181f21b000000");
    CHECK(to_hex(desk.data(0x42, {0x0F})) == "0f0c0500f21b00ffff");
    CHECK(desk.code(0x42, {0x03}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x42, {}) == CompletionCode::data_length_invalid);
}

TEST_CASE("Get User Access and Get User Name, from the configuration")
{
    Desk desk;
    CHECK(to_hex(desk.data(0x44, {0x0E, 1})) == "03430314");
    CHECK(to_hex(desk.data(0x44, {0x01, 2})) == "03430313");
    CHECK(desk.code(0x44, {0x0E, 0}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x44, {0x0E, 4}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x44, {0x03, 1}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x44, {0x0E}) == CompletionCode::data_length_invalid);
    CHECK(to_hex(desk.data(0x46, {1})) == "61646d696e0000000000000000000000");
    CHECK(as_text(desk.data(0x46, {3})) == "sixteen-bytes-16");
    CHECK(desk.code(0x46, {4}) == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x46, {}) == CompletionCode::data_length_invalid);
}

TEST_CASE("a system interface may ask about the channel, and has no session of its own")
{
    Bench bench;
    Caller host{};
    host.channel = 0x0F;
    host.kind = ChannelKind::system_interface;
    host.privilege = ipmi::Privilege::administrator;
    const auto ask = [&](std::uint8_t command, const Bytes& data) {
        return bench.table.dispatch({NetFn::app, 0, command, data}, host, bench.now).response;
    };
    CHECK(ask(0x42, {0x0E}).data.front() == 0x0F);
    CHECK(ask(0x42, {0x01}).data.front() == 0x01);
    CHECK(to_hex(ask(0x42, {0x0F}).data).starts_with("0f0c05")); // KCS
    host.channel = 2;
    host.host_interface = HostInterface::bt;
    CHECK(to_hex(ask(0x42, {0x0E}).data).starts_with("020c08")); // BT
    CHECK(to_hex(ask(0x42, {0x0F}).data).starts_with("0f0c05")); // another host's
    host.channel = 0x0F;
    CHECK(ask(0x38, {0x8E, 4}).completion_code == CompletionCode::invalid_data_field);
    CHECK(ask(0x38, {0x81, 4}).completion_code == CompletionCode::ok);
    CHECK(ask(0x3B, {4}).completion_code == CompletionCode::not_supported_in_present_state);
    CHECK(to_hex(ask(0x3D, {0x00}).data) == "000800");
    CHECK(ask(0x3C, {0, 0, 0, 0}).completion_code == CompletionCode{0x87});
}

TEST_CASE("a bridged session is none of ours, whatever its number")
{
    Desk desk;
    Caller bridged{};
    bridged.channel = 5;
    bridged.kind = ChannelKind::bridged;
    bridged.session = desk.console.bmc_id; // another server's number may be the same
    bridged.privilege = ipmi::Privilege::operator_;
    const auto ask = [&](std::uint8_t command, const Bytes& data) {
        return desk.bench.table.dispatch({NetFn::app, 0, command, data}, bridged, desk.bench.now).response;
    };
    CHECK(ask(0x3B, {2}).completion_code == CompletionCode::not_supported_in_present_state);
    CHECK(ask(0x3C, id_bytes(desk.console.bmc_id)).completion_code == CompletionCode::insufficient_privilege);
    CHECK(to_hex(ask(0x3D, {0x00}).data) == "000801");
    CHECK(to_hex(ask(0x42, {0x0E}).data).starts_with("050401"));
    CHECK(to_hex(ask(0x42, {0x05}).data).starts_with("050401"));
    CHECK(ask(0x42, {0x06}).completion_code == CompletionCode::invalid_data_field);
    bridged.session = 0;
    CHECK(ask(0x42, {0x0E}).completion_code == CompletionCode::invalid_data_field);
    CHECK(desk.code(0x3B, {4}) == CompletionCode::ok); // ours lives on
}
