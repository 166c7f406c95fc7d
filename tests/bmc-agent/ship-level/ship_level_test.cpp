#include "bmc-agent/ship-level/ship_level.hpp"
#include "bmc-agent/ship-level/ship_level_check.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent::ship_level;

namespace
{

/// A machine of texts by path.
class PaperMachine final : public MachineView
{
  public:
    std::map<std::filesystem::path, std::string> files;

    [[nodiscard]] Result<std::string> read(const std::filesystem::path& file) const override
    {
        const auto found = files.find(file);
        return found == files.end() ? Result<std::string>{fail(ErrorKind::input_output, "can't be read: gone")}
                                    : Result<std::string>{found->second};
    }
    [[nodiscard]] bool exists(const std::filesystem::path& file) const override
    {
        return files.contains(file);
    }
    [[nodiscard]] std::vector<std::filesystem::path> list(const std::filesystem::path& directory) const override
    {
        std::vector<std::filesystem::path> entries;
        for (const auto& [path, text] : files)
        {
            const bool inside = path.parent_path().parent_path() == directory;
            if (inside && (entries.empty() || entries.back() != path.parent_path()))
            {
                entries.push_back(path.parent_path());
            }
        }
        return entries;
    }
};

/// What one rule says of one machine.
RuleResult ask(const config::Requirement& requirement, const PaperMachine& machine, const std::string& remedy = "")
{
    config::ShipLevel settings;
    settings.rules.push_back({"rule", "/i", remedy, requirement});
    const auto results = evaluate(settings, package::VersionScheme::usual(), machine);
    REQUIRE(results.size() == 1);
    return results.front();
}

PaperMachine with(const std::string& path, const std::string& text)
{
    PaperMachine machine;
    machine.files[path] = text;
    return machine;
}

/// Whether it is met, with this text in the file that it looks at.
bool met(const config::Requirement& requirement, const std::string& text)
{
    return ask(requirement, with("/f", text)).met;
}

} // namespace

TEST_CASE("version: at least")
{
    const config::VersionAtLeast rule{"/f", "2.10.0"};
    CHECK(met(rule, "2.10.0\n"));
    CHECK(met(rule, "v2.11.0\nmore\n"));
    CHECK_FALSE(met(rule, "2.9.0\n"));
    CHECK(ask(rule, with("/f", "2.9.0\n"), "update it").text == "rule: version 2.9.0 is older than 2.10.0; update it");
    CHECK(ask(rule, with("/f", "2.10.0"), "update it").text == "rule: version 2.10.0 is new enough");
    CHECK_FALSE(met(rule, "what\n"));
    CHECK_FALSE(met(rule, ""));
    CHECK(ask(rule, {}).text == "rule: /f can't be read: gone");
    CHECK_FALSE(ask(rule, {}).met);
}

TEST_CASE("file: it is there")
{
    CHECK(met(config::FilePresent{"/f"}, ""));
    const auto missing = ask(config::FilePresent{"/g"}, with("/f", ""));
    CHECK_FALSE(missing.met);
    CHECK(missing.text == "rule: /g is not there");
}

TEST_CASE("sensors: the device, with all of them")
{
    PaperMachine machine;
    machine.files["/sys/class/hwmon/hwmon0/name"] = "tmp421\n";
    machine.files["/sys/class/hwmon/hwmon1/name"] = "max31785\n";
    machine.files["/sys/class/hwmon/hwmon1/fan1_input"] = "1200\n";
    CHECK(ask(config::SensorsPresent{"tmp421", {}}, machine).met);
    CHECK(ask(config::SensorsPresent{"max31785", {"fan1_input"}}, machine).met);
    CHECK(ask(config::SensorsPresent{"max31785", {"fan1_input", "fan2_input"}}, machine).text ==
          "rule: the hwmon device max31785 has no fan2_input");
    CHECK(ask(config::SensorsPresent{"max", {}}, machine).text == "rule: no hwmon device max is there");
    machine.files["/sys/class/hwmon/hwmon2/name"] = "max31785\n";
    machine.files["/sys/class/hwmon/hwmon2/fan1_input"] = "1";
    machine.files["/sys/class/hwmon/hwmon2/fan2_input"] = "2";
    CHECK(ask(config::SensorsPresent{"max31785", {"fan1_input", "fan2_input"}}, machine).met);
}

TEST_CASE("text: the first line matches as a whole")
{
    const config::TextMatches rule{"/f", "witherspoon(-dd[0-9])?"};
    CHECK(met(rule, "witherspoon\n"));
    CHECK(met(rule, std::string{"witherspoon-dd2\0", 16}));
    CHECK_FALSE(met(rule, "a witherspoon\n"));
    CHECK_FALSE(met(rule, "witherspoon-ddx\n"));
    CHECK_FALSE(met(rule, ""));
    CHECK_FALSE(met(config::TextMatches{"/f", "("}, "("));
    CHECK(ask(rule, with("/f", "\x1b[2J")).text.find('\x1b') == std::string::npos);
    CHECK(met(config::TextMatches{"/f", "a{256}"}, std::string(100'000, 'a')));
}

TEST_CASE("register: at least, equal, masked; decimal or hexadecimal")
{
    const config::RegisterValue least{"/f", 0x3030, std::nullopt};
    CHECK(met(least, "0x3030\n"));
    CHECK(met(least, "12337\n"));
    CHECK_FALSE(met(least, "0x302f\n"));
    CHECK(ask(least, with("/f", "16")).text == "rule: /f has 16, less than 12336");
    const config::RegisterValue same{"/f", std::nullopt, 5, 0x0F};
    CHECK(met(same, "0xF5"));
    CHECK_FALSE(met(same, "0x50"));
    CHECK(ask(same, with("/f", "0x51")).text == "rule: /f has 1, not 5");
    for (const char* const text :
         {"", "0x", "x", "1 2", "-1", "+1", "1e3", "0x1ffffffffffffffff", "18446744073709551616"})
    {
        CHECK_FALSE(met(config::RegisterValue{"/f", 0, std::nullopt}, text));
    }
    CHECK(met(config::RegisterValue{"/f", ~std::uint64_t{0}, std::nullopt}, "18446744073709551615"));
}

TEST_CASE("an inventory item meets the level when all of its rules do")
{
    const std::vector<RuleResult> results{{"a", "/fan0", true, ""},
                                          {"b", "/fan0", false, ""},
                                          {"c", "/fan1", true, ""},
                                          {"d", "", false, ""},
                                          {"e", "/fan0", true, ""}};
    CHECK(inventory_levels(results) == InventoryLevels{{"/fan0", false}, {"/fan1", true}});
}

TEST_CASE("the verdict: offenders from rules and from the inventory, each item once")
{
    const std::vector<RuleResult> results{{"a", "/fan0", false, "a: old"}, {"b", "/fan1", true, "b: fine"}};
    const InventoryLevels reported{{"/fan0", false}, {"/fan1", false}, {"/cpu", false}, {"/dimm", true}};
    const Verdict verdict = judge(true, results, reported);
    CHECK(verdict.offenders ==
          std::vector<std::string>{"a: old", "/cpu says that it does not meet the minimum ship level"});
    CHECK_FALSE(verdict.met());
    CHECK(judge(false, results, reported).met());
    CHECK(judge(true, {}, {}).met());
    CHECK(describe(judge(true, {}, {})) == "the minimum ship level is met");
    CHECK(describe(judge(true, results, {})) == "the minimum ship level is not met, so the host may not start: a: old");
    CHECK(describe(judge(false, results, {})) == "the minimum ship level is not met, and not required: a: old");
}

TEST_CASE("in the chain of checks the verdict is told, and refuses no update")
{
    Verdict verdict{true, {"a: old"}};
    const auto check = agent::make_ship_level_check([&] { return verdict; });
    const auto planned = check->plan({}, {});
    REQUIRE(planned);
    CHECK(planned->passed());
    CHECK(planned->check == "ship level");
    CHECK(planned->text == describe(verdict));
    verdict.offenders.clear();
    agent::Subject subject;
    const auto verified = check->verify(subject);
    REQUIRE(verified);
    CHECK(verified->passed());
    CHECK(verified->text == "the minimum ship level is met");
}

TEST_CASE("the disk: texts through links, what is not there, sorted entries")
{
    const fwupdate::test::TemporaryDirectory directory;
    const auto root = directory.path();
    std::filesystem::create_directories(root / "b");
    std::ofstream{root / "a"} << "text";
    std::filesystem::create_symlink(root / "a", root / "c");
    const DiskView disk;
    CHECK(disk.read(root / "c").value() == "text");
    CHECK_FALSE(disk.read(root / "b"));
    CHECK_FALSE(disk.read(root / "d"));
    CHECK(disk.exists(root / "c"));
    CHECK_FALSE(disk.exists(root / "d"));
    CHECK(disk.list(root) == std::vector<std::filesystem::path>{root / "a", root / "b", root / "c"});
    CHECK(disk.list(root / "d").empty());
    std::ofstream{root / "large"} << std::string(64UL * 1024 + 1, 'x');
    CHECK_FALSE(disk.read(root / "large"));
}
