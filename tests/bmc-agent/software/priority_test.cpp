#include "bmc-agent/software/priority.hpp"

#include <doctest/doctest.h>

using namespace fwupdate::agent::software;

using Order = std::vector<Ranked>;
using Ids = std::vector<std::string>;

TEST_CASE("a priority that is taken moves whoever has it, and so on")
{
    CHECK(give_priority({{"a", 0}, {"b", 1}, {"c", 2}, {"d", 9}}, "d", 0) ==
          Order{{"d", 0}, {"a", 1}, {"b", 2}, {"c", 3}});
}

TEST_CASE("a gap ends the cascade")
{
    CHECK(give_priority({{"a", 0}, {"b", 1}, {"c", 3}, {"d", 9}}, "d", 0) ==
          Order{{"d", 0}, {"a", 1}, {"b", 2}, {"c", 3}});
    CHECK(give_priority({{"a", 1}, {"d", 9}}, "d", 0) == Order{{"d", 0}, {"a", 1}});
    CHECK(give_priority({{"a", 0}, {"b", 5}, {"d", 9}}, "d", 5) == Order{{"a", 0}, {"d", 5}, {"b", 6}});
}

TEST_CASE("the same priority again moves nobody; the own old one is no gap to fill")
{
    CHECK(give_priority({{"a", 0}, {"b", 1}}, "a", 0) == Order{{"a", 0}, {"b", 1}});
    CHECK(give_priority({{"a", 0}, {"b", 1}, {"c", 2}}, "b", 0) == Order{{"b", 0}, {"a", 1}, {"c", 2}});
    CHECK(give_priority({{"a", 0}, {"b", 1}}, "a", 1) == Order{{"a", 1}, {"b", 2}});
}

TEST_CASE("nobody falls off the end")
{
    CHECK(give_priority({{"a", 254}, {"b", 255}, {"c", 0}}, "c", 254) == Order{{"c", 254}, {"a", 255}, {"b", 255}});
    CHECK(give_priority({{"a", 255}, {"c", 0}}, "c", 255) == Order{{"c", 255}, {"a", 255}});
}

TEST_CASE("an id that is not there gives way like all others")
{
    CHECK(give_priority({}, "x", 0).empty());
    CHECK(give_priority({{"a", 0}}, "x", 0) == Order{{"a", 1}});
}

TEST_CASE("space: the highest number goes first, failed ones before all")
{
    const std::vector<Kept> versions{{"run", Activation::active, 0, true},
                                     {"old", Activation::active, 1, false},
                                     {"bad", Activation::failed, 0, false},
                                     {"new", Activation::ready, 0, false}};
    CHECK(to_be_freed(versions, "new", 4).empty());
    CHECK(to_be_freed(versions, "new", 3) == Ids{"bad"});
    CHECK(to_be_freed(versions, "new", 2) == Ids{"bad", "old"});
}

TEST_CASE("space: never the caller; what runs only where one alone is kept")
{
    const std::vector<Kept> versions{{"run", Activation::active, 0, true}, {"again", Activation::failed, 0, false}};
    CHECK(to_be_freed(versions, "again", 2).empty());
    CHECK(to_be_freed(versions, "again", 1) == Ids{"run"});
    CHECK(to_be_freed({{"run", Activation::active, 7, true}}, "new", 1) == Ids{"run"});
}

TEST_CASE("space: what neither is active nor failed takes none")
{
    for (const Activation state : {Activation::not_ready, Activation::invalid, Activation::ready,
                                   Activation::activating, Activation::staged, Activation::staging})
    {
        CHECK(to_be_freed({{"a", state, 0, false}, {"b", state, 0, false}}, "new", 1).empty());
    }
}
