#include "bmc-agent/ship-level/settings_file.hpp"
#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent::ship_level;

namespace
{

const SettingProperties required{{"MinimumShipLevelRequired", true}};
const SettingProperties several{{"Enabled", true}, {"Mode", std::int64_t{1}}, {"Name", std::string{"a"}}};

} // namespace

TEST_CASE("what is written is what settingsd writes, to the byte")
{
    CHECK(serialize_setting(required) == "{\n"
                                         "    \"value0\": {\n"
                                         "        \"cereal_class_version\": 2,\n"
                                         "        \"MinimumShipLevelRequired\": true\n"
                                         "    }\n"
                                         "}");
    CHECK(serialize_setting(several) == "{\n"
                                        "    \"value0\": {\n"
                                        "        \"cereal_class_version\": 2,\n"
                                        "        \"Enabled\": true,\n"
                                        "        \"Mode\": 1,\n"
                                        "        \"Name\": \"a\"\n"
                                        "    }\n"
                                        "}");
}

TEST_CASE("version 2 has names, in any order")
{
    const auto stored = parse_setting(
        R"({"value0": {"Name": "b", "cereal_class_version": 2, "Mode": -3, "Enabled": false, "Other": []}})", several);
    REQUIRE(stored);
    CHECK(stored->properties ==
          SettingProperties{{"Enabled", false}, {"Mode", std::int64_t{-3}}, {"Name", std::string{"b"}}});
    CHECK(stored->defaulted.empty());
    CHECK_FALSE(stored->old);
}

TEST_CASE("version 1 has none: the order tells")
{
    const auto stored = parse_setting(
        R"({"value0": {"cereal_class_version": 1, "value0": false, "value1": 7, "value2": "c"}})", several);
    REQUIRE(stored);
    CHECK(stored->properties ==
          SettingProperties{{"Enabled", false}, {"Mode", std::int64_t{7}}, {"Name", std::string{"c"}}});
    CHECK(stored->old);
}

TEST_CASE("a member that is missing, or of another type, has its default")
{
    const auto stored =
        parse_setting(R"({"value0": {"cereal_class_version": 2, "Enabled": 1, "Mode": 9223372036854775808}})", several);
    REQUIRE(stored);
    CHECK(stored->properties == several);
    CHECK(stored->defaulted == std::vector<std::string>{"Enabled", "Mode", "Name"});
    CHECK(parse_setting(R"({"value0": {"cereal_class_version": 2, "Mode": 9223372036854775807}})", several)
              ->defaulted.size() == 2);
    CHECK(
        parse_setting(R"({"value0": {"cereal_class_version": 2, "Mode": 1.5, "Name": null, "Enabled": "x"}})", several)
            ->defaulted.size() == 3);
}

TEST_CASE("what settingsd never writes is damaged")
{
    for (const char* const text :
         {"", "{", "null", "[]", "{}", R"({"value0": 1})", R"({"value0": {}})",
          R"({"value0": {"cereal_class_version": 0}})", R"({"value0": {"cereal_class_version": 3}})",
          R"({"value0": {"cereal_class_version": "2"}})", R"({"value0": {"cereal_class_version": -2}})",
          R"({"value0": {"cereal_class_version": 18446744073709551615}})"})
    {
        CAPTURE(text);
        const auto stored = parse_setting(text, required);
        REQUIRE_FALSE(stored);
        CHECK(stored.error().kind == ErrorKind::integrity);
    }
    const std::string text = serialize_setting(required);
    for (std::size_t length = 0; length < text.size(); ++length)
    {
        CHECK_FALSE(parse_setting(text.substr(0, length), required));
    }
}

TEST_CASE("a file lies at the object's path, with a suffix that no object has")
{
    CHECK(setting_file("/var/lib/x", "/xyz/a") == "/var/lib/x/xyz/a__");
}
