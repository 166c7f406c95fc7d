#include "bmc-agent/software/minimum_version.hpp"
#include "tests/bmc-agent/software/outcome_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate::agent::software;
using fwupdate::package::Purpose;

namespace
{

constexpr const char* ibm = "([a-z]+[0-9]{2})+([0-9]+).([0-9]+).([0-9]+)";

MinimumVersion rule(const std::string& version, const std::string& pattern = ibm)
{
    auto made = MinimumVersion::make({version, pattern});
    REQUIRE(made);
    return std::move(*made);
}

} // namespace

TEST_CASE("groups 2, 3 and 4 are major, minor and revision")
{
    const auto minimum = rule("fw101.2.3");
    CHECK(minimum.numbers_of("fw101.2.3") == VersionNumbers{1, 2, 3});
    CHECK(minimum.numbers_of("IBM-fw1012.20-4-x") == VersionNumbers{12, 20, 4});
}

TEST_CASE("numbers are compared in their order")
{
    const auto minimum = rule("fw102.3.4");
    CHECK(minimum.check("fw102.3.4", Purpose::bmc));
    CHECK(minimum.check("fw102.3.5", Purpose::bmc));
    CHECK(minimum.check("fw103.0.0", Purpose::bmc));
    CHECK_FALSE(minimum.check("fw102.3.3", Purpose::bmc));
    CHECK_FALSE(minimum.check("fw102.2.9", Purpose::bmc));
    CHECK_FALSE(minimum.check("fw101.9.9", Purpose::bmc));
}

TEST_CASE("what is too old is incompatible, with OpenBMC's metadata")
{
    const auto checked = rule("fw102.0.0").check("fw101.0.0\x1b", Purpose::bmc);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::incompatible);
    CHECK(checked.error().metadata ==
          std::vector<std::pair<std::string, std::string>>{
              {"MIN_VERSION", "fw102.0.0"},
              {"ACTUAL_VERSION", "fw101.0.0?"},
              {"VERSION_PURPOSE", "xyz.openbmc_project.Software.Version.VersionPurpose.BMC"}});
}

TEST_CASE("what does not match is 0.0.0: older than all but a minimum that does not match")
{
    CHECK(rule("fw101.0.0").numbers_of("2.14.0") == VersionNumbers{});
    CHECK_FALSE(rule("fw101.0.0").check("2.14.0", Purpose::bmc));
    CHECK(rule("nothing").check("2.14.0", Purpose::bmc));
}

TEST_CASE("a number is kept in 8 bits, as OpenBMC does: 256 is 0")
{
    const auto minimum = rule("fw10255.0.0");
    CHECK(minimum.numbers_of("fw10256.257.511") == VersionNumbers{0, 1, 255});
    CHECK_FALSE(minimum.check("fw10256.0.0", Purpose::bmc));
    CHECK(minimum.numbers_of("fw10" + std::string(90, '9') + ".0.0") == VersionNumbers{255, 0, 0});
}

TEST_CASE("a group that is no number, or did not take part, counts as 0")
{
    CHECK(rule("x", "(v)(.)[.](.)[.](.)?").numbers_of("va.2.") == VersionNumbers{0, 2, 0});
}

TEST_CASE("a pattern that can't be used is told")
{
    CHECK(MinimumVersion::make({"1", "(("}).error().text.find("POSIX") != std::string::npos);
    CHECK(MinimumVersion::make({"1", "(a)(b)(c)"}).error().text.find("four groups") != std::string::npos);
    CHECK(MinimumVersion::make({"1", "(a)(b)(c)(d)"}));
}

TEST_CASE("a long version is cut before it is tried")
{
    const auto minimum = rule("fw101.0.0");
    CHECK(minimum.numbers_of(std::string(128, 'x') + "fw101.2.3") == VersionNumbers{});
    CHECK(minimum.numbers_of(std::string(1 << 20, 'a')) == VersionNumbers{});
}
