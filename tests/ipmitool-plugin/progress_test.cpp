#include "ipmitool-plugin/client/reporter.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace fwupdate;
using namespace fwupdate::client;
using namespace std::chrono_literals;

namespace
{

const TimePoint begin{1h};

} // namespace

TEST_CASE("rate and remaining time follow the bytes")
{
    ProgressMeter meter;
    CHECK(meter.update(Phase::transfer, 0, 10'000'000, begin).rate == 0);
    const Progress progress = meter.update(Phase::transfer, 1'000'000, 10'000'000, begin + 1s);
    CHECK(progress.rate == doctest::Approx(1e6));
    CHECK(progress.percent == 10);
    CHECK(progress.remaining == 9s);
    CHECK(to_text(progress) == "transfer  10 %  976.6 KiB of 9.5 MiB  1.0 MB/s  0:09 left");
}

TEST_CASE("what was there before a resume does not count for the rate")
{
    ProgressMeter meter;
    static_cast<void>(meter.update(Phase::transfer, 8'000'000, 10'000'000, begin));
    CHECK(meter.update(Phase::transfer, 8'500'000, 10'000'000, begin + 1s).rate == doctest::Approx(5e5));
}

TEST_CASE("a restart of the transfer and a new phase begin the rate anew")
{
    ProgressMeter meter;
    static_cast<void>(meter.update(Phase::transfer, 0, 100, begin));
    CHECK(meter.update(Phase::transfer, 90, 100, begin + 1s).rate == doctest::Approx(90));
    CHECK(meter.update(Phase::transfer, 10, 100, begin + 2s).rate == 0);
    CHECK(meter.update(Phase::verify, 50, 100, begin + 3s).rate == 0);
}

TEST_CASE("sizes and durations for people")
{
    CHECK(size_text(999) == "999 B");
    CHECK(size_text(1536) == "1.5 KiB");
    CHECK(size_text(32U << 20) == "32.0 MiB");
    CHECK(duration_text(5s) == "0:05");
    CHECK(duration_text(3723s) == "1:02:03");
}

TEST_CASE("plain lines come at every 10 %, every 5 s and with every phase")
{
    PlainPacer pacer;
    const auto due = [&](Phase phase, std::uint8_t percent, Duration after) {
        return pacer.due({phase, percent, 0, 0, 0, {}}, begin + after);
    };
    CHECK(due(Phase::transfer, 0, 0s));
    CHECK_FALSE(due(Phase::transfer, 9, 1s));
    CHECK(due(Phase::transfer, 10, 2s));
    CHECK_FALSE(due(Phase::transfer, 11, 6s));
    CHECK(due(Phase::transfer, 11, 7s));
    CHECK(due(Phase::verify, 11, 7s));
}

TEST_CASE("on a terminal one line is redrawn, and a notice does not run into it")
{
    std::ostringstream out;
    std::ostringstream err;
    Reporter reporter{Style::terminal, out, err};
    reporter.progress({Phase::transfer, 50, 512, 1024, 0, {}}, begin);
    reporter.progress({Phase::verify, 5, 0, 0, 0, {}}, begin);
    reporter.notice("hello");
    const std::string first = "\rtransfer  50 %  512 B of 1.0 KiB";
    CHECK(err.str().starts_with(first));
    const std::string second = "\rverify     5 %";
    CHECK(err.str().substr(first.size()) == second + std::string(first.size() - second.size(), ' ') + "\nhello\n");
    CHECK(out.str().empty());
}

TEST_CASE("JSON lines have the documented keys, and nothing else goes to either stream")
{
    std::ostringstream out;
    std::ostringstream err;
    Reporter reporter{Style::json, out, err};
    reporter.progress({Phase::transfer, 50, 512, 1024, 100, 5s}, begin);
    reporter.progress({Phase::transfer, 50, 513, 1024, 100, std::nullopt}, begin + 6s);
    reporter.notice("bad \x1B text");
    reporter.item("target", {{"name", "a\xFF"}, {"id", 3}, {"version", nullptr}, {"default", true}});
    reporter.outcome({ExitCode::already_current, "it is"});
    CHECK(err.str().empty());
    CHECK(out.str() ==
          R"({"event":"progress","phase":"transfer","percent":50,"done":512,"total":1024,"rate":100,"remaining":5})"
          "\n"
          R"({"event":"progress","phase":"transfer","percent":50,"done":513,"total":1024,"rate":100,"remaining":null})"
          "\n"
          R"({"event":"notice","text":"bad ? text"})"
          "\n"
          R"({"event":"target","name":"a?","id":3,"version":null,"default":true})"
          "\n"
          R"({"event":"result","result":"already_current","exit_code":11,"text":"it is"})"
          "\n");
}

TEST_CASE("CSV quotes what needs it, and good and bad ends part ways")
{
    std::ostringstream out;
    std::ostringstream err;
    Reporter reporter{Style::csv, out, err};
    reporter.item("target", {{"name", "a,\"b\""}, {"id", 3}, {"version", nullptr}, {"default", false}});
    reporter.outcome({ExitCode::refused, "no"});
    reporter.outcome({ExitCode::done, "yes"});
    CHECK(out.str() == "\"a,\"\"b\"\"\",3,,no\nyes\n");
    CHECK(err.str() == "no\n");
}

TEST_CASE("people get one field a line")
{
    std::ostringstream out;
    Reporter reporter{Style::plain, out, out};
    reporter.item("info", {{"max_image_size", 5}, {"features", Json::array({"a", "b"})}, {"version", nullptr}});
    CHECK(out.str() == "Max image size          : 5\n"
                       "Features                : a b\n"
                       "Version                 : unknown\n\n");
}
