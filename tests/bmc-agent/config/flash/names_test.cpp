#include "bmc-agent/config/flash/names.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace fwupdate::config::flash;

TEST_CASE("names of units that can be started")
{
    for (const std::string_view name :
         {"a.service", "phosphor-ipmi-flash-bmc-update.target", "x@1.service", "dev-disk\\x2d1.mount", "a:b_c.d.timer"})
    {
        CAPTURE(name);
        CHECK(is_unit_name(name));
    }
    for (const std::string_view name : {"", "u", ".service", "a.servic", "a.", "x@.service", "@x.service",
                                        "a/b.service", "a b.service", "a.Service", "\xC3\xA4.service"})
    {
        CAPTURE(name);
        CHECK_FALSE(is_unit_name(name));
    }
    CHECK(is_unit_name(std::string(247, 'a') + ".service"));
    CHECK_FALSE(is_unit_name(std::string(248, 'a') + ".service"));
}

TEST_CASE("modes of jobs: both that the original uses are known")
{
    const auto modes = job_modes();
    CHECK(std::ranges::find(modes, "replace") != modes.end());
    CHECK(std::ranges::find(modes, "replace-irreversibly") != modes.end());
}
