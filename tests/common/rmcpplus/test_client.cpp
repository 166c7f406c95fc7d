#include "common/rmcpplus/client.hpp"
#include "golden.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::rmcpplus;

namespace
{

SessionCipher make_cipher(const golden::Suite& suite, RandomSource& random)
{
    const Algorithms algorithms = find_cipher_suite(suite.id)->algorithms;
    auto cipher = SessionCipher::create(algorithms.integrity, algorithms.confidentiality, from_hex(suite.k1).value(),
                                        from_hex(suite.k2).value(), random);
    REQUIRE(cipher);
    return std::move(*cipher);
}

LanRequest get_device_id()
{
    LanRequest request{};
    request.net_fn = ipmi::NetFn::app;
    request.requester_sequence = 5;
    request.command = 0x01;
    return request;
}

/// What a BMC would send: a response to Get Device ID under this number.
Bytes response_packet(SessionCipher& cipher, const PacketNumber& number)
{
    LanResponse response = response_to(get_device_id());
    const Bytes data{0x20, 0x01};
    response.data = data;
    const Bytes message = build_lan_response(response);
    Bytes packet(cipher.sealed_size(message.size()));
    REQUIRE(cipher.seal(number, message, packet));
    return packet;
}

} // namespace

TEST_CASE("a request is the golden packet, in place or copied")
{
    golden::GoldenRandom random;
    for (const golden::Suite& suite : {golden::suite_3, golden::suite_17})
    {
        SessionCipher cipher = make_cipher(suite, random);
        Bytes packet(request_packet_size(cipher, 2));
        packet[command_data_offset] = 0xAA;
        packet[command_data_offset + 1] = 0xBB;
        const PacketNumber number{golden::bmc_session, 3};
        CHECK(build_request_in_place(cipher, number, get_device_id(), 2, packet).value() == packet.size());
        CHECK(to_hex(packet) == suite.data_packet);
        LanRequest request = get_device_id();
        const Bytes data{0xAA, 0xBB};
        request.data = data;
        Bytes copied(packet.size());
        REQUIRE(build_request(cipher, number, request, copied));
        CHECK(copied == packet);
        CHECK(build_request(cipher, number, request, MutableBytes{copied}.first(packet.size() - 1)).error().kind ==
              ErrorKind::length);
        CHECK(build_request(cipher, number, request, MutableBytes{copied}.first(10)).error().kind == ErrorKind::length);
    }
}

TEST_CASE("the largest messages fit an Ethernet frame: 1400 bytes of data over IPv4, 1384 over IPv6")
{
    golden::GoldenRandom random;
    for (const golden::Suite& suite : {golden::suite_3, golden::suite_17})
    {
        const SessionCipher cipher = make_cipher(suite, random);
        CHECK(request_packet_size(cipher, 1400) <= 1500 - 20 - 8);
        CHECK(request_packet_size(cipher, 1384) <= 1500 - 40 - 8);
    }
    CHECK(request_packet_size(make_cipher(golden::suite_17, random), 1401) > 1500 - 20 - 8);
    CHECK(request_packet_size(make_cipher(golden::suite_17, random), 1385) > 1500 - 40 - 8);
}

TEST_CASE("a response is read and carries its number")
{
    SystemRandom random;
    SessionCipher cipher = make_cipher(golden::suite_17, random);
    Bytes packet = response_packet(cipher, {golden::console_session, 77});
    const auto response = parse_response(cipher, golden::console_session, packet);
    REQUIRE(response);
    CHECK(response->session_sequence == 77);
    CHECK(response->message.requester_sequence == 5);
    CHECK(response->message.completion_code == ipmi::CompletionCode::ok);
    CHECK(to_hex(response->message.data) == "2001");
}

TEST_CASE("a response that is not this session's, or not protected, is refused")
{
    SystemRandom random;
    SessionCipher cipher = make_cipher(golden::suite_17, random);
    Bytes other = response_packet(cipher, {golden::console_session + 1, 1});
    CHECK(parse_response(cipher, golden::console_session, other).error().kind == ErrorKind::not_found);
    Bytes type = response_packet(cipher, {golden::console_session, 1, PayloadType::serial_over_lan});
    CHECK(parse_response(cipher, golden::console_session, type).error().kind == ErrorKind::not_found);

    const Bytes message = build_lan_response(response_to(get_device_id()));
    Bytes plain = build_sessionless(PayloadType::ipmi_message, message);
    store_u32(golden::console_session, MutableBytes{plain}.subspan(6, 4));
    CHECK(parse_response(cipher, golden::console_session, plain).error().kind == ErrorKind::denied);
    Bytes old_format = build_sessionless_1_5(message);
    CHECK(parse_response(cipher, golden::console_session, old_format).error().kind == ErrorKind::unsupported);

    Bytes authenticated_only = response_packet(cipher, {golden::console_session, 1});
    authenticated_only[5] = 0x40;
    CHECK(parse_response(cipher, golden::console_session, authenticated_only).error().kind == ErrorKind::denied);
    Bytes not_rmcp{1, 2, 3, 4, 5, 6};
    CHECK(parse_response(cipher, golden::console_session, not_rmcp).error().kind == ErrorKind::invalid_field);
}

TEST_CASE("every truncation and every single-byte corruption of a response is refused")
{
    SystemRandom random;
    SessionCipher cipher = make_cipher(golden::suite_3, random);
    const Bytes good = response_packet(cipher, {golden::console_session, 1});
    for (std::size_t size = 0; size < good.size(); ++size)
    {
        Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(parse_response(cipher, golden::console_session, cut));
    }
    for (std::size_t at = 0; at < good.size(); ++at)
    {
        CAPTURE(at);
        Bytes bad = good;
        bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0x81);
        // The second byte is reserved in RMCP and covered by nothing.
        CHECK(parse_response(cipher, golden::console_session, bad).has_value() == (at == 1));
    }
}
