// The port's knowledge of ipmitool's interfaces, with the C side replaced.
#include "ipmitool-plugin/port/command_line.hpp"
#include "ipmitool-plugin/port/shim_port.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace fwupdate;
using client::LinkKind;

namespace
{

fwupdate_facts facts(const char* name, std::uint16_t max_request, const char* host = "", int port = 0, int bridged = 0)
{
    return {name, host, "admin", port, bridged, 0, 0, 0, max_request};
}

std::string line(const std::vector<std::string>& arguments)
{
    return plugin::command_line_of(arguments);
}

} // namespace

TEST_CASE("what each interface carries")
{
    const auto lan = plugin::facts_of(facts("lanplus", 38, "192.0.2.1", 623), false);
    CHECK(lan.kind == LinkKind::lan);
    CHECK(lan.max_message == 1400);
    CHECK(lan.max_write == 1400);
    CHECK(lan.peer == "192.0.2.1");
    CHECK(plugin::facts_of(facts("lanplus", 38, "h", 6230), true).max_message == 1384);
    CHECK(plugin::facts_of(facts("lanplus", 38, "h", 6230), true).peer == "h:6230");
    CHECK(plugin::facts_of(facts("lanplus", 32000, "h"), false).max_write == 32000);
    CHECK(plugin::facts_of(facts("lanplus", 32000, "h"), false).max_message == 1400);
    CHECK(plugin::facts_of(facts("lanplus", 25, "h", 0, 1), false).kind == LinkKind::bridged);
    CHECK(plugin::facts_of(facts("lanplus", 25, "h", 0, 1), false).max_message == 32);
    const auto open = plugin::facts_of(facts("open", 38), false);
    CHECK(open.kind == LinkKind::system_interface);
    CHECK(open.max_message == 240);
    CHECK(open.peer == "open");
    CHECK(plugin::facts_of(facts("open", 5000), false).max_write == 270);
    CHECK(plugin::facts_of(facts("serial-basic", 30), false).max_message == 32);
    CHECK(plugin::facts_of(facts("lan", 38, "h"), false).kind == LinkKind::lan);
}

TEST_CASE("the command line comes back without command and secrets")
{
    CHECK(line({"ipmitool", "-I", "lanplus", "-H", "192.0.2.1", "-U", "admin", "-P", "XXXXX", "fwupdate", "install",
                "a.bin"}) == "ipmitool -I lanplus -H 192.0.2.1 -U admin -P '<password>'");
    CHECK(line({"/opt/ipmi tool", "-Ilanplus", "fwupdate", "install", "a.bin", "-vv", "-E", "-Hbmc", "-C17"}) ==
          "'/opt/ipmi tool' -I lanplus -vv -E -H bmc -C 17");
    CHECK(line({"ipmitool", "-vPsecret", "-k", "key", "-y00ff", "fwupdate", "info"}) ==
          "ipmitool -vP '<password>' -k '<key>' -y '<key>'");
    CHECK(line({"ipmitool", "-f", "/etc/pass word", "--", "-x"}) == "ipmitool -f '/etc/pass word'");
    CHECK(line({}) == "ipmitool");
    CHECK(line({"ipmitool", "-H"}) == "ipmitool -H ''");
}
