#include "bmc-agent/config/values.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::config;

TEST_CASE("sizes")
{
    CHECK(parse_size("0") == 0);
    CHECK(parse_size("4096") == 4096);
    CHECK(parse_size("64KiB") == 65'536);
    CHECK(parse_size("64MiB") == 67'108'864);
    CHECK(parse_size("4GiB") == 4'294'967'296);
    CHECK(parse_size("17179869183GiB") == 17'179'869'183ULL << 30);
    for (const char* wrong : {"", "MiB", " 1", "1 MiB", "-1", "+1", "1MB", "1mib", "0x10", "1.5MiB", "17179869184GiB",
                              "18446744073709551616", "1KiBKiB"})
    {
        CAPTURE(wrong);
        CHECK_FALSE(parse_size(wrong));
    }
}

TEST_CASE("listen addresses")
{
    const auto address = [](std::string_view text)
    {
        const auto listen = parse_listen_address(text);
        return listen ? listen->address + " " + std::to_string(listen->port) : std::string{"refused"};
    };
    CHECK(address("0.0.0.0:623") == "0.0.0.0 623");
    CHECK(address("0.0.0.0") == "0.0.0.0 623");
    CHECK(address("192.0.2.1:0") == "192.0.2.1 0");
    CHECK(address("[::]:6230") == ":: 6230");
    CHECK(address("[::]") == ":: 623");
    CHECK(address("2001:db8::1") == "2001:db8::1 623");
    CHECK(address("[fe80::1%eth0]:623") == "fe80::1%eth0 623");
    for (const char* wrong : {"", ":", ":623", "[::1", "[::1]623", "[]:1", "1.2.3:1", "1.2.3.4:", "1.2.3.4:65536",
                              "1.2.3.4:-1", "1.2.3.4:6 23", "host:623", "[::1]:", "[1.2.3.4:5]:1", "::1]:5"})
    {
        CAPTURE(wrong);
        CHECK(address(wrong) == "refused");
    }
}

TEST_CASE("identifiers")
{
    const auto guid = parse_guid("00112233-4455-6677-8899-AABBccddeeff");
    REQUIRE(guid);
    CHECK((*guid)[1] == 0x11);
    CHECK((*guid)[10] == 0xAA);
    CHECK(parse_guid("00112233445566778899aabbccddeeff") == guid);
    for (const char* wrong : {"", "0011", "00112233-4455-6677-8899-AABBccddeef", "001122334455-6677-8899-AABBccddee-ff",
                              "0011223344556677889900aabbccddeeff", "g0112233445566778899aabbccddeeff"})
    {
        CAPTURE(wrong);
        CHECK_FALSE(parse_guid(wrong));
    }
}
