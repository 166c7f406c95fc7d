// Which hosts and addresses may be fetched from.
#include "transports/network/engine/address_rules.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace fwupdate;
using namespace fwupdate::network;

namespace
{

std::vector<Rule> rules(std::initializer_list<std::string_view> texts)
{
    std::vector<Rule> list;
    for (const std::string_view text : texts)
    {
        auto rule = Rule::parse(text);
        CAPTURE(text);
        REQUIRE(rule.has_value());
        list.push_back(*rule);
    }
    return list;
}

bool admits(const AddressRules& list, std::string_view host, const char* address, std::vector<Address> own = {})
{
    const auto admitted = list.admit_address(host, boost::asio::ip::make_address(address), own);
    CHECK((admitted || admitted.error().kind == ErrorKind::denied));
    CHECK((admitted || admitted.error().text.find("network") != std::string::npos)); // where to change it
    return admitted.has_value();
}

} // namespace

TEST_CASE("rules are networks or names")
{
    CHECK(Rule::parse("10.0.0.0/8")->network.has_value());
    CHECK(Rule::parse("10.1.2.3")->network->is_single());
    CHECK(Rule::parse("2001:db8::/32")->network.has_value());
    CHECK(Rule::parse("0.0.0.0/0")->network.has_value());
    CHECK_FALSE(Rule::parse("Files.Example.COM")->network.has_value());
    CHECK(Rule::parse("Files.Example.COM")->name == "files.example.com");
    for (const char* bad : {"",
                            "10.0.0.1/8",
                            "10.0.0.0/33",
                            "10.0.0.0/",
                            "10.0.0.0/-1",
                            "10.0.0.0/8x",
                            "::/129",
                            "2001:db8::1/32",
                            "a b",
                            "*",
                            "*.",
                            "*.*.com",
                            "a..b",
                            ".a",
                            "a.",
                            "10.0.0",
                            "10.0.0.256",
                            "http://a",
                            "a/b",
                            "a:80"})
    {
        CAPTURE(bad);
        CHECK_FALSE(Rule::parse(bad).has_value());
    }
}

TEST_CASE("names match whole labels")
{
    const Rule below = *Rule::parse("*.example.com");
    CHECK(below.matches("a.example.com"));
    CHECK(below.matches("a.b.example.com"));
    CHECK_FALSE(below.matches("example.com"));
    CHECK_FALSE(below.matches("badexample.com"));
    CHECK_FALSE(below.matches("example.com.evil.net"));
    const Rule one = *Rule::parse("files.example.com");
    CHECK(one.matches("files.example.com"));
    CHECK_FALSE(one.matches("xfiles.example.com"));
}

TEST_CASE("without rules everything but the special addresses is admitted")
{
    const AddressRules none;
    CHECK(admits(none, "h", "192.0.2.1"));
    CHECK(admits(none, "h", "10.0.0.1"));
    CHECK(admits(none, "h", "2001:db8::1"));
    for (const char* special : {"127.0.0.1",
                                "127.255.255.255",
                                "0.0.0.0",
                                "0.1.2.3",
                                "169.254.0.1",
                                "224.0.0.1",
                                "239.1.1.1",
                                "240.0.0.1",
                                "255.255.255.255",
                                "::1",
                                "::",
                                "fe80::1",
                                "febf::1",
                                "ff02::1",
                                "::ffff:127.0.0.1",
                                "::ffff:169.254.1.1",
                                "::127.0.0.1",
                                "64:ff9b::127.0.0.1",
                                "64:ff9b::7f00:1",
                                "2002:7f00:1::",
                                "2002:a9fe:101::1"})
    {
        CAPTURE(special);
        CHECK_FALSE(admits(none, "h", special));
    }
    CHECK(admits(none, "h", "64:ff9b::c000:201")); // NAT64 to 192.0.2.1
}

TEST_CASE("special addresses want a rule inside of their range")
{
    CHECK_FALSE(admits({rules({"0.0.0.0/0", "::/0"}), {}}, "h", "127.0.0.1"));
    CHECK_FALSE(admits({rules({"0.0.0.0/0", "::/0"}), {}}, "h", "::1"));
    CHECK_FALSE(admits({rules({"localhost"}), {}}, "localhost", "127.0.0.1")); // a name is what somebody else says
    CHECK(admits({rules({"127.0.0.0/8"}), {}}, "h", "127.0.0.1"));
    CHECK(admits({rules({"127.0.0.1"}), {}}, "h", "127.0.0.1"));
    CHECK_FALSE(admits({rules({"127.0.0.1"}), {}}, "h", "127.0.0.2"));
    CHECK(admits({rules({"::1"}), {}}, "h", "::1"));
    CHECK(admits({rules({"169.254.0.0/16"}), {}}, "h", "169.254.0.17"));
    CHECK(admits({rules({"fe80::/64"}), {}}, "h", "fe80::1"));
    CHECK(admits({rules({"127.0.0.1"}), {}}, "h", "::ffff:127.0.0.1"));
}

TEST_CASE("the BMC's own addresses want exactly their rule")
{
    const std::vector<Address> own{boost::asio::ip::make_address("192.0.2.7"),
                                   boost::asio::ip::make_address("2001:db8::7")};
    CHECK_FALSE(admits({}, "h", "192.0.2.7", own));
    CHECK_FALSE(admits({}, "h", "::ffff:192.0.2.7", own));
    CHECK_FALSE(admits({}, "h", "2001:db8::7", own));
    CHECK_FALSE(admits({rules({"192.0.2.0/24"}), {}}, "h", "192.0.2.7", own));
    CHECK(admits({rules({"192.0.2.0/24"}), {}}, "h", "192.0.2.8", own));
    CHECK(admits({rules({"192.0.2.7"}), {}}, "h", "192.0.2.7", own));
}

TEST_CASE("a list that is not empty admits what it names, and deny beats it")
{
    const AddressRules list{rules({"192.0.2.0/24", "files.example.com"}), rules({"192.0.2.66", "bad.example.com"})};
    CHECK(admits(list, "h", "192.0.2.1"));
    CHECK_FALSE(admits(list, "h", "198.51.100.1"));
    CHECK(admits(list, "files.example.com", "198.51.100.1"));
    CHECK_FALSE(admits(list, "files.example.com", "127.0.0.1"));
    CHECK_FALSE(admits(list, "h", "192.0.2.66"));
    CHECK_FALSE(admits(list, "bad.example.com", "192.0.2.1"));
}

TEST_CASE("hosts are looked at before they are resolved")
{
    const AddressRules names{rules({"*.example.com"}), rules({"bad.example.com"})};
    CHECK(names.admit_host("a.example.com").has_value());
    CHECK_FALSE(names.admit_host("bad.example.com").has_value());
    CHECK_FALSE(names.admit_host("a.example.net").has_value());
    CHECK_FALSE(names.admit_host("192.0.2.1").has_value());
    const AddressRules mixed{rules({"192.0.2.0/24"}), {}};
    CHECK(mixed.admit_host("a.example.net").has_value()); // may resolve to it
    CHECK(mixed.admit_host("192.0.2.1").has_value());
    CHECK_FALSE(mixed.admit_host("198.51.100.1").has_value());
    CHECK_FALSE(AddressRules{}.admit_host("127.0.0.1").has_value());
    CHECK_FALSE(AddressRules{}.admit_host("::1").has_value());
    CHECK_FALSE(AddressRules{}.admit_host("fe80::1%eth0").has_value());
}
