#include "common/rmcpplus/packet.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::rmcpplus;

namespace
{

// Get Channel Authentication Capabilities as ipmitool sends it before a session.
const Bytes capabilities_request = from_hex("0600ff07 00 00000000 00000000 09 2018c8 8100388e 04b5").value();

} // namespace

TEST_CASE("the first bytes tell the format")
{
    CHECK(classify(Bytes{6, 0, 0xFF, 6, 0}).value() == PacketFormat::asf);
    CHECK(classify(Bytes{6, 0, 0x12, 6, 0}).value() == PacketFormat::asf); // a ping may ask for an acknowledgement
    CHECK(classify(capabilities_request).value() == PacketFormat::ipmi_1_5);
    CHECK(classify(Bytes{6, 0, 0xFF, 7, 6}).value() == PacketFormat::rmcp_plus);
}

TEST_CASE("what is not RMCP is refused")
{
    CHECK(classify({}).error().kind == ErrorKind::length);
    CHECK(classify(Bytes{6, 0, 0xFF, 7}).error().kind == ErrorKind::length);
    CHECK(classify(Bytes{5, 0, 0xFF, 7, 6}).error().kind == ErrorKind::invalid_field);    // version
    CHECK(classify(Bytes{6, 0, 0x01, 7, 6}).error().kind == ErrorKind::invalid_field);    // wants an acknowledgement
    CHECK(classify(Bytes{6, 0, 0xFF, 0x87, 6}).error().kind == ErrorKind::invalid_field); // is one
    CHECK(classify(Bytes{6, 0, 0xFF, 8, 6}).error().kind == ErrorKind::invalid_field);    // OEM class
}

TEST_CASE("the IPMI 1.5 wrapper goes both ways outside of a session")
{
    const auto message = parse_sessionless_1_5(capabilities_request);
    REQUIRE(message);
    CHECK(to_hex(*message) == "2018c88100388e04b5");
    CHECK(build_sessionless_1_5(*message) == capabilities_request);
}

TEST_CASE("the IPMI 1.5 wrapper refuses sessions, authentication types and wrong lengths")
{
    for (const std::size_t at : {4U, 5U, 8U, 9U, 12U}) // type, sequence number, session id
    {
        Bytes bad = capabilities_request;
        bad[at] = 2;
        CHECK(parse_sessionless_1_5(bad).error().kind == ErrorKind::denied);
    }
    for (std::size_t size = 0; size < capabilities_request.size(); ++size)
    {
        CHECK_FALSE(parse_sessionless_1_5(ConstBytes{capabilities_request}.first(size)));
    }
    Bytes longer = capabilities_request;
    longer.push_back(0);
    CHECK(parse_sessionless_1_5(longer).error().kind == ErrorKind::length);
}

TEST_CASE("the IPMI 2.0 header goes both ways")
{
    const RmcpPlusPacket packet{PayloadType::rakp_message_3, true, true, 0x11223344, 0x55667788, 4};
    Bytes datagram(payload_offset);
    write_headers(packet, datagram);
    CHECK(to_hex(datagram) == "0600ff0706d444332211887766550400");
    datagram.insert(datagram.end(), {1, 2, 3, 4, 0, 7});
    const auto parsed = parse_rmcp_plus(datagram);
    REQUIRE(parsed);
    CHECK(parsed->payload_type == PayloadType::rakp_message_3);
    CHECK(parsed->encrypted);
    CHECK(parsed->authenticated);
    CHECK(parsed->session_id == 0x11223344);
    CHECK(parsed->session_sequence == 0x55667788);
    CHECK(parsed->payload_size == 4);
}

TEST_CASE("a packet outside of a session ends with its payload")
{
    Bytes datagram = build_sessionless(PayloadType::open_session_request, Bytes{1, 2, 3});
    CHECK(to_hex(datagram) == "0600ff070610000000000000000003000102"
                              "03");
    CHECK(parse_rmcp_plus(datagram).value().payload_size == 3);
    for (std::size_t size = 0; size < datagram.size(); ++size)
    {
        CHECK(parse_rmcp_plus(ConstBytes{datagram}.first(size)).error().kind == ErrorKind::length);
    }
    datagram.push_back(0);
    CHECK(parse_rmcp_plus(datagram).error().kind == ErrorKind::length);
}

TEST_CASE("an authenticated packet without a trailer and OEM explicit payloads are refused")
{
    Bytes datagram = build_sessionless(PayloadType::ipmi_message, Bytes{1, 2, 3});
    datagram[5] = 0x40;
    CHECK(parse_rmcp_plus(datagram).error().kind == ErrorKind::length);
    datagram[5] = 0x02;
    CHECK(parse_rmcp_plus(datagram).error().kind == ErrorKind::unsupported);
}
