#include "common/rmcpplus/sequence_window.hpp"

#include "tests/common/result_printing.hpp"

#include <doctest/doctest.h>

using fwupdate::rmcpplus::SequenceWindow;

TEST_CASE("each number is taken once, in order or not")
{
    SequenceWindow window;
    CHECK(window.accept(3)); // ipmitool's first
    CHECK(window.accept(5));
    CHECK(window.accept(4));
    CHECK_FALSE(window.accept(3));
    CHECK_FALSE(window.accept(4));
    CHECK_FALSE(window.accept(5));
    CHECK(window.accept(1)); // late, but never seen
    CHECK_FALSE(window.accept(1));
}

TEST_CASE("zero is never taken")
{
    SequenceWindow window;
    CHECK_FALSE(window.accept(0));
    CHECK(window.accept(1));
    CHECK_FALSE(window.accept(0));
}

TEST_CASE("a jump forward of any size is taken and never wedges the session")
{
    SequenceWindow window;
    CHECK(window.accept(1));
    CHECK(window.accept(17)); // sixteen lost in a row
    CHECK(window.accept(5'000));
    CHECK(window.accept(1'000'000));
    CHECK(window.accept(1'000'001));
    CHECK_FALSE(window.accept(17));
    CHECK_FALSE(window.accept(1'000'000));
}

TEST_CASE("the window back is 2048 numbers, exactly")
{
    SequenceWindow window;
    REQUIRE(window.accept(10'000));
    CHECK(window.accept(10'000 - 2'047));
    CHECK_FALSE(window.accept(10'000 - 2'047));
    CHECK_FALSE(window.accept(10'000 - 2'048));
    CHECK(window.accept(10'001));
    CHECK_FALSE(window.accept(10'000 - 2'047)); // now out of the window
    CHECK(window.accept(10'000 - 2'046));
}

TEST_CASE("numbers passed over are forgotten when the ring comes round")
{
    SequenceWindow window;
    for (std::uint32_t number = 1; number <= 2'048; ++number)
    {
        REQUIRE(window.accept(number));
    }
    REQUIRE(window.accept(2'048 + 2'047)); // uses the places of 1..2047 again
    for (std::uint32_t number = 2'049; number < 2'048 + 2'047; ++number)
    {
        REQUIRE(window.accept(number));
    }
    CHECK_FALSE(window.accept(2'048));
}

TEST_CASE("the number wraps past zero")
{
    SequenceWindow window;
    REQUIRE(window.accept(0xFFFF'FFFE));
    CHECK(window.accept(0xFFFF'FFFF));
    CHECK(window.accept(1));
    CHECK_FALSE(window.accept(0xFFFF'FFFF));
    CHECK(window.accept(0xFFFF'FFFD));
    CHECK(window.accept(2));
    CHECK_FALSE(window.accept(1));
}
