#include "bmc-agent/config/findings.hpp"
#include "tests/bmc-agent/config/sample.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace fwupdate;
using namespace fwupdate::config;
using test::good;
using test::with;

namespace
{

std::string report_of(std::string_view text)
{
    const auto config = parse(text, "f.json", test::one_secret_file);
    return config ? "no mistake found" : config.error().text;
}

/// One mistake: a piece of the good text, what stands there instead, and the line that tells it.
struct Mistake
{
    std::string_view piece;
    std::string_view replacement;
    std::string_view line; ///< begins with
};

void check_each(const std::vector<Mistake>& mistakes)
{
    for (const Mistake& mistake : mistakes)
    {
        CAPTURE(mistake.replacement);
        const std::string report = report_of(with(mistake.piece, mistake.replacement));
        CAPTURE(report);
        CHECK(report.starts_with("f.json: " + std::string{mistake.line}));
        CHECK(std::ranges::count(report, '\n') == 0);
        CHECK(report.find("; ") != std::string::npos);
        CHECK(report.find("Tr0ub4dor") == std::string::npos);
    }
}

constexpr std::string_view lan = R"("lan": {"listen": ["127.0.0.1:0", "[::1]:6230"], "cipher_suites": [17]},)";
constexpr std::string_view user = R"({"name": "admin", "password": "Tr0ub4dor&3-plus", "privilege": "administrator"})";
constexpr std::string_view password = R"("password": "Tr0ub4dor&3-plus")";
constexpr std::string_view suites = R"("cipher_suites": [17])";
constexpr std::string_view restart = R"("restart": {"what": "host", "command": ["/usr/bin/restart-host", "now"]})";
constexpr std::string_view verification = R"("verification": {"roots": "/etc/bmc-agent/roots.pem"},)";
constexpr std::string_view staging = R"("staging": {"directory": "/var/lib/bmc-agent", "max_image_size": "64MiB"},)";

} // namespace

TEST_CASE("broken JSON: line, column, and nothing of what stood there")
{
    CHECK(report_of("") ==
          "f.json: line 1, column 1: syntax error while parsing value - unexpected end of input; expected '[', '{', or "
          "a literal; correct the JSON there or just before");
    CHECK(report_of("{\n  \"lan\" 1}").starts_with("f.json: line 2, column 9: syntax error"));
    CHECK(report_of("{\"a\": 1,}").starts_with("f.json: line 1, column 9: syntax error"));
    CHECK(report_of("{} x").starts_with("f.json: line 1, column 4: syntax error"));
    CHECK(report_of("{\"a\": 1e999}").starts_with("f.json: line 1, column 11: "));
    CHECK(report_of("{ /* ").starts_with("f.json: line 1, column 6: "));
    const std::string unclosed = report_of("{\"password\": \"s3cret\n\"}");
    CHECK(unclosed.starts_with("f.json: line 1, column 21: "));
    CHECK(unclosed.find("s3cret") == std::string::npos);
    CHECK(report_of(std::string(100, '[')).find("nested too deeply") != std::string::npos);
    CHECK(report_of(R"({"a": {"b": [1, {"c": 1, "c": 2}]}})").find("f.json: /a/b/1/c: the key stands here twice") == 0);
}

TEST_CASE("the whole is not an object")
{
    CHECK(report_of("[]") == "f.json: is an array; write an object, { ... }");
    CHECK(report_of("null") == "f.json: is null; write an object, { ... }");
}

TEST_CASE("an empty object: everything that is mandatory, in one go")
{
    const std::string report = report_of("{}");
    CHECK(std::ranges::count(report, '\n') == 4);
    CHECK(report.find("f.json: /verification: missing; ") != std::string::npos);
    CHECK(report.find("f.json: /lan: missing; ") != std::string::npos);
    CHECK(report.find("f.json: /users: missing; ") != std::string::npos);
    CHECK(report.find("f.json: /staging: missing; ") != std::string::npos);
    CHECK(report.find("f.json: /targets: missing; ") != std::string::npos);
}

TEST_CASE("mistakes of keys")
{
    check_each({
        {suites, R"("cypher_suites": [17])", R"(/lan/cypher_suites: unknown key; did you mean "cipher_suites"?)"},
        {suites, R"("a/b~c": 1)", "/lan/a~1b~0c: unknown key; known here: \"channel\", \"listen\""},
        {lan, R"("lan": 5,)", "/lan: is a number; write an object"},
        {suites, R"("cipher_suites": [17], "cipher_suites": [3])", "/lan/cipher_suites: the key stands here twice"},
        {R"(  "lan")", R"("retries": 3, "lan")",
         R"(/retries: unknown key; known here: "lan", "system_interfaces", "dbus_ipmi", "usb", "network", "verification")"},
    });
}

TEST_CASE("mistakes of the LAN section")
{
    check_each({
        {R"("listen": ["127.0.0.1:0", "[::1]:6230"], )", "", "/lan/listen: missing"},
        {R"(["127.0.0.1:0", "[::1]:6230"])", "[]", "/lan/listen: 0 addresses"},
        {R"(["127.0.0.1:0", "[::1]:6230"])", R"("127.0.0.1")", "/lan/listen: is a string; write a list"},
        {"127.0.0.1:0", "localhost:623", R"(/lan/listen/0: "localhost:623" is not an IP address)"},
        {"127.0.0.1:0", "127.0.0.1:70000", R"(/lan/listen/0: "127.0.0.1:70000" has a port)"},
        {"127.0.0.1:0", "[::1]:6230", R"(/lan/listen/1: "[::1]:6230" stands here twice)"},
        {R"("127.0.0.1:0")", "623", "/lan/listen/0: is a number; write text in quotes"},
        {"[17]", "[0]", "/lan/cipher_suites/0: suite 0 lets everybody in"},
        {"[17]", "[17, 8]", "/lan/cipher_suites/1: no suite served here"},
        {"[17]", "[17, 17]", "/lan/cipher_suites/1: stands here twice"},
        {"[17]", "[]", "/lan/cipher_suites: 0 suites; write 1 to 2"},
        {suites, R"("channel": 15)", "/lan/channel: 15 is out of range; write a whole number from 1 to 11"},
        {suites, R"("channel": -1)", "/lan/channel: -1 is out of range"},
        {suites, R"("channel": 1.5)", "/lan/channel: 1.5 is out of range"},
        {suites, R"("channel": "1")", "/lan/channel: is a string; write a whole number"},
        {suites, R"("idle_timeout": 0)", "/lan/idle_timeout: 0 is out of range"},
        {suites, R"("max_sessions": 65)", "/lan/max_sessions: 65 is out of range"},
        {suites, R"("max_half_open": 0)", "/lan/max_half_open: 0 is out of range"},
        {suites, R"("lockout_failures": 18446744073709551616)", "/lan/lockout_failures: "},
        {suites, R"("lockout_time": true)", "/lan/lockout_time: is a boolean"},
        {suites, R"("k_g": "00ff")", "/lan/k_g: the BMC key is not 40 hexadecimal digits"},
        {suites, R"("k_g_file": "/run/secret")", "/lan/k_g_file: the BMC key is not 40 hexadecimal digits"},
    });
}

TEST_CASE("mistakes of verification")
{
    check_each({
        {verification, "", "/verification: missing; write"},
        {verification, R"("verification": {},)", "/verification: wants signatures, but trusts nobody's"},
        {verification, R"("verification": {"signature": "none", "roots": "/r"},)",
         "/verification/signature: \"none\" "},
        {verification, R"("verification": {"signature": "required"},)", "/verification: wants signatures, but"},
        {verification, R"("verification": {"roots": "roots.pem"},)", "/verification/roots: "},
        {verification, R"("verification": {"system_keys": "/k", "revocation_lists": "/l"},)",
         "/verification/revocation_lists: has no use without"},
        {verification, R"("verification": {"roots": "/r", "force_allows": ["everything"]},)",
         "/verification/force_allows/0: \"everything\" is not known here"},
        {verification, R"("verification": {"roots": "/r", "time": "none"},)", "/verification/time: \"none\" "},
        {verification, R"("verification": {"roots": "/r", "version_patterns": [{"pattern": "("}]},)",
         "/verification/version_patterns: "},
        {verification, R"("verification": {"roots": "/r", "version_patterns": [{"groups": ["number"]}]},)",
         "/verification/version_patterns/0/pattern: missing"},
        {verification,
         R"("verification": {"roots": "/r", "version_patterns": [{"pattern": "(a)b", "groups": ["letter"]}]},)",
         "/verification/version_patterns/0/groups/0: \"letter\" is not known here"},
    });
}

TEST_CASE("mistakes of the machine and of a target's packages")
{
    check_each({
        {verification, R"("verification": {"roots": "/r"}, "machine": {"name": 5},)", "/machine/name: is a number"},
        {verification, R"("verification": {"roots": "/r"}, "machine": {"descriptors": [{"type": 2}]},)",
         "/machine/descriptors/0/data: missing"},
        {verification, R"("verification": {"roots": "/r"}, "machine": {"descriptors": [{"type": 2, "data": "0g"}]},)",
         "/machine/descriptors/0/data: is not hexadecimal"},
        {verification, R"("verification": {"roots": "/r"}, "machine": {"descriptors": [{"data": "00"}]},)",
         "/machine/descriptors/0/type: missing"},
        {restart, R"("accepts": ["zip"])", "/targets/0/accepts/0: \"zip\" is no form"},
        {restart, R"("purpose": "Bios")", "/targets/0/purpose: \"Bios\" "},
        {restart, R"("components": [{"classification": 10}])", "/targets/0/components/0/identifier: missing"},
        {restart, R"("components": [{"classification": 65536, "identifier": 1}])",
         "/targets/0/components/0/classification: 65536 is out of range"},
        {restart, R"("minimum_security_version": -1)", "/targets/0/minimum_security_version: -1 is out of range"},
    });
}

TEST_CASE("mistakes of the users")
{
    check_each({
        {user, "", "/users: 0 users; write 1 to 15"},
        {user, "1", "/users/0: is a number; write an object"},
        {R"("name": "admin", )", "", "/users/0/name: missing"},
        {"\"admin\"", "\"\"", "/users/0/name: is empty"},
        {"\"admin\"", "\"an administrator's\"", "/users/0/name: 18 bytes long; write 1 to 16 bytes"},
        {"\"admin\"", R"("ad\u0000min")", "/users/0/name: holds a control character"},
        {password, R"("password": "")", "/users/0/password: is empty"},
        {password, R"("password": "123456789012345678901")", "/users/0/password: 21 bytes long"},
        {password, R"("password": 12345)", "/users/0/password: is a number"},
        {password, R"("password_file": "/run/none")", "/users/0/password_file: file /run/none can't be read: No such"},
        {password, R"("password_file": "/run/empty")", "/users/0/password_file: is empty"},
        {password, R"("password_file": "secret")", R"(/users/0/password_file: "secret" is a relative path)"},
        {password, R"("password": "x", "password_file": "/run/secret")",
         R"(/users/0/password_file: stands beside "pas)"},
        {R"(, "privilege": "administrator")", "", "/users/0/privilege: missing"},
        {"\"administrator\"", "\"admin\"", R"(/users/0/privilege: "admin" is none of the possible words; write "ad)"},
        {"\"administrator\"", "\"usr\"",
         R"(/users/0/privilege: "usr" is none of the possible words; did you mean "us)"},
        {user, std::string{user} + ", " + std::string{user}, "/users/1/name: another user is called \"admin\""},
    });
    const std::string missing = report_of(with(std::string{password} + ", ", ""));
    CHECK(missing.starts_with("f.json: /users/0/password: missing; write \"password_file\""));
}

TEST_CASE("sixteen users are one too many")
{
    std::string users;
    for (int number = 0; number < 16; ++number)
    {
        users += (number == 0 ? "" : ", ") + with("admin", "u" + std::to_string(number), user);
    }
    CHECK(report_of(with(user, users)) == "f.json: /users: 16 users; write 1 to 15");
}

TEST_CASE("mistakes of device, staging and lease")
{
    check_each({
        {lan, std::string{lan} + R"("device": {"id": 256},)", "/device/id: 256 is out of range"},
        {lan, std::string{lan} + R"("device": {"revision": 16},)", "/device/revision: 16 is out of range"},
        {lan, std::string{lan} + R"("device": {"firmware_major": 128},)", "/device/firmware_major: 128"},
        {lan, std::string{lan} + R"("device": {"firmware_minor": 100},)", "/device/firmware_minor: 100"},
        {lan, std::string{lan} + R"("device": {"manufacturer": 1048576},)", "/device/manufacturer: 1048576"},
        {lan, std::string{lan} + R"("device": {"guid": "1234"},)", "/device/guid: is not a UUID; make one"},
        {lan, std::string{lan} + R"("device": {"cold_reset_command": ["reboot"]},)",
         R"(/device/cold_reset_command/0: "reboot" is not an absolute path)"},
        {R"("directory": "/var/lib/bmc-agent", )", "", "/staging/directory: missing"},
        {"/var/lib/bmc-agent", "var", R"(/staging/directory: "var" is a relative path)"},
        {"64MiB", "64MB", R"(/staging/max_image_size: "64MB" is not a size)"},
        {"64MiB", "5GiB", R"(/staging/max_image_size: "5GiB" is not a size within the limits)"},
        {"\"64MiB\"", "0", "/staging/max_image_size: 0 is not a size"},
        {"\"64MiB\"", "true", "/staging/max_image_size: is a boolean; write bytes"},
        {"\"64MiB\"", "1048576, \"persistent\": 1", "/staging/persistent: is a number; write true or false"},
        {"\"64MiB\"", "1048576, \"retention\": -5", "/staging/retention: -5 is out of range"},
        {staging, std::string{staging} + R"("lease": {"base": 0},)", "/lease/base: 0 is out of range"},
        {staging, std::string{staging} + R"("lease": {"extended": 0},)", "/lease/extended: 0 is out of range"},
    });
}

TEST_CASE("a floor that a restart would take away")
{
    const auto text = [](std::string_view persistent)
    {
        const std::string staged = with("\"64MiB\"", "\"64MiB\", \"persistent\": " + std::string{persistent});
        return with("\"max_size\": 1048576", "\"anti_rollback\": true", staged);
    };
    CHECK(report_of(text("true")) == "no mistake found");
    CHECK(report_of(text("false")).starts_with("f.json: /targets/0/anti_rollback: its floor would be lost"));
}

TEST_CASE("mistakes of the targets")
{
    check_each({
        {R"("id": 1, )", "", "/targets/0/id: missing"},
        {R"("id": 1)", R"("id": 255)", "/targets/0/id: 255 is out of range"},
        {R"("name": "bios", )", "", "/targets/0/name: missing"},
        {R"("type": "file", )", "", "/targets/0/type: missing"},
        {R"("type": "file")", R"("type": "file", "blob": 5)", "/targets/0/blob: is a number"},
        {R"("type": "file")", R"("type": "fiel")", R"(/targets/0/type: "fiel" is none of the possible words)"},
        {R"("path": "/srv/bios.bin", )", "", "/targets/0/path: missing"},
        {"/srv/bios.bin", "/var/lib/bmc-agent/x", "/targets/0/path: lies in the staging directory"},
        {"/srv/bios.bin", "/var//lib/bmc-agent/x", "/targets/0/path: lies in the staging directory"},
        {"/srv/bios.bin", "//var/lib/bmc-agent/x", "/targets/0/path: lies in the staging directory"},
        {"/srv/bios.bin", "/srv/../var/./lib/bmc-agent/sub/x", "/targets/0/path: lies in the staging directory"},
        {"/srv/bios.bin", "/var/lib/bmc-agent", "/targets/0/path: lies in the staging directory"},
        {"/srv/bios.bin", "/srv/bios/", "/targets/0/path: does not end in a file's name; write the file itself"},
        {"/srv/bios.bin", "/srv/bios/.", "/targets/0/path: does not end in a file's name"},
        {"/srv/bios.bin", "/srv/bios/..", "/targets/0/path: does not end in a file's name"},
        {"/srv/bios.bin", "/", "/targets/0/path: does not end in a file's name"},
        {"1048576", "\"65MiB\"", "/targets/0/max_size: is more than staging may hold"},
        {restart, R"("restart": {"command": ["/x"]})", "/targets/0/restart/what: missing"},
        {restart, R"("restart": {"what": "host"})", "/targets/0/restart/command: missing"},
        {restart, R"("restart": {"what": "nothing", "command": ["/x"]})", "/targets/0/restart/command: would never"},
        {restart, R"("restart": {"what": "hosts", "command": ["/x"]})", R"(/targets/0/restart/what: "hosts" is none)"},
        {restart, R"("restart": {"what": "bmc", "command": []})", "/targets/0/restart/command: is not a program"},
        {restart, R"("restart": {"what": "bmc", "command": "/x"})", "/targets/0/restart/command: is not a program"},
        {restart, R"("restart": {"what": "bmc", "command": ["/x", 1]})", "/targets/0/restart/command/1: is a number"},
        {restart, R"("version_file": "/v", "version_command": ["/x"])", "/targets/0/version_command: stands beside"},
        {restart, R"("version_file": "v")", R"(/targets/0/version_file: "v" is a relative path)"},
    });
}

TEST_CASE("several targets: unique, and one of them the default")
{
    const std::string_view one = R"({"id": 1, "name": "bios", "type": "file", "path": "/srv/bios.bin", )";
    const auto two = [&](std::string_view other) { return with(one, std::string{other} + "}, " + std::string{one}); };
    CHECK(report_of(two(R"({"id": 2, "name": "bmc", "type": "file", "path": "/srv/bmc")"))
              .starts_with("f.json: /default_target: missing; write which target an update without a name goes to: "
                           "\"bmc\" or \"bios\""));
    const std::string same = report_of(two(R"({"id": 1, "name": "bios", "type": "file", "path": "/srv/bios.bin")"));
    CHECK(same.find("f.json: /targets/1/id: another target has number 1;") != std::string::npos);
    CHECK(same.find("f.json: /targets/1/name: another target is called \"bios\";") != std::string::npos);
    CHECK(same.find("f.json: /targets/1/path: another target replaces this file") != std::string::npos);
    for (const std::string_view path : {"/srv//bios.bin", "/srv/x/../bios.bin", "/srv/./bios.bin"})
    {
        CHECK(report_of(two(R"({"id": 2, "name": "bmc", "type": "file", "path": ")" + std::string{path} + "\""))
                  .find("f.json: /targets/1/path: another target replaces this file") != std::string::npos);
    }
    CHECK(report_of(two(R"({"id": 2, "name": "bmc", "type": "file", "path": "/srv//bios.bin.fwupdate-new")"))
              .find("f.json: /targets/0/path: is where target \"bios\" gathers its new bytes; choose another name") !=
          std::string::npos);
    const std::string unknown = report_of(with("\n  \"targets\"", R"("default_target": "bioss", "targets")"));
    CHECK(unknown == "f.json: /default_target: no target is called \"bioss\"; did you mean \"bios\"? write \"bios\"");
}

TEST_CASE("mistakes of the log level")
{
    CHECK(report_of(with("\n  \"targets\"", R"("log_level": "inf", "targets")"))
              .starts_with(R"(f.json: /log_level: "inf" is none of the possible words; did you mean "info"? write)"));
    CHECK(report_of(with("\n  \"targets\"", R"("log_level": 3, "targets")"))
              .starts_with("f.json: /log_level: is a number; write \"debug\", \"info\""));
}

TEST_CASE("system interfaces: what is wrong, and what they are when right")
{
    const auto hosts = [](std::string_view list)
    { return std::string{staging} + R"( "system_interfaces": )" + std::string{list} + ","; };
    const std::string right = hosts(R"([{"type": "vm", "listen": "127.0.0.1:9002"},
                  {"type": "vm", "listen": "/run/bmc/host1", "channel": 2, "policy": "read-only"},
                  {"type": "kcs", "device": "/dev/ipmi-kcs3", "channel": 3},
                  {"type": "bt", "device": "/dev/ipmi-bt-host", "channel": 4, "max_message": 61}])");
    const auto config = parse(with(staging, right), "f.json", test::one_secret_file);
    REQUIRE(config.has_value());
    REQUIRE(config->system_interfaces.size() == 4);
    CHECK(config->system_interfaces[0].channel == 15);
    CHECK(config->system_interfaces[0].policy == HostPolicy::full);
    CHECK(std::get<ListenAddress>(config->system_interfaces[0].listen).port == 9002);
    CHECK(std::get<std::filesystem::path>(config->system_interfaces[1].listen) == "/run/bmc/host1");
    CHECK(config->system_interfaces[1].max_message == 240);
    CHECK(config->system_interfaces[2].type == HostType::kcs);
    CHECK(config->system_interfaces[2].device == "/dev/ipmi-kcs3");
    CHECK(config->system_interfaces[3].type == HostType::bt);
    CHECK(config->system_interfaces[3].max_message == 61);
    const std::string text = summary(*config);
    CHECK(text.find("host at /run/bmc/host1, channel 2, may only ask\n") != std::string::npos);
    CHECK(text.find("host at /dev/ipmi-kcs3 (KCS), channel 3, may do everything\n") != std::string::npos);
    CHECK(text.find("host at /dev/ipmi-bt-host (BT), channel 4, may do everything\n") != std::string::npos);

    const std::vector<std::pair<std::string, std::string>> mistakes{
        {R"([{"listen": "127.0.0.1:9002"}])", "/system_interfaces/0/type"},
        {R"([{"type": "ssif", "device": "/dev/ipmi-ssif-host"}])", "/system_interfaces/0/type"},
        {R"([{"type": "kcs"}])", "/system_interfaces/0/device: missing; write the character device, such as"},
        {R"([{"type": "kcs", "device": "ipmi-kcs3"}])", "/system_interfaces/0/device: \"ipmi-kcs3\" is a relative"},
        {R"([{"type": "kcs", "device": "/dev/ipmi-kcs3", "listen": "127.0.0.1:9002"}])",
         "/system_interfaces/0/listen: is of no use to a character device, to which nobody connects; write \"device\""},
        {R"([{"type": "vm", "listen": "/a", "device": "/dev/ipmi-kcs3"}])",
         "/system_interfaces/0/device: is of no use to type \"vm\", which has no device; write \"listen\""},
        {R"([{"type": "bt", "device": "/dev/ipmi-bt-host", "max_message": 47}])", "/system_interfaces/0/max_message"},
        {R"([{"type": "bt", "device": "/dev/ipmi-bt-host", "max_message": 253}])", "/system_interfaces/0/max_message"},
        {R"([{"type": "vm"}])", "/system_interfaces/0/listen"},
        {R"([{"type": "vm", "listen": "somewhere"}])", "/system_interfaces/0/listen"},
        {R"([{"type": "vm", "listen": "127.0.0.1:9002", "channel": 1}])", "/system_interfaces/0/channel"},
        {R"([{"type": "vm", "listen": "127.0.0.1:9002", "channel": 14}])", "/system_interfaces/0/channel"},
        {R"([{"type": "vm", "listen": "/a"}, {"type": "vm", "listen": "/b"}])", "/system_interfaces/1/channel"},
        {R"([{"type": "vm", "listen": "/a", "policy": "none"}])", "/system_interfaces/0/policy"},
        {R"([{"type": "vm", "listen": "/a", "rate": 1}])", "/system_interfaces/0/rate"},
    };
    for (const auto& mistake : mistakes)
    {
        CAPTURE(mistake.first);
        CHECK(report_of(with(staging, hosts(mistake.first))).starts_with("f.json: " + mistake.second));
    }
}

TEST_CASE("IPMI over D-Bus: what is wrong, and what it is when right")
{
    const auto parsed = [](std::string_view section)
    {
        return parse(with(staging, std::string{staging} + R"( "dbus_ipmi": )" + std::string{section} + ","), "f.json",
                     test::one_secret_file);
    };
    const auto config = parsed(R"({"policy": "read-only", "legacy": true, "channels": [
        {"name": "ipmi_kcs3", "channel": 15, "type": "kcs", "max_message": 61, "policy": "full"},
        {"name": "eth0", "channel": 2, "type": "lan"}]})");
    REQUIRE(config.has_value());
    REQUIRE(config->dbus_ipmi.has_value());
    CHECK(config->dbus_ipmi->name == "xyz.openbmc_project.Ipmi.Host");
    CHECK(config->dbus_ipmi->legacy);
    REQUIRE(config->dbus_ipmi->channels.size() == 2);
    CHECK(config->dbus_ipmi->channels[0].type == BridgeType::kcs);
    CHECK(config->dbus_ipmi->channels[0].max_message == 61);
    CHECK(config->dbus_ipmi->channels[0].policy == HostPolicy::full);
    CHECK(config->dbus_ipmi->channels[1].number == 2);
    CHECK(config->dbus_ipmi->channels[1].max_message == 0);
    CHECK(config->dbus_ipmi->channels[1].policy == HostPolicy::read_only);
    const std::string text = summary(*config);
    CHECK(text.find("IPMI over D-Bus as xyz.openbmc_project.Ipmi.Host\n"
                    "  ipmi_kcs3: a host's KCS, channel 15, may do everything\n"
                    "  eth0: another server's sessions, channel 2, may only ask\n"
                    "  org.openbmc.HostIpmi: channel 0, may only ask\n") != std::string::npos);
    CHECK(parsed(R"({"channel_config": "/c.json"})")->dbus_ipmi->channel_config == "/c.json");
    CHECK(parsed(R"({"legacy": true, "name": "a.b-c"})").has_value());

    const auto channel = [](std::string_view members) { return R"({"channels": [{)" + std::string{members} + "}]}"; };
    const std::vector<std::pair<std::string, std::string>> mistakes{
        {"{}", "/dbus_ipmi/channels: missing; write them, or \"channel_config\""},
        {"[]", "/dbus_ipmi: is an array"},
        {R"({"legacy": 1})", "/dbus_ipmi/legacy: is a number"},
        {R"({"legacy": true, "rate": 1})", "/dbus_ipmi/rate: unknown key"},
        {R"({"legacy": true, "name": "host"})", "/dbus_ipmi/name: \"host\" is no bus name"},
        {R"({"legacy": true, "name": "a..b"})", "/dbus_ipmi/name: "},
        {R"({"legacy": true, "name": "a.1b"})", "/dbus_ipmi/name: "},
        {R"({"legacy": true, "name": "a.b."})", "/dbus_ipmi/name: "},
        {R"({"legacy": true, "name": "a.b'"})", "/dbus_ipmi/name: "},
        {R"({"channel_config": "c.json"})", "/dbus_ipmi/channel_config: \"c.json\" is a relative path"},
        {channel(R"("channel": 2, "type": "kcs")"), "/dbus_ipmi/channels/0/name: missing"},
        {channel(R"("name": "a.b", "channel": 2, "type": "kcs")"), "/dbus_ipmi/channels/0/name: \"a.b\" is no part"},
        {channel(R"("name": "a", "type": "kcs", "channel": 16)"), "/dbus_ipmi/channels/0/channel: 16 is out of range"},
        {channel(R"("name": "a", "type": "kcs", "channel": 14)"), "/dbus_ipmi/channels/0/channel: is no channel's"},
        {channel(R"("name": "a", "type": "kcs", "channel": 1)"), "/dbus_ipmi/channels/0/channel: 1 is another"},
        {channel(R"("name": "a", "channel": 2)"), "/dbus_ipmi/channels/0/type: missing"},
        {channel(R"("name": "a", "channel": 2, "type": "smic")"), "/dbus_ipmi/channels/0/type: \"smic\" is none"},
        {channel(R"("name": "a", "channel": 2, "type": "kcs", "policy": "no")"), "/dbus_ipmi/channels/0/policy: "},
        {channel(R"("name": "a", "channel": 2, "type": "kcs", "max_message": 47)"),
         "/dbus_ipmi/channels/0/max_message: 47 is out of range"},
        {channel(R"("name": "a", "channel": 2, "type": "kcs"}, {"name": "a", "channel": 3, "type": "kcs")"),
         "/dbus_ipmi/channels/1/name: \"a\" stands here twice"},
        {channel(R"("name": "a", "channel": 2, "type": "kcs"}, {"name": "b", "channel": 2, "type": "kcs")"),
         "/dbus_ipmi/channels/1/channel: 2 is another"},
        {R"({"legacy": true, "channels": [{"name": "Ipmb", "channel": 0, "type": "ipmb"}]})",
         "/dbus_ipmi/channels/0/channel: 0 is another"},
    };
    for (const auto& [section, line] : mistakes)
    {
        const std::string row = section; // clang 14 does not let a lambda have a binding
        CAPTURE(row);
        const auto wrong = parsed(section);
        REQUIRE(!wrong.has_value());
        CHECK_MESSAGE(wrong.error().text.starts_with("f.json: " + line), wrong.error().text);
    }
}

TEST_CASE("the USB drive")
{
    const auto parsed = [](const std::string& usb)
    { return parse(with(staging, std::string{staging} + usb), "f.json", test::one_secret_file); };
    const auto plain = parsed(R"( "usb": {},)");
    REQUIRE(plain.has_value());
    REQUIRE(plain->usb.has_value());
    CHECK(plain->usb->configfs == "/sys/kernel/config");
    CHECK(summary(*plain).find("a USB drive for the host, on the first free controller") != std::string::npos);
    CHECK(!parsed("")->usb);
    for (const std::string_view wrong : {R"({"controller": "/sys/class/udc/a"})", R"({"directory": "here"})",
                                         R"({"vendor_id": 0})", R"({"udc": "a"})", "[]", "true"})
    {
        CHECK_MESSAGE(!parsed(R"( "usb": )" + std::string{wrong} + ","), wrong);
    }
}

TEST_CASE("mistakes of the directories of phosphor-ipmi-flash's configuration")
{
    const std::string before = std::string{staging} + " \"flash_config\": ";
    const auto line_of = [&](std::string_view section)
    { return report_of(with(staging, before + std::string{section} + ",")); };
    CHECK(line_of("[]") == "f.json: /flash_config: is an array; write an object, { ... }");
    CHECK(
        line_of(R"({"directory": "/x"})").starts_with(R"(f.json: /flash_config/directory: unknown key; did you mean)"));
    CHECK(line_of(R"({"directories": []})") == "f.json: /flash_config/directories: 0 directories; write 1 to 8");
    CHECK(line_of(R"({"directories": "/x"})")
              .starts_with("f.json: /flash_config/directories: is a string; write a list"));
    CHECK(line_of(R"({"directories": ["x"]})") ==
          "f.json: /flash_config/directories/0: \"x\" is a relative path; write the path from / on");
    CHECK(line_of(R"({"directories": ["/x", 5]})").starts_with("f.json: /flash_config/directories/1: is a number"));
    CHECK(line_of(R"({"directories": ["/x", "/x"]})") ==
          "f.json: /flash_config/directories/1: \"/x\" stands here twice; keep one of them");
}

TEST_CASE("mistakes of what is said of the blobs")
{
    const auto line_of = [](const std::string& target)
    { return report_of(with(staging, std::string{staging} + R"( "flash_config": {"targets": [)" + target + "]},")); };
    CHECK(line_of(R"({"blob": "/flash/a"})") == "no mistake found");
    CHECK(line_of("{}").starts_with("f.json: /flash_config/targets/0/blob: missing; write the id as it is configured"));
    CHECK(line_of("5").starts_with("f.json: /flash_config/targets/0: is a number"));
    CHECK(line_of(R"({"blob": "/flash/a"}, {"blob": "/flash/a"})") ==
          "f.json: /flash_config/targets/1/blob: \"/flash/a\" stands here twice; keep one of them");
    for (const std::string_view key : {"type", "path", "actions"}) // that configuration's own
    {
        CAPTURE(key);
        CHECK(line_of(R"({"blob": "/flash/a", ")" + std::string{key} + R"(": "x"})")
                  .starts_with("f.json: /flash_config/targets/0/" + std::string{key} + ": unknown key"));
    }
    CHECK(
        line_of(R"({"blob": "/flash/a", "id": 255})").starts_with("f.json: /flash_config/targets/0/id: 255 is out of"));
    CHECK(
        line_of(R"({"blob": ")" + std::string(129, 'x') + "\"}").starts_with("f.json: /flash_config/targets/0/blob: "));
    CHECK(line_of(R"({"blob": "/flash/a", "max_size": "65MiB"})")
              .starts_with("f.json: /flash_config/targets/0/max_size: is more than staging may hold"));
    const std::string lost = with("\"64MiB\"", R"("64MiB", "persistent": false)");
    CHECK(report_of(with("\"staging\"", R"("flash_config": {"targets": [{"blob": "/flash/a", "anti_rollback": true}]},
                         "staging")",
                         lost))
              .starts_with("f.json: /flash_config/targets/0/anti_rollback: its floor would be lost at a restart"));
}

TEST_CASE("of a file with very many mistakes the first are told, the others counted")
{
    std::string keys;
    for (std::size_t at = 0; at < Findings::most_kept + 3; ++at)
    {
        keys += "\"k" + std::to_string(at) + "\": 1, ";
    }
    const std::string report = report_of(with(R"("lan")", keys + R"("lan")"));
    CHECK(static_cast<std::size_t>(std::ranges::count(report, '\n')) == Findings::most_kept);
    CHECK(report.ends_with("\nf.json: 3 more are not told; correct these first"));
}
