#include "bmc-agent/software/version_id.hpp"
#include "tests/bmc-agent/software/outcome_printing.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fwupdate::agent::software;
using fwupdate::config::IdRule;
using fwupdate::package::Purpose;

namespace
{

std::string id_of(IdRule rule, const IdParts& parts)
{
    const auto id = make_id(rule, parts);
    return id ? *id : std::string{dbus_name(id.error().code)};
}

} // namespace

TEST_CASE("the ids of 2.7.0-dev are those that OpenBMC computes")
{
    const IdParts parts{.version = "2.7.0-dev", .purpose = Purpose::bmc, .location = {}, .name = {}, .salt = 0};
    CHECK(id_of(IdRule::readme, parts) == "67f7614f");
    CHECK(id_of(IdRule::readme_purpose, parts) == "4bfc0998");
    CHECK(id_of(IdRule::version, parts) == "7b7385fe");
}

TEST_CASE("an id of the README's tells purposes apart, one of the code's does not")
{
    const IdParts bmc{.version = "1.0", .purpose = Purpose::bmc, .location = {}, .name = {}, .salt = 0};
    IdParts host = bmc;
    host.purpose = Purpose::host;
    CHECK(id_of(IdRule::readme, bmc) != id_of(IdRule::readme, host));
    CHECK(id_of(IdRule::version, bmc) == id_of(IdRule::version, host));
}

TEST_CASE("a salted id is the hash of version and number; a location's that of version and location")
{
    const IdParts parts{.version = "2.7.", .purpose = Purpose::bmc, .location = "0-dev", .name = {}, .salt = 0};
    CHECK(id_of(IdRule::location, parts) == "7b7385fe");
    const IdParts salted{.version = "2.7.0-dev", .purpose = Purpose::bmc, .location = {}, .name = {}, .salt = 17};
    const IdParts plain{.version = "2.7.0-dev17", .purpose = Purpose::bmc, .location = {}, .name = {}, .salt = 0};
    CHECK(id_of(IdRule::salted, salted) == id_of(IdRule::version, plain));
    const IdParts number{.version = {}, .purpose = Purpose::bmc, .location = {}, .name = {}, .salt = 4'294'967'295U};
    const IdParts digits{.version = "4294967295", .purpose = Purpose::bmc, .location = {}, .name = {}, .salt = 0};
    CHECK(id_of(IdRule::random, number) == id_of(IdRule::version, digits));
}

TEST_CASE("a named id has the name and a number below 10000")
{
    const IdParts parts{.version = {}, .purpose = Purpose::bmc, .location = {}, .name = "cpld", .salt = 123'456};
    CHECK(id_of(IdRule::named, parts) == "cpld_3456");
}

TEST_CASE("what is hashed ends at a NUL")
{
    using namespace std::string_view_literals;
    const IdParts parts{
        .version = "2.7.0-dev\0and more"sv, .purpose = Purpose::bmc, .location = {}, .name = {}, .salt = 0};
    CHECK(id_of(IdRule::version, parts) == "7b7385fe");
    CHECK(id_of(IdRule::readme, parts) == "67f7614f");
}

TEST_CASE("an empty version is an invalid argument, but where none is needed")
{
    using namespace std::string_view_literals;
    const std::string refused = "xyz.openbmc_project.Common.Error.InvalidArgument";
    for (const IdRule rule :
         {IdRule::readme, IdRule::readme_purpose, IdRule::version, IdRule::salted, IdRule::location})
    {
        CHECK(id_of(rule, {}) == refused);
        CHECK(id_of(rule, {.version = "\0x"sv, .purpose = {}, .location = {}, .name = {}, .salt = 0}) == refused);
    }
    CHECK(id_of(IdRule::random, {}).size() == 8);
}
