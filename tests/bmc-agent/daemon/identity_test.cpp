#include "bmc-agent/commands/standard_commands.hpp"
#include "bmc-agent/daemon/identity.hpp"
#include "bmc-agent/daemon/state_lock.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

std::string text_of(const std::filesystem::path& file)
{
    return *read_file(file, 4096);
}

} // namespace

TEST_CASE("a GUID is made once and kept")
{
    const test::TemporaryDirectory directory;
    const auto file = directory.path() / "guid";
    SystemRandom random;
    const auto first = load_or_make_guid(file, random);
    REQUIRE(first.has_value());
    CHECK(text_of(file) == guid_text(*first) + "\n");
    const auto second = load_or_make_guid(file, random);
    REQUIRE(second.has_value());
    CHECK(*second == *first);
    CHECK(make_guid(random) != *first);
}

TEST_CASE("a damaged GUID is told, not replaced; a missing directory is told")
{
    const test::TemporaryDirectory directory;
    SystemRandom random;
    std::ofstream{directory.path() / "guid"} << "no guid\n";
    const auto damaged = load_or_make_guid(directory.path() / "guid", random);
    REQUIRE(damaged.has_error());
    CHECK(damaged.error().text.find("remove it") != std::string::npos);
    CHECK(load_or_make_guid(directory.path() / "none" / "guid", random).has_error());
}

TEST_CASE("clients can't take a GUID's byte order for another")
{
    // ipmitool reads the version digit (1 to 5 are versions) where each of three orders would have it: in the bytes of
    // the wire 9 (IPMI), 6 (RFC 4122) and 7 (SMBIOS).
    SystemRandom random;
    for (int round = 0; round < 200; ++round)
    {
        const auto wire = guid_on_wire(make_guid(random));
        CHECK((wire[9] >> 4) == 4);
        CHECK((wire[6] >> 4) > 5);
        CHECK((wire[7] >> 4) > 5);
    }
}

TEST_CASE("the boot id is read whole or not at all")
{
    const test::TemporaryDirectory directory;
    const auto file = directory.path() / "boot_id";
    CHECK(read_boot_id(file).has_error());
    std::ofstream{file} << "7f0a3b5e-0c1d-4e2f-8a9b-0123456789ab\n";
    const auto boot_id = read_boot_id(file);
    REQUIRE(boot_id.has_value());
    CHECK(guid_text(*boot_id) == "7f0a3b5e-0c1d-4e2f-8a9b-0123456789ab");
    std::ofstream{file} << "7f0a3b5e\n";
    CHECK(read_boot_id(file).has_error());
    SystemRandom random;
    CHECK(make_instance_id(random) != make_instance_id(random));
}

TEST_CASE("a state directory has one agent")
{
    const test::TemporaryDirectory directory;
    {
        const auto lock = StateLock::take(directory.path());
        REQUIRE(lock.has_value());
        const auto second = StateLock::take(directory.path());
        REQUIRE(second.has_error());
        CHECK(second.error().kind == ErrorKind::wrong_state);
        CHECK(second.error().text.find("another agent uses") == 0);
    }
    CHECK(StateLock::take(directory.path()).has_value());
}
