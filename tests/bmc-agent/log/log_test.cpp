#include "bmc-agent/log/log.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace fwupdate::agent;

namespace
{

/// What `action` writes to standard error.
template <class Action> std::string standard_error_of(Action action)
{
    std::array<int, 2> pipe_ends{};
    REQUIRE(::pipe(pipe_ends.data()) == 0);
    const int saved = ::dup(2);
    ::dup2(pipe_ends[1], 2);
    action();
    ::dup2(saved, 2);
    ::close(saved);
    ::close(pipe_ends[1]);
    std::array<char, 4096> buffer{};
    const auto count = ::read(pipe_ends[0], buffer.data(), buffer.size());
    ::close(pipe_ends[0]);
    return {buffer.data(), static_cast<std::size_t>(count)};
}

} // namespace

TEST_CASE("an event is a sentence and quoted pairs")
{
    const std::array<LogPair, 2> pairs{LogPair{"user", "root"}, LogPair{"size", "65536"}};
    CHECK(format_event("Update mode entered", pairs) == R"(Update mode entered user="root" size="65536")");
    CHECK(format_event("Stopped", {}) == "Stopped");
}

TEST_CASE("a value from the other side can't forge a line or a pair")
{
    const std::array<LogPair, 1> pairs{LogPair{"user", "x\" admin=\"yes\n<3>evil\\\x1b[2J\xff"}};
    CHECK(format_event("Session refused", pairs) == R"(Session refused user="x\" admin=\"yes?<3>evil\\?[2J?")");
}

TEST_CASE("level names there and back")
{
    for (const Level level : {Level::debug, Level::info, Level::warning, Level::error})
    {
        CHECK(level_from_name(level_name(level)) == level);
    }
    CHECK_FALSE(level_from_name("loud"));
    CHECK_FALSE(level_from_name(""));
}

TEST_CASE("the journal gets priorities and no time")
{
    const std::string lines = standard_error_of(
        []
        {
            const auto log = make_log(Level::debug, LogFormat::journal);
            log->event(Level::debug, "a");
            log->event(Level::info, "b {} %v", {{"k", "v {} %n"}});
            log->event(Level::warning, "c");
            log->event(Level::error, "d");
        });
    CHECK(lines == "<7>a\n<6>b {} %v k=\"v {} %n\"\n<4>c\n<3>d\n");
}

TEST_CASE("plain lines carry time and level, and the least level holds")
{
    const std::string line = standard_error_of(
        []
        {
            const auto log = make_log(Level::warning, LogFormat::plain);
            log->event(Level::info, "not this");
            log->event(Level::warning, "Password is weak", {{"user", "root"}});
        });
    CHECK(line.ends_with("warning: Password is weak user=\"root\"\n"));
    CHECK(line.starts_with("2"));
    CHECK(line.find('\n') == line.size() - 1);
}
