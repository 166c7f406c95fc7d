#include "bmc-agent/actions/percent_line.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace fwupdate::agent;

TEST_CASE("lines that tell a percent")
{
    const std::pair<const char*, int> lines[] = {
        {"42%", 42},
        {"42 %", 42},
        {"  42%  ", 42},
        {"\t0%", 0},
        {"100%", 100},
        {"007%", 7},
        {"99.9%", 99},
        {"42% of flash written", 42},
        {"percent 42", 42},
        {"percent\t42", 42},
        {"percent 42%", 42},
        {"percent 42 % done", 42},
        {"percent 42 done", 42},
        {"  percent   5", 5},
        {"42 %\tdone", 42},
    };
    for (const auto& [line, percent] : lines)
    {
        CAPTURE(line);
        const auto found = percent_of(line);
        REQUIRE(found.has_value());
        CHECK(*found == percent);
    }
}

TEST_CASE("lines that tell none")
{
    for (const char* line : {"",
                             " ",
                             "%",
                             "42",
                             "42 done",
                             "101%",
                             "1000%",
                             "-5%",
                             "+5%",
                             "4 2%",
                             "42%%",
                             "42%done",
                             "42.%",
                             ".5%",
                             "percent",
                             "percent ",
                             "percent42",
                             "percent x",
                             "percent 101",
                             "percent 42x",
                             "percent 42%x",
                             "percents 42",
                             "done 42%",
                             "0x10%",
                             "percent 42.",
                             "4294967338%",
                             "99999999999999999999%"})
    {
        CAPTURE(line);
        CHECK_FALSE(percent_of(line).has_value());
    }
    CHECK_FALSE(percent_of(std::string(1U << 20, '9')).has_value());
    CHECK_FALSE(percent_of(std::string("42\0%", 4)).has_value());
}
