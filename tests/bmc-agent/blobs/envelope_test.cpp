#include "bmc-agent/blobs/envelope.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <numeric>

using namespace fwupdate;
using namespace fwupdate::agent::blobs;

TEST_CASE("the CRC, on the original's vectors")
{
    CHECK(crc16({}) == 0x1D0F);
    CHECK(crc16(as_bytes("A")) == 0x9479);
    CHECK(crc16(as_bytes("123456789")) == 0xE5CC);
    CHECK(crc16(as_bytes(std::string(256, 'A'))) == 0xE938);
}

TEST_CASE("data is looked at in the original's order")
{
    const Bytes good = *from_hex("a478 01000000");
    const auto body = check_data(good, 6);
    REQUIRE(body.has_value());
    CHECK(to_hex(*body) == "01000000");

    Bytes bad = good;
    bad[0] ^= 1;
    CHECK(check_data(bad, 7).error().kind == ErrorKind::length); // before the CRC
    CHECK(check_data(bad, 6).error().kind == ErrorKind::integrity);
    CHECK(check_data(*from_hex("0f1d"), 0).error().kind == ErrorKind::length);
    for (const char* nothing : {"", "00"})
    {
        const auto empty = check_data(*from_hex(nothing), 0);
        REQUIRE(empty.has_value());
        CHECK(empty->empty());
    }
}

TEST_CASE("every changed bit of a request is found")
{
    const Bytes good = *from_hex("7887 0201 2f666c6173682f696d61676500");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit)
    {
        CAPTURE(bit);
        Bytes bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
        CHECK(check_data(bad, 6).error().kind == ErrorKind::integrity);
    }
    CHECK(check_data(good, 6).has_value());
}

TEST_CASE("an id has one NUL, at its end")
{
    CHECK(*read_id(*from_hex("6100")) == "a");
    for (const char* wrong : {"", "00", "61", "0061", "006100", "61006200", "610000"})
    {
        CAPTURE(wrong);
        CHECK(read_id(*from_hex(wrong)).error().kind == ErrorKind::length);
    }
}

TEST_CASE("a response fits the channel or is refused")
{
    const Reply reply{ipmi::CompletionCode::ok, Bytes{1, 2, 3, 4}, {}};
    const auto fits = make_response(reply, 9);
    CHECK(fits.completion_code == ipmi::CompletionCode::ok);
    CHECK(fits.data.size() == 9);
    const auto long_one = make_response(reply, 8);
    CHECK(long_one.completion_code == ipmi::CompletionCode::cannot_be_provided);
    CHECK(to_hex(long_one.data) == "cfc200");
}

TEST_CASE("a response: without a body no CRC, with an empty one a CRC alone, a refusal never has any")
{
    CHECK(to_hex(make_response({}, 240).data) == "cfc200");
    CHECK(to_hex(make_response({ipmi::CompletionCode::ok, Bytes{}, {}}, 240).data) == "cfc2000f1d");
    CHECK(to_hex(make_response({ipmi::CompletionCode::unspecified, Bytes{1}, {}}, 240).data) == "cfc200");
}
