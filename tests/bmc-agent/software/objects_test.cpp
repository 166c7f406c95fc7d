#include "bmc-agent/software/objects.hpp"

#include <doctest/doctest.h>

using namespace fwupdate::agent::software;

namespace
{

const ObjectKey a{Service::updater, "/a"};
const ObjectKey b{Service::updater, "/b"};

} // namespace

TEST_CASE("nothing differs from itself")
{
    const Objects objects{{a, {{"I", {{"P", true}}}}}};
    CHECK(difference(objects, objects).empty());
    CHECK(difference({}, {}).empty());
}

TEST_CASE("a new object is one change with all of its interfaces")
{
    const Objects after{{a, {{"I", {{"P", true}}}, {"J", {}}}}};
    CHECK(difference({}, after) ==
          std::vector<Change>{{ChangeKind::interfaces_added, a, {{"I", {{"P", true}}}, {"J", {}}}}});
    CHECK(difference(after, {}) == std::vector<Change>{{ChangeKind::interfaces_removed, a, {{"I", {}}, {"J", {}}}}});
}

TEST_CASE("interfaces come and go on an object that stays; of properties only the changed ones are told")
{
    const Objects before{{a, {{"I", {{"P", true}, {"Q", std::uint8_t{1}}}}, {"Old", {{"X", true}}}}}};
    const Objects after{{a, {{"I", {{"P", true}, {"Q", std::uint8_t{2}}}}, {"New", {{"Y", std::string{"y"}}}}}}};
    CHECK(difference(before, after) ==
          std::vector<Change>{{ChangeKind::interfaces_removed, a, {{"Old", {}}}},
                              {ChangeKind::properties_changed, a, {{"I", {{"Q", std::uint8_t{2}}}}}},
                              {ChangeKind::interfaces_added, a, {{"New", {{"Y", std::string{"y"}}}}}}});
}

TEST_CASE("the same path in two services is two objects")
{
    const Objects one{{{Service::image_manager, "/a"}, {{"I", {}}}}};
    const Objects two{{{Service::updater, "/a"}, {{"I", {}}}}};
    CHECK(difference(one, two).size() == 2);
}

TEST_CASE("associations have an object at each end, with every endpoint once")
{
    const std::string interface {
        interfaces::definitions
    };
    Objects objects{
        {a,
         {{interface,
           {{"Associations", std::vector<Association>{{"f", "r", "/e"}, {"f", "r", "/d"}, {"f", "r", "/e"}}}}}}},
        {b,
         {{interface,
           {{"Associations", std::vector<Association>{{"f", "r", "/e"}, {"", "r", "/x"}, {"g", "", "/y"}}}}}}}};
    add_association_objects(objects);
    const auto endpoints = [&](const std::string& path)
    {
        const auto found = objects.find({Service::updater, path});
        return found == objects.end() ? std::vector<std::string>{"none"}
                                      : std::get<std::vector<std::string>>(
                                            found->second.at("xyz.openbmc_project.Association").at("endpoints"));
    };
    CHECK(endpoints("/a/f") == std::vector<std::string>{"/d", "/e"});
    CHECK(endpoints("/e/r") == std::vector<std::string>{"/a", "/b"});
    CHECK(endpoints("/d/r") == std::vector<std::string>{"/a"});
    CHECK(endpoints("/x/r") == std::vector<std::string>{"/b"});
    CHECK(endpoints("/b/g") == std::vector<std::string>{"/y"});
    CHECK(objects.size() == 8); // the two, /a/f, /b/f, /b/g, /d/r, /e/r, /x/r
}
