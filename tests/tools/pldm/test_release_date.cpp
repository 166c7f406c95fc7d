#include "tools/pldm/release_date.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::tools;

TEST_CASE("dates that Python's strptime takes")
{
    const pldm::Timestamp104 date{0, {}, 6, 5, 4, 3, 2, 2021, 0};
    for (const char* text : {"2021-02-03T04:05:06", "2021-02-03t04:05:06", "2021-02-03 04:05:06", "03/02/2021 04:05:06",
                             "3/2/2021 4:5:6", "2021-2-3T4:5:6", "2021-2-3 \t 4:5:6", "2021-2- 3 4:5:6"})
    {
        CAPTURE(text);
        CHECK(parse_release_date(text) == date);
    }
    CHECK(parse_release_date("29/02/2024 23:59:59").has_value());
    CHECK(parse_release_date("0001-01-01 00:00:00")->year == 1);
}

TEST_CASE("dates that it does not take")
{
    for (const char* text : {"",
                             "12-25-2021",
                             "2021-13-01 00:00:00",
                             "2021-00-01 00:00:00",
                             "29/02/2023 00:00:00",
                             "2021-02-03",
                             "2021-02-03T04:05",
                             "2021-02-03T04:05:06Z",
                             "2021-02-03T04:05:06.5",
                             " 2021-02-03 04:05:06",
                             "2021-02-03 24:00:00",
                             "2021-02-03 00:60:00",
                             "2021-02-03 00:00:60",
                             "0000-01-01 00:00:00",
                             "21-02-03 04:05:06",
                             "2021-02-0304:05:06",
                             "2021-002-03 04:05:06",
                             "32/01/2021 00:00:00",
                             "02/13/2021 00:00:00",
                             "2021--2-3 4:5:6"})
    {
        CAPTURE(text);
        CHECK(!parse_release_date(text));
    }
}

TEST_CASE("the present time is one")
{
    const pldm::Timestamp104 now = local_time_now();
    CHECK(now.utc_offset == 0);
    CHECK(now.resolution == 0);
    CHECK(now.year >= 2025);
    CHECK((now.month >= 1 && now.month <= 12 && now.day >= 1 && now.day <= 31));
    CHECK((now.hour < 24 && now.minute < 60 && now.second < 60));
    CHECK((now.microsecond[0] | now.microsecond[1] << 8 | now.microsecond[2] << 16) < 1'000'000);
}
