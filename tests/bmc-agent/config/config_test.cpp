#include "tests/bmc-agent/config/sample.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::config;
using test::good;
using test::with;

namespace
{

Config config_of(std::string_view text)
{
    auto config = parse(text, "test.json", test::one_secret_file);
    if (!config)
    {
        FAIL(config.error().text);
    }
    return *config;
}

} // namespace

TEST_CASE("a short configuration is whole: the rest are the defaults")
{
    const Config config = config_of(good);
    REQUIRE(config.lan.listen.size() == 2);
    CHECK(config.lan.listen[0].address == "127.0.0.1");
    CHECK(config.lan.listen[0].port == 0);
    CHECK(config.lan.listen[1].address == "::1");
    CHECK(config.lan.listen[1].port == 6230);
    CHECK(config.lan.cipher_suites == std::vector<std::uint8_t>{17});
    CHECK(config.lan.idle_timeout == std::chrono::seconds{60});
    REQUIRE(config.users.size() == 1);
    CHECK(config.users[0].name == "admin");
    CHECK(config.users[0].password == "Tr0ub4dor&3-plus");
    CHECK(config.users[0].limit == ipmi::Privilege::administrator);
    CHECK(config.staging.directory == "/var/lib/bmc-agent");
    CHECK(config.staging.max_image_size == 64U << 20);
    CHECK(config.lease.base == std::chrono::seconds{300});
    REQUIRE(config.targets.size() == 1);
    CHECK(config.targets[0].type == "file");
    CHECK(config.targets[0].restart.what == protocol::Restart::host);
    CHECK(config.targets[0].restart.command == std::vector<std::string>{"/usr/bin/restart-host", "now"});
    CHECK(config.default_target == 1);
    CHECK(config.log_level == "info");
    CHECK(config.verification.signature_required);
    CHECK_FALSE(config.verification.no_downgrade);
    CHECK_FALSE(config.targets[0].anti_rollback);
    CHECK(config.warnings.empty());
}

TEST_CASE("every key is read")
{
    const Config config = config_of(R"({
      "lan": {"channel": 3, "listen": ["192.0.2.7"], "cipher_suites": [3, 17], "idle_timeout": 30, "max_sessions": 4,
              "max_half_open": 5, "lockout_failures": 6, "lockout_time": 7,
              "k_g": "000102030405060708090a0b0c0d0e0f10111213"},
      "users": [{"name": "op", "password_file": "/run/secret", "privilege": "operator"},
                {"name": "view", "password": "12345678901234567890", "privilege": "user"}],
      "device": {"id": 1, "revision": 2, "firmware_major": 3, "firmware_minor": 45, "manufacturer": 49769,
                 "product": 4660, "guid": "00112233-4455-6677-8899-aabbccddeeff", "cold_reset_command": ["/sbin/reboot"]},
      "verification": {"signature": "optional", "roots": "/etc/roots.pem", "revocation_lists": "/etc/lists.pem",
                       "system_keys": "/etc/activationdata", "time": "signing-time", "no_downgrade": true,
                       "force_allows": ["downgrade", "machine"],
                       "version_patterns": [{"pattern": "v([0-9]+)-(.*)$", "groups": ["number", "label"]}]},
      "machine": {"name": "board", "compatible": ["board-a", "board-b"],
                  "descriptors": [{"type": 2, "data": "00112233445566778899aabbccddeeff"},
                                  {"type": 65535, "title": "Board", "data": "01"}]},
      "staging": {"directory": "/a/b/", "max_image_size": 4096, "persistent": true, "retention": 3600},
      "lease": {"base": 100, "extended": 20},
      "targets": [
        {"id": 0, "name": "bmc", "type": "file", "path": "/srv/bmc.bin", "max_size": "2KiB", "version_file": "/etc/v",
         "accepts": ["pldm", "tarball"], "components": [{"classification": 10, "identifier": 1}], "purpose": "BMC",
         "member": "image-bmc", "minimum_version": "1.2", "minimum_security_version": 7, "anti_rollback": true,
         "restart": {"what": "nothing"}},
        {"id": 254, "name": "cpld", "type": "file", "path": "/srv/cpld", "version_command": ["/bin/v", "-x"]}],
      "default_target": "cpld",
      "log_level": "debug"})");
    CHECK(config.lan.channel == 3);
    CHECK(config.lan.listen[0].port == 623);
    CHECK(config.lan.cipher_suites == std::vector<std::uint8_t>{3, 17});
    CHECK(config.lan.idle_timeout == std::chrono::seconds{30});
    CHECK(config.lan.max_sessions == 4);
    CHECK(config.lan.max_half_open == 5);
    CHECK(config.lan.lockout_failures == 6);
    CHECK(config.lan.lockout_time == std::chrono::seconds{7});
    REQUIRE(config.lan.k_g);
    CHECK(config.lan.k_g->size() == 20);
    CHECK(config.lan.k_g->back() == 0x13);
    CHECK(config.users[0].password == "correct horse batt");
    CHECK(config.users[0].limit == ipmi::Privilege::operator_);
    CHECK(config.users[1].limit == ipmi::Privilege::user);
    CHECK(config.device.id == 1);
    CHECK(config.device.revision == 2);
    CHECK(config.device.firmware_major == 3);
    CHECK(config.device.firmware_minor == 45);
    CHECK(config.device.manufacturer == 49769);
    CHECK(config.device.product == 4660);
    REQUIRE(config.device.guid);
    CHECK(config.device.guid->front() == 0x00);
    CHECK(config.device.guid->back() == 0xFF);
    CHECK(config.device.cold_reset_command == std::vector<std::string>{"/sbin/reboot"});
    CHECK(config.staging.directory == "/a/b");
    CHECK(config.staging.max_image_size == 4096);
    CHECK(config.staging.persistent);
    CHECK(config.staging.retention == std::chrono::hours{1});
    CHECK_FALSE(config.verification.signature_required);
    CHECK(config.verification.roots == "/etc/roots.pem");
    CHECK(config.verification.revocation_lists == "/etc/lists.pem");
    CHECK(config.verification.system_keys == "/etc/activationdata");
    CHECK(config.verification.by_signing_time);
    CHECK(config.verification.no_downgrade);
    CHECK(config.verification.force_allows_downgrade);
    CHECK(config.verification.force_allows_machine);
    REQUIRE(config.verification.version_patterns.size() == 1);
    CHECK(config.verification.version_patterns[0].groups ==
          std::vector{package::GroupKind::number, package::GroupKind::label});
    CHECK(config.machine.name == "board");
    CHECK(config.machine.compatible == std::vector<std::string>{"board-a", "board-b"});
    REQUIRE(config.machine.descriptors.size() == 2);
    CHECK(config.machine.descriptors[0].data.size() == 16);
    CHECK(config.machine.descriptors[1].title == "Board");
    CHECK(config.lease.base == std::chrono::seconds{100});
    CHECK(config.lease.extended == std::chrono::seconds{20});
    CHECK(config.targets[0].id == 0);
    CHECK(config.targets[0].max_size == 2048);
    CHECK(config.targets[0].version_file == "/etc/v");
    CHECK(config.targets[0].accepts == (protocol::accepts_pldm | protocol::accepts_tarball));
    CHECK(config.targets[0].components == std::vector{ComponentId{10, 1}});
    CHECK(config.targets[0].purpose == package::Purpose::bmc);
    CHECK(config.targets[0].member == "image-bmc");
    CHECK(config.targets[0].minimum_version == "1.2");
    CHECK(config.targets[0].minimum_security_version == 7);
    CHECK(config.targets[0].anti_rollback);
    CHECK(config.targets[1].id == 254);
    CHECK(config.targets[1].version_command == std::vector<std::string>{"/bin/v", "-x"});
    CHECK(config.default_target == 254);
    CHECK(config.log_level == "debug");
    CHECK(config.warnings.size() == 2); // nobody is an administrator, and nobody need vouch for an image
}

TEST_CASE("phosphor-ipmi-flash's configuration: not looked at, in its usual directories, or elsewhere")
{
    const auto with_section = [](const std::string& section)
    { return config_of(with("\"staging\"", "\"flash_config\": " + section + ", \"staging\"")).flash_config; };
    CHECK_FALSE(config_of(good).flash_config.has_value());
    using Paths = std::vector<std::filesystem::path>;
    CHECK(with_section("{}").value().directories ==
          Paths{"/usr/share/phosphor-ipmi-flash", "/run/phosphor-ipmi-flash"});
    CHECK(with_section(R"({"directories": ["/b", "/a"]})").value().directories == Paths{"/b", "/a"});
}

TEST_CASE("what phosphor-ipmi-flash's configuration can't say of its blobs")
{
    const auto flash_config = config_of(with("\"staging\"", R"("flash_config": {"targets": [{"blob": "/flash/a"},
        {"blob": "/flash/b", "id": 0, "name": "b", "max_size": "1MiB", "version_file": "/v", "accepts": ["plain"],
         "restart": {"what": "bmc", "command": ["/x"]}, "components": [{"classification": 10, "identifier": 3}]}]},
        "staging")"))
                                  .flash_config;
    REQUIRE(flash_config.has_value());
    REQUIRE(flash_config->targets.size() == 2);
    const Target& bare = flash_config->targets[0];
    CHECK(bare.blob == "/flash/a");
    CHECK(bare.id == protocol::no_target);
    CHECK(bare.name.empty());
    const Target& full = flash_config->targets[1];
    CHECK(full.blob == "/flash/b");
    CHECK(full.id == 0);
    CHECK(full.name == "b");
    CHECK(full.max_size == 1U << 20U);
    CHECK(full.version_file == "/v");
    CHECK(full.accepts == protocol::accepts_plain);
    CHECK(full.restart.command == std::vector<std::string>{"/x"});
    CHECK(full.components == std::vector<ComponentId>{{10, 3}});
    CHECK_FALSE(full.actions.has_value());
}

TEST_CASE("a target's blob; a target that hands over; targets that only the blobs are")
{
    const Config config = config_of(with("\"type\": \"file\"", "\"type\": \"handover\", \"blob\": \"/flash/bios\""));
    CHECK(config.targets.front().type == "handover");
    CHECK(config.targets.front().blob == "/flash/bios");
    CHECK(config_of(good).targets.front().blob.empty());
    const std::size_t at = good.find(",\n  \"targets\"");
    const Config without =
        config_of(std::string{good.substr(0, at)} + ", \"flash_config\": {}, \"default_target\": \"somebody's\"}");
    CHECK(without.targets.empty());
    CHECK(without.default_target_name == "somebody's");
}

TEST_CASE("staging may be lost at a restart")
{
    const auto config = parse(with("\"64MiB\"", "\"64MiB\", \"persistent\": false"), "f.json", test::one_secret_file);
    REQUIRE(config.has_value());
    CHECK_FALSE(config->staging.persistent);
}

TEST_CASE("weak passwords and a missing administrator are warnings, not mistakes")
{
    const Config config = config_of(with("Tr0ub4dor&3-plus", "admin"));
    REQUIRE(config.warnings.size() == 1);
    CHECK(config.warnings[0].starts_with("test.json: /users/0/password: weak password"));
    CHECK(config_of(with("Tr0ub4dor&3-plus", "aaaaaaaaaaaaaaaaaa")).warnings.size() == 1);
    const Config view = config_of(with("\"administrator\"", "\"user\""));
    REQUIRE(view.warnings.size() == 1);
    CHECK(view.warnings[0].find("nobody can update") != std::string::npos);
}

TEST_CASE("the summary says what is served and never a password")
{
    const std::string text = summary(config_of(good));
    CHECK(text.find("listens on 127.0.0.1:0\n") != std::string::npos);
    CHECK(text.find("listens on [::1]:6230\n") != std::string::npos);
    CHECK(text.find("user \"admin\", administrator\n") != std::string::npos);
    CHECK(text.find("target 1 \"bios\" (default), /srv/bios.bin, up to 1 MiB, restarts the host\n") !=
          std::string::npos);
    CHECK(text.find("Tr0ub4dor") == std::string::npos);
}
