#include "bmc-agent/ship-level/ship_level_setting.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <vector>

using namespace fwupdate;
using namespace fwupdate::agent::ship_level;

namespace
{

class MemoryLog final : public agent::Log
{
  public:
    std::vector<agent::Level> levels;

  private:
    void write(agent::Level level, std::string_view /*sentence*/, std::span<const agent::LogPair> /*pairs*/) override
    {
        levels.push_back(level);
    }
};

struct Rig
{
    fwupdate::test::TemporaryDirectory directory;
    std::filesystem::path root = directory.path() / "settings";
    std::filesystem::path file = root / "xyz/openbmc_project/control/minimum_ship_level_required__";
    MemoryLog log;

    void store(const std::string& text) const
    {
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file} << text;
    }
    [[nodiscard]] std::string stored() const
    {
        std::ostringstream text;
        text << std::ifstream{file}.rdbuf();
        return text.str();
    }
};

std::string text_of(int version, const std::string& member)
{
    return R"({"value0": {"cereal_class_version": )" + std::to_string(version) + ", " + member + "}}";
}

} // namespace

TEST_CASE("without a file it is required, and nothing is written")
{
    Rig rig;
    CHECK(ShipLevelSetting{rig.root, rig.log}.required());
    CHECK(read_required(rig.root, rig.log));
    CHECK_FALSE(std::filesystem::exists(rig.root));
    CHECK(rig.log.levels.empty());
}

TEST_CASE("a new value is written where settingsd has it, and read again; the same value is neither")
{
    Rig rig;
    ShipLevelSetting setting{rig.root, rig.log};
    CHECK(setting.set(true).value() == false);
    CHECK_FALSE(std::filesystem::exists(rig.file));
    CHECK(setting.set(false).value());
    CHECK_FALSE(setting.required());
    CHECK(rig.stored() == "{\n    \"value0\": {\n        \"cereal_class_version\": 2,\n"
                          "        \"MinimumShipLevelRequired\": false\n    }\n}");
    CHECK_FALSE(ShipLevelSetting{rig.root, rig.log}.required());
    CHECK_FALSE(read_required(rig.root, rig.log));
    std::filesystem::remove(rig.file);
    CHECK(setting.set(false).value() == false);
    CHECK_FALSE(std::filesystem::exists(rig.file));
    CHECK(rig.log.levels.empty());
}

TEST_CASE("a file of the older version is read, and written anew at the start")
{
    Rig rig;
    rig.store(text_of(1, R"("value0": false)"));
    CHECK_FALSE(read_required(rig.root, rig.log));
    CHECK(rig.stored().find("cereal_class_version\": 1") != std::string::npos); // a reader changes nothing
    CHECK_FALSE(ShipLevelSetting{rig.root, rig.log}.required());
    CHECK(rig.stored().find("\"cereal_class_version\": 2") != std::string::npos);
    CHECK(rig.stored().find("\"MinimumShipLevelRequired\": false") != std::string::npos);
    CHECK(rig.log.levels.empty());
}

TEST_CASE("a damaged file is told and removed; the default holds")
{
    Rig rig;
    rig.store("{\"value0\"");
    CHECK(read_required(rig.root, rig.log));
    CHECK(std::filesystem::exists(rig.file));
    CHECK(ShipLevelSetting{rig.root, rig.log}.required());
    CHECK_FALSE(std::filesystem::exists(rig.file));
    CHECK(rig.log.levels == std::vector<agent::Level>{agent::Level::error, agent::Level::error});
}

TEST_CASE("a file without the member leaves the default, and is let be")
{
    Rig rig;
    rig.store(text_of(2, R"("Other": false)"));
    CHECK(ShipLevelSetting{rig.root, rig.log}.required());
    CHECK(rig.log.levels == std::vector<agent::Level>{agent::Level::info});
    CHECK(std::filesystem::exists(rig.file));
}

TEST_CASE("what can't be written stays as it was, and is told")
{
    Rig rig;
    std::ofstream{rig.root} << "a file in the directory's place";
    ShipLevelSetting setting{rig.root, rig.log};
    CHECK_FALSE(setting.set(false));
    CHECK(setting.required());
    CHECK(rig.log.levels.back() == agent::Level::error);
}
