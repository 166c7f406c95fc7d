#include "common/package/version/version.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace fwupdate;
using namespace fwupdate::package;

namespace
{

int order(const VersionScheme& scheme, const std::string& left, const std::string& right)
{
    const auto compared = scheme.compare(left, right);
    REQUIRE_MESSAGE(compared.has_value(), left, " ", right);
    return *compared < 0 ? -1 : *compared > 0 ? 1 : 0;
}

/// Each is older than all behind it.
void expect_ascending(const VersionScheme& scheme, const std::vector<std::string>& versions)
{
    for (std::size_t left = 0; left < versions.size(); ++left)
    {
        for (std::size_t right = 0; right < versions.size(); ++right)
        {
            CHECK_MESSAGE(order(scheme, versions[left], versions[right]) == (left < right   ? -1
                                                                             : left > right ? 1
                                                                                            : 0),
                          versions[left], " ", versions[right]);
        }
    }
}

void expect_incomparable(const VersionScheme& scheme, const std::string& left, const std::string& right)
{
    const auto compared = scheme.compare(left, right);
    REQUIRE_MESSAGE(!compared.has_value(), left);
    CHECK(compared.error().kind == ErrorKind::unsupported);
    CHECK_MESSAGE(compared.error().text.find("cannot be compared") != std::string::npos, compared.error().text);
}

std::string random_version(std::mt19937& generator)
{
    const auto pick = [&](const std::vector<std::string>& choices) { return choices[generator() % choices.size()]; };
    const std::vector<std::string> numbers{"0", "1", "2", "9", "10", "010", "00", "99999999999999999999999"};
    return pick({"", "v"}) + pick(numbers) + "." + pick(numbers) + pick({"", "." + pick(numbers)}) +
           pick({"", "", "-dev", "-rc1", "-rc.2", "-rc10", "-RC", "-a1b", "-a01b", "-a"}) +
           pick({"", "", "-0-gab", "-1-gcd", "-12-g0"}) + pick({"", "-dirty", "+build.5"});
}

} // namespace

TEST_CASE("versions of OpenBMC and of semantic versioning")
{
    expect_ascending(VersionScheme::usual(),
                     {"0.9", "1.0", "1.0.1", "1.2.0-rc.1", "1.2.0-rc.2", "1.2.0-rc.10", "1.2.0", "1.10.0", "2.9.1",
                      "2.14.0-dev", "2.14.0-dev-9-gabcdef", "2.14.0-dev-123-gabcdef", "2.14.0", "v2.14.0-1-g0123",
                      "2.14.0.1", "2.14.1", "3.0.0-dev-1-gab-dirty", "10.0"});
}

TEST_CASE("what is not compared makes no difference")
{
    const VersionScheme scheme = VersionScheme::usual();
    CHECK(order(scheme, "v2.9.1", "2.9.1") == 0);
    CHECK(order(scheme, "2.9", "2.9.0") == 0);
    CHECK(order(scheme, "2.09.1", "2.9.01") == 0);
    CHECK(order(scheme, "2.9.1-5-gaaaa", "2.9.1-5-gbbbb-dirty") == 0);
    CHECK(order(scheme, "2.9.1+one", "2.9.1+two") == 0);
}

TEST_CASE("numbers have any length")
{
    const VersionScheme scheme = VersionScheme::usual();
    CHECK(order(scheme, "1.99999999999999999999999999", "1.100000000000000000000000000") == -1);
    CHECK(order(scheme, "1.256", "1.1") == 1);
    CHECK(order(scheme, "1.4294967296", "1.1") == 1);
}

TEST_CASE("dates")
{
    expect_ascending(VersionScheme::usual(),
                     {"2024-12-31", "20250101", "2025-01-02", "2025-01-02-1", "2025-01-02T0930", "2025-11-26"});
    CHECK(order(VersionScheme::usual(), "20250101", "2025-01-01") == 0);
}

TEST_CASE("what fits no pattern, or two different ones, cannot be compared")
{
    const VersionScheme scheme = VersionScheme::usual();
    for (const std::string odd :
         {"unknown", "1", "1.", ".1", "1..2", "1.2.3.4.5", "1.2-", " 1.2", "1.2 ", "1.2\n", "-1.2", "1.-2",
          "1.2.3-dev-x y", "2024-13-01", "2024-00-10", "fw1020.00-12", "1.2\xC3\xA4"})
    {
        expect_incomparable(scheme, odd, "1.2");
        expect_incomparable(scheme, "1.2", odd);
    }
    expect_incomparable(scheme, "2025-01-01", "2.14.0");
    for (const std::string& bad : {std::string{}, std::string(129, '1')})
    {
        const auto compared = scheme.compare(bad, "1.2");
        REQUIRE_FALSE(compared.has_value());
        CHECK(compared.error().kind == ErrorKind::length);
    }
    CHECK(scheme.parse("1." + std::string(126, '2')).has_value());
}

TEST_CASE("property: a strict weak ordering")
{
    const VersionScheme scheme = VersionScheme::usual();
    std::mt19937 generator{20261126};
    std::vector<std::string> versions;
    for (int at = 0; at < 60; ++at)
    {
        versions.push_back(random_version(generator));
    }
    std::vector<Version> parsed;
    for (const std::string& text : versions)
    {
        auto version = scheme.parse(text);
        REQUIRE_MESSAGE(version.has_value(), text);
        CHECK(version->text() == text);
        parsed.push_back(std::move(*version));
    }
    const std::size_t count = parsed.size();
    std::vector<std::vector<std::weak_ordering>> table(count);
    for (std::size_t a = 0; a < count; ++a)
    {
        for (std::size_t b = 0; b < count; ++b)
        {
            table[a].push_back(*parsed[a].compare(parsed[b]));
        }
    }
    std::size_t violations = 0;
    for (std::size_t a = 0; a < count; ++a)
    {
        violations += table[a][a] != 0 ? 1 : 0;
        for (std::size_t b = 0; b < count; ++b)
        {
            violations += (table[a][b] < 0) != (table[b][a] > 0) ? 1 : 0;
            for (std::size_t c = 0; c < count; ++c)
            {
                violations += table[a][b] < 0 && table[b][c] < 0 && !(table[a][c] < 0) ? 1 : 0;
                violations += table[a][b] == 0 && table[b][c] == 0 && table[a][c] != 0 ? 1 : 0;
            }
        }
    }
    CHECK(violations == 0);
}

TEST_CASE("a configured pattern: a vendor's own")
{
    const auto scheme =
        VersionScheme::from_patterns({{"([a-z]+[0-9]{2})+([0-9]+).([0-9]+).([0-9]+)",
                                       {GroupKind::ignored, GroupKind::number, GroupKind::number, GroupKind::number}}});
    REQUIRE(scheme.has_value());
    expect_ascending(*scheme, {"fw1020.00-12", "fw1020.00-100", "fw1020.10-1", "fw1030.00-1"});
    expect_incomparable(*scheme, "2.14.0", "fw1020.00-12");
}

TEST_CASE("kinds that are left out are numbers, and a number group that matched letters is told")
{
    const auto scheme = VersionScheme::from_patterns({{"r([0-9]+)([a-z]*)", {}}});
    REQUIRE(scheme.has_value());
    CHECK(order(*scheme, "r9", "r10") == -1);
    const auto odd = scheme->parse("r9b");
    REQUIRE_FALSE(odd.has_value());
    CHECK(odd.error().text == "the version \"r9b\" cannot be compared: \"b\" is no number, as its pattern's group 2 "
                              "should be");
}

TEST_CASE("patterns that are none are refused with a reason")
{
    const auto expect_mistake = [](const std::vector<VersionPattern>& patterns, std::string_view part)
    {
        const auto scheme = VersionScheme::from_patterns(patterns);
        REQUIRE_FALSE(scheme.has_value());
        CHECK(scheme.error().kind == ErrorKind::invalid_field);
        CHECK_MESSAGE(scheme.error().text.find(part) != std::string::npos, scheme.error().text);
    };
    expect_mistake({}, "no version pattern");
    expect_mistake({{"([0-9]+", {}}}, "is not a regular expression");
    expect_mistake({{"[0-9]+", {}}}, "has no group to compare");
    expect_mistake({{"([0-9]+)", {GroupKind::ignored}}}, "has no group to compare");
    expect_mistake({{"([0-9]+)", {GroupKind::number, GroupKind::number}}}, "more kinds");
    expect_mistake({{std::string(513, 'a'), {}}}, "longer than 512");
}

TEST_CASE("hostile texts are quoted safely")
{
    const auto parsed = VersionScheme::usual().parse("\x1B[31m" + std::string(100, 'x'));
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().text.find('\x1B') == std::string::npos);
    CHECK(parsed.error().text.size() < 200);
}
