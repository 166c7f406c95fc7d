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
    CHECK(plugin::facts_of(facts("lanplus", 38, "h", 6230), true).host == "h");
    CHECK(plugin::facts_of(facts("lanplus", 25, "h", 0, 1), false).host.empty()); // the BMC behind has another one
    const auto open = plugin::facts_of(facts("open", 38), false);
    CHECK(open.host.empty());
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

TEST_CASE("the command's words are told from ipmitool's options and their values")
{
    using Words = std::vector<std::string>;
    const auto words = [](const Words& arguments)
    {
        const auto found = plugin::command_words_of(arguments);
        return found ? found->words : Words{"none"};
    };
    CHECK(words({"ipmitool", "-I", "lanplus", "-H", "fwupdate", "-vU", "admin", "fwupdate", "install", "-C17", "a"}) ==
          Words{"fwupdate", "install", "a"});
    CHECK(words({"ipmitool", "fwupdate", "--", "help", "-c"}) == Words{"fwupdate", "help", "-c"});
    CHECK(words({"ipmitool"}).empty());
    CHECK(words({"ipmitool", "fwupdate", "-H"}) == Words{"none"});
    CHECK(words({"ipmitool", "-h", "fwupdate"}) == Words{"none"});
    CHECK(words({"ipmitool", "--help", "fwupdate"}) == Words{"none"});
    CHECK(plugin::command_words_of(Words{"ipmitool", "-vc", "fwupdate"})->csv);
    CHECK_FALSE(plugin::command_words_of(Words{"ipmitool", "-Pc", "fwupdate"})->csv);
}

TEST_CASE("help, wrong arguments and unusable images end before ipmitool opens an interface")
{
    const auto early = [](std::vector<std::string> arguments)
    {
        std::vector<char*> pointers;
        for (std::string& argument : arguments)
        {
            pointers.push_back(argument.data());
        }
        return fwupdate_plugin_early(static_cast<int>(pointers.size()), pointers.data());
    };
    CHECK(early({"ipmitool", "-c", "fwupdate", "help"}) == 0);
    CHECK(early({"ipmitool", "fwupdate"}) == 2);
    CHECK(early({"ipmitool", "-H", "x", "fwupdate", "install"}) == 2);
    CHECK(early({"ipmitool", "-H", "x", "fwupdate", "install", "/nonexistent", "json"}) == 3);
    CHECK(early({"ipmitool", "-H", "x", "fwupdate", "info"}) == FWUPDATE_GO_ON);
    CHECK(early({"ipmitool", "-H", "x", "fwupdate", "install", "/proc/self/exe", "sha256", "00"}) == 2);
    CHECK(early({"ipmitool", "-H", "x", "fwupdate", "resume"}) == FWUPDATE_GO_ON);
    CHECK(early({"ipmitool", "-H", "x", "mc", "info"}) == FWUPDATE_GO_ON);
}
