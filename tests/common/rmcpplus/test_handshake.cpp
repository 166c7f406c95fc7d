#include "common/rmcpplus/handshake.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::codec;
using namespace fwupdate::rmcpplus;

namespace
{

// What `ipmitool -C 17` sends.
const Bytes open_request = from_hex("00000000a4a3a2a0 0000000803000000 0100000804000000 0200000801000000").value();

const Bytes rakp1 = from_hex("07 000000 78563412 101112131415161718191a1b1c1d1e1f 14 0000 05 61646d696e").value();

} // namespace

TEST_CASE("Open Session Request reads as ipmitool sends it")
{
    const auto request = decode_request<OpenSessionRequest>(open_request);
    REQUIRE(request);
    CHECK(request->message_tag == 0);
    CHECK(request->privilege == 0);
    CHECK(request->console_session_id == 0xA0A2A3A4);
    CHECK(request->authentication.type == 0);
    CHECK(request->authentication.algorithm == 3);
    CHECK(request->integrity.type == 1);
    CHECK(request->integrity.algorithm == 4);
    CHECK(request->confidentiality.type == 2);
    CHECK(request->confidentiality.algorithm == 1);
    CHECK(encode(*request) == open_request);
}

TEST_CASE("RAKP 1 reads with names of 0 to 16 bytes")
{
    const auto message = decode_request<RakpMessage1>(rakp1);
    REQUIRE(message);
    CHECK(message->bmc_session_id == 0x12345678);
    CHECK(message->role == 0x14);
    CHECK(message->user_name.value == "admin");
    CHECK(encode(*message) == rakp1);
    Bytes longest(rakp1.begin(), rakp1.end() - 6);
    longest.push_back(16);
    longest.resize(longest.size() + 16, 'x');
    CHECK(decode_request<RakpMessage1>(longest).value().user_name.value.size() == 16);
    longest[27] = 17;
    longest.push_back('x');
    CHECK(decode_request<RakpMessage1>(longest).error().kind == ErrorKind::invalid_field);
}

TEST_CASE("every truncation and one byte too much are length errors")
{
    for (std::size_t size = 0; size < open_request.size(); ++size)
    {
        CHECK(decode_request<OpenSessionRequest>(ConstBytes{open_request}.first(size)).error().kind ==
              ErrorKind::length);
    }
    for (std::size_t size = 0; size < rakp1.size(); ++size)
    {
        CHECK(decode_request<RakpMessage1>(ConstBytes{rakp1}.first(size)).error().kind == ErrorKind::length);
    }
    for (std::size_t size = 0; size < 8; ++size)
    {
        CHECK(decode_request<RakpMessage3>(Bytes(size)).error().kind == ErrorKind::length);
    }
    Bytes longer = rakp1;
    longer.push_back(0);
    CHECK(decode_request<RakpMessage1>(longer).error().kind == ErrorKind::length);
}

TEST_CASE("reserved bytes are refused")
{
    for (const std::size_t at : {2U, 3U, 9U, 10U, 13U, 14U, 15U, 17U, 31U})
    {
        Bytes bad = open_request;
        bad[at] = 1;
        CHECK(decode_request<OpenSessionRequest>(bad).error().kind == ErrorKind::invalid_field);
    }
    for (const std::size_t at : {1U, 2U, 3U, 25U, 26U})
    {
        Bytes bad = rakp1;
        bad[at] = 1;
        CHECK(decode_request<RakpMessage1>(bad).error().kind == ErrorKind::invalid_field);
    }
}

TEST_CASE("the BMC's messages have the sizes of the tables")
{
    CHECK(encode(OpenSessionResponse{}).size() == 36);
    CHECK(encode(HandshakeRefusal{9, RakpStatus::no_cipher_suite_match, {}, 0x01020304}) ==
          Bytes{9, 0x11, 0, 0, 4, 3, 2, 1});
    const Bytes code(20, 0xCC);
    RakpMessage2 rakp2{};
    rakp2.authentication_code.view = code;
    CHECK(encode(rakp2).size() == 60);
    RakpMessage4 rakp4{};
    rakp4.integrity_check_value.view = ConstBytes{code}.first(12);
    CHECK(encode(rakp4).size() == 20);
    CHECK(is_defined(RakpStatus::illegal_parameter));
    CHECK_FALSE(is_defined(RakpStatus{0x13}));
}
