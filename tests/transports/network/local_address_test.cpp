#include "tests/common/result_printing.hpp"
#include "transports/network/host/local_address.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::network;

TEST_CASE("the route to this machine is this machine's own address")
{
    const Result<Route> route = route_to("127.0.0.1");
    REQUIRE(route);
    CHECK(route->local == "127.0.0.1");
    CHECK(route->peer == "127.0.0.1");
    const Result<Route> other = route_to("127.0.0.9");
    REQUIRE(other);
    CHECK(other->peer == "127.0.0.9");
    const Result<Route> named = route_to("localhost");
    REQUIRE(named);
    CHECK((named->local == "127.0.0.1" || named->local == "::1"));
}

TEST_CASE("IPv6, where this machine has it")
{
    if (const Result<Route> route = route_to("::1"))
    {
        CHECK(route->local == "::1");
        CHECK(uri_host(route->local) == "[::1]");
    }
}

TEST_CASE("no name, no route: said with the host")
{
    const Result<Route> unknown = route_to("no-such-host.invalid");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().kind == ErrorKind::not_found);
    CHECK(unknown.error().text.find("no-such-host.invalid") != std::string::npos);
    CHECK_FALSE(route_to(""));
    CHECK_FALSE(route_to("255.255.255.255.1"));
}

TEST_CASE("a link-local address is no address that a BMC could be told")
{
    if (const Result<Route> route = route_to("fe80::1%lo"); !route)
    {
        CHECK(route.error().text.find("fe80::1%lo") != std::string::npos);
    }
    else
    {
        CHECK(route->local.find('%') == std::string::npos);
    }
}

TEST_CASE("numeric addresses and names as a URI has them")
{
    CHECK(uri_host("192.0.2.1") == "192.0.2.1");
    CHECK(uri_host("2001:db8::1") == "[2001:db8::1]");
    CHECK(uri_host("host.example") == "host.example");
    CHECK(is_numeric_address("192.0.2.1"));
    CHECK(is_numeric_address("2001:db8::1"));
    for (const char* text : {"", "192.0.2", "192.0.2.256", "host", "[::1]", "fe80::1%eth0", "::g"})
    {
        CHECK_FALSE_MESSAGE(is_numeric_address(text), text);
    }
}
