#include "common/rmcpplus/lan_message.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::rmcpplus;

namespace
{

const Bytes request_bytes = from_hex("2018c881040138aabbdd").value(); // Get Device ID with data, sequence 1
const Bytes response_bytes = from_hex("811c63200401c0122300"
                                      "e6")
                                 .value();

} // namespace

TEST_CASE("a request goes both ways")
{
    LanRequest request{};
    request.net_fn = ipmi::NetFn::app;
    request.requester_sequence = 33;
    request.requester_lun = 2;
    request.responder_lun = 1;
    request.command = 0x38;
    const Bytes data{0x8E, 0x04};
    request.data = data;
    const Bytes bytes = build_lan_request(request);
    CHECK(to_hex(bytes) == "2019c78186388e042f");
    const auto parsed = parse_lan_request(bytes);
    REQUIRE(parsed);
    CHECK(parsed->responder_address == 0x20);
    CHECK(parsed->net_fn == ipmi::NetFn::app);
    CHECK(parsed->responder_lun == 1);
    CHECK(parsed->requester_address == 0x81);
    CHECK(parsed->requester_sequence == 33);
    CHECK(parsed->requester_lun == 2);
    CHECK(parsed->command == 0x38);
    CHECK(to_hex(parsed->data) == "8e04");
}

TEST_CASE("a response goes both ways and answers its request")
{
    LanRequest request{};
    request.net_fn = ipmi::NetFn::firmware;
    request.requester_sequence = 63;
    request.requester_lun = 3;
    request.command = 0x2C;
    LanResponse response = response_to(request);
    response.completion_code = ipmi::CompletionCode::not_supported_in_present_state;
    const Bytes data{1, 2, 3, 4};
    response.data = data;
    const Bytes bytes = build_lan_response(response);
    CHECK(to_hex(bytes) == "81275820fc2cd501020304d9");
    const auto parsed = parse_lan_response(bytes);
    REQUIRE(parsed);
    CHECK(parsed->net_fn == ipmi::NetFn::firmware);
    CHECK(parsed->requester_sequence == 63);
    CHECK(parsed->requester_lun == 3);
    CHECK(parsed->responder_address == 0x20);
    CHECK(parsed->completion_code == ipmi::CompletionCode::not_supported_in_present_state);
    CHECK(to_hex(parsed->data) == "01020304");
}

TEST_CASE("every truncation and every single-byte corruption of a request is refused")
{
    LanRequest request{};
    request.net_fn = ipmi::NetFn::app;
    request.command = 1;
    const Bytes good = build_lan_request(request);
    for (std::size_t size = 0; size < good.size(); ++size)
    {
        CHECK(parse_lan_request(ConstBytes{good}.first(size)).error().kind == ErrorKind::length);
    }
    for (std::size_t at = 0; at < good.size(); ++at)
    {
        Bytes bad = good;
        bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0x40);
        CHECK(parse_lan_request(bad).error().kind == ErrorKind::integrity);
    }
}

TEST_CASE("a response is not a request, and the other way round")
{
    LanRequest request{};
    request.net_fn = ipmi::NetFn::app;
    CHECK(parse_lan_request(build_lan_response(response_to(request))).error().kind == ErrorKind::invalid_field);
    const Bytes data(1);
    request.data = data;
    CHECK(parse_lan_response(build_lan_request(request)).error().kind == ErrorKind::invalid_field);
    CHECK(parse_lan_response(build_lan_request(LanRequest{})).error().kind == ErrorKind::length);
}
