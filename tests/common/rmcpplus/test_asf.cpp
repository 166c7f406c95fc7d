#include "common/rmcpplus/asf.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::rmcpplus;

TEST_CASE("a presence ping is answered with its tag")
{
    const Bytes ping = from_hex("0600ff06 000011be 80 2a 00 00").value(); // IPMI 2.0 table 13-6
    CHECK(parse_presence_ping(ping).value() == 0x2A);
    CHECK(to_hex(build_presence_pong(0x2A)) == "0600ff06000011be402a0010000011be000000008100000000000000");
}

TEST_CASE("other ASF messages and wrong lengths are refused")
{
    const Bytes ping = from_hex("0600ff06000011be802a0000").value();
    for (std::size_t size = 0; size < ping.size(); ++size)
    {
        CHECK(parse_presence_ping(ConstBytes{ping}.first(size)).error().kind == ErrorKind::length);
    }
    Bytes bad = ping;
    bad[8] = 0x40; // a pong
    CHECK(parse_presence_ping(bad).error().kind == ErrorKind::unsupported);
    bad = ping;
    bad[7] = 0xBF; // another enterprise
    CHECK(parse_presence_ping(bad).error().kind == ErrorKind::invalid_field);
    bad = ping;
    bad[11] = 1; // claims data
    CHECK(parse_presence_ping(bad).error().kind == ErrorKind::invalid_field);
}
