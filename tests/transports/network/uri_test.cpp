// URIs: what is taken, what is refused, and that no secret is ever shown.
#include "transports/network/engine/uri.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace fwupdate;
using namespace fwupdate::network;

TEST_CASE("a URI is taken apart")
{
    const auto uri = Uri::parse("https://bmc:se%20cret@Files.Example.com.:8443/fw/image.bin?token=abc#part");
    REQUIRE(uri.has_value());
    CHECK(uri->scheme() == Scheme::https);
    CHECK(uri->host() == "files.example.com");
    CHECK(uri->port() == 8443);
    REQUIRE(uri->credentials().has_value());
    CHECK(uri->credentials()->user == "bmc");
    CHECK(uri->credentials()->password == "se cret");
    CHECK(uri->text().find("se%20cret") == std::string::npos);
    CHECK(uri->text().find("token=abc") != std::string::npos);
    CHECK(uri->text().find('#') == std::string::npos);
    CHECK(uri->shown().find("cret") == std::string::npos);
    CHECK(uri->shown().find("abc") == std::string::npos);
    CHECK(uri->shown().ends_with("/fw/image.bin?..."));
}

TEST_CASE("default ports, letters' case, and IPv6")
{
    CHECK(Uri::parse("HTTP://a/b")->port() == 80);
    CHECK(Uri::parse("https://a/b")->port() == 443);
    CHECK(Uri::parse("tftp://a/b")->port() == 69);
    CHECK(Uri::parse("ftp://a/b")->port() == 21);
    CHECK(Uri::parse("ftps://a/b")->port() == 990);
    const auto v6 = Uri::parse("http://[2001:db8::1]:8080/b");
    REQUIRE(v6.has_value());
    CHECK(v6->host() == "2001:db8::1");
    CHECK(v6->port() == 8080);
    CHECK(Uri::parse("http://0x7f.1/b")->host() == "127.0.0.1"); // as whoever fetches it reads it
    CHECK(Uri::parse("http://2130706433/b")->host() == "127.0.0.1");
}

TEST_CASE("what names no file of a known kind is refused, without showing secrets")
{
    constexpr auto bad = std::to_array<std::string_view>({
        "",
        "image.bin",
        "file:///etc/passwd",
        "file://host/etc/passwd",
        "http://",
        "http:///b",
        "http://a",
        "http://a/",
        "ftp://a/directory/",
        "gopher://a/b",
        "scp://a/b",
        "http://a b/c",
        "http://a/b\r\nX: y",
        "http://a/b\x01",
        "http://a:0/b",
        "http://a:99999/b",
        "http://a:x/b",
        "http://user:hush@/b",
        "usb://b",
        "data:,x",
        "dict://a/b",
        "http://a%7f/b",
        "http://a%2fb/c",
        "http://b\xC3\xBC"
        "cher.example/c",
    });
    for (const std::string_view text : bad)
    {
        CAPTURE(text);
        const auto uri = Uri::parse(text);
        REQUIRE_FALSE(uri.has_value());
        CHECK(uri.error().kind == ErrorKind::invalid_field);
        CHECK(uri.error().text.find("hush") == std::string::npos);
    }
}

TEST_CASE("redirect targets are resolved against the URI")
{
    const Uri base = *Uri::parse("http://a.example/dir/file?x=1");
    CHECK(base.resolve("other") == "http://a.example/dir/other");
    CHECK(base.resolve("/top") == "http://a.example/top");
    CHECK(base.resolve("//b.example/c") == "http://b.example/c");
    CHECK(base.resolve("https://b.example/c") == "https://b.example/c");
    CHECK_FALSE(Uri::parse(base.resolve("file:///etc/passwd")).has_value());
    CHECK_FALSE(Uri::parse(base.resolve("")).has_value());
}

TEST_CASE("credentials are for one host and port, never less protected")
{
    const auto share = [](const char* from, const char* to)
    { return Uri::parse(from)->may_share_credentials_with(*Uri::parse(to)); };
    CHECK(share("http://a/b", "http://a/c"));
    CHECK(share("http://a/b", "https://a/c"));
    CHECK(share("https://a/b", "https://A/c"));
    CHECK_FALSE(share("https://a/b", "http://a/c"));
    CHECK_FALSE(share("https://a/b", "https://b/c"));
    CHECK_FALSE(share("https://a/b", "https://a:444/c"));
    CHECK_FALSE(share("https://a/b", "https://a.b/c"));
}
