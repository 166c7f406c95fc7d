// What becomes of a server's answer, and when a download is given up.
#include "transports/network/engine/answer.hpp"
#include "transports/network/engine/speed_watch.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::network;
using namespace std::chrono_literals;
using protocol::ReasonCode;

namespace
{

Question asking_from(std::uint64_t offset, bool digest = true)
{
    return {offset, std::nullopt, "\"tag\"", digest, "http://h/f"};
}

Answer http(long status, std::optional<std::uint64_t> length = 1000)
{
    Answer answer;
    answer.status = status;
    answer.length = length;
    return answer;
}

Answer partial(const char* range)
{
    Answer answer = http(206, 900);
    answer.range = ContentRange::parse(range);
    return answer;
}

ReasonCode refused(const Answer& answer, const Question& question = asking_from(0))
{
    const auto verdict = judge(answer, question);
    const auto* problem = std::get_if<Problem>(&verdict);
    return problem == nullptr ? ReasonCode::none : problem->failure.code;
}

Remedy remedy_of(const Answer& answer, const Question& question)
{
    return std::get<Problem>(judge(answer, question)).remedy;
}

} // namespace

TEST_CASE("a content range is exact or none")
{
    const auto range = ContentRange::parse("bytes 100-999/1000");
    REQUIRE(range);
    CHECK(range->first == 100);
    CHECK(range->last == 999);
    CHECK(range->total == 1000);
    CHECK_FALSE(ContentRange::parse("bytes 0-1/*")->total);
    for (const char* bad : {"", "bytes", "bytes 1-0/2", "bytes 0-1/1", "bytes 0-1/2x", "bytes -1/2", "bytes 0-/2",
                            "bytes */2", "Bytes 0-1/2", "bytes 0-1", "bytes 0-99999999999999999999/1", "bytes 0 - 1/2"})
    {
        CAPTURE(bad);
        CHECK_FALSE(ContentRange::parse(bad));
    }
}

TEST_CASE("a file that ends with its connection wants a digest")
{
    Answer answer = http(200, std::nullopt);
    answer.shows_its_end = false;
    CHECK(refused(answer, asking_from(0, false)) == ReasonCode::server_failed);
    CHECK(refused(answer, asking_from(0, true)) == ReasonCode::none);
    answer.shows_its_end = true; // in chunks
    CHECK(refused(answer, asking_from(0, false)) == ReasonCode::none);
}

TEST_CASE("whole files and parts")
{
    CHECK(std::get<Take>(judge(http(200), asking_from(0))).total == 1000);
    CHECK_FALSE(std::get<Take>(judge(http(200, std::nullopt), asking_from(0))).total);
    const Take anew = std::get<Take>(judge(http(200), asking_from(100))); // the server does not know ranges
    CHECK(anew.offset == 0);
    const Take part = std::get<Take>(judge(partial("bytes 100-999/1000"), asking_from(100)));
    CHECK(part.offset == 100);
    CHECK(part.total == 1000);
    CHECK(remedy_of(partial("bytes 99-999/1000"), asking_from(100)) == Remedy::begin_anew);
    CHECK(remedy_of(http(206), asking_from(100)) == Remedy::begin_anew);
    Answer multipart = partial("bytes 100-999/1000");
    multipart.content_type = "multipart/byteranges; boundary=x";
    CHECK(remedy_of(multipart, asking_from(100)) == Remedy::begin_anew);
    CHECK(remedy_of(http(416), asking_from(100)) == Remedy::begin_anew);
}

TEST_CASE("a file that changed is not put together from two")
{
    Question question = asking_from(100);
    question.total = 1000;
    CHECK(refused(partial("bytes 100-998/999"), question) == ReasonCode::server_failed);
    CHECK(refused(http(200, 999), question) == ReasonCode::server_failed);
    CHECK(refused(partial("bytes 100-999/1000"), question) == ReasonCode::none);
    Answer ftp;
    ftp.length = 900;
    ftp.validator = "171";
    Question without_digest = asking_from(100, false);
    without_digest.validator = "170";
    CHECK(remedy_of(ftp, without_digest) == Remedy::begin_anew);
    without_digest.validator = "171";
    CHECK(std::get<Take>(judge(ftp, without_digest)).total == 1000);
}

TEST_CASE("refusals have their reasons")
{
    CHECK(refused(http(404)) == ReasonCode::file_not_found);
    CHECK(refused(http(410)) == ReasonCode::file_not_found);
    CHECK(refused(http(401)) == ReasonCode::access_denied);
    CHECK(refused(http(403)) == ReasonCode::access_denied);
    CHECK(refused(http(418)) == ReasonCode::server_failed);
    CHECK(refused(http(302)) == ReasonCode::server_failed); // to nowhere
    CHECK(refused(http(304)) == ReasonCode::server_failed);
    CHECK(refused(http(204)) == ReasonCode::server_failed);
    CHECK(remedy_of(http(404), asking_from(0)) == Remedy::none);
    for (const long busy : {408L, 429L, 500L, 502L, 503L, 504L})
    {
        CHECK(remedy_of(http(busy), asking_from(0)) == Remedy::repeat);
    }
    Answer later = http(503);
    later.retry_after = 7s;
    CHECK(std::get<Problem>(judge(later, asking_from(0))).retry_after == 7s);
    Answer squeezed = http(200);
    squeezed.content_encoding = "gzip";
    CHECK(refused(squeezed) == ReasonCode::server_failed);
    squeezed.content_encoding = "identity";
    CHECK(refused(squeezed) == ReasonCode::none);
}

TEST_CASE("redirects lead on")
{
    Answer answer = http(302);
    answer.location = "http://other/f";
    CHECK(std::get<Redirect>(judge(answer, asking_from(0))).location == "http://other/f");
}

TEST_CASE("resuming wants a validator or a digest")
{
    CHECK_FALSE(may_resume(asking_from(0)));
    CHECK(may_resume(asking_from(1, false)));
    Question bare = asking_from(1, false);
    bare.validator.clear();
    CHECK_FALSE(may_resume(bare));
    bare.digest_known = true;
    CHECK(may_resume(bare));
}

TEST_CASE("a stalled download is given up, a steady one never")
{
    const Limits limits{
        .connect_timeout = 15s, .stall_timeout = 30s, .min_speed = 100, .min_speed_time = 60s, .retries = 5};
    const TimePoint begin{};
    SpeedWatch stalled{limits, begin};
    CHECK_FALSE(stalled.look(begin + 29s));
    CHECK(stalled.look(begin + 30s));

    SpeedWatch steady{limits, begin};
    SpeedWatch dripping{limits, begin};
    std::optional<std::string> given_up;
    for (auto at = 1s; at < 10'000s; at += 1s)
    {
        steady.note(100, begin + at);
        CHECK_FALSE(steady.look(begin + at));
        if (!given_up)
        {
            dripping.note(99, begin + at);
            given_up = dripping.look(begin + at);
            CHECK((!given_up || at >= 60s));
        }
    }
    REQUIRE(given_up);
    CHECK(given_up->find("fewer than 100") != std::string::npos);
}

TEST_CASE("waiting grows and is bounded")
{
    CHECK(back_off(1) == 1s);
    CHECK(back_off(2) == 2s);
    CHECK(back_off(4) == 8s);
    CHECK(back_off(6) == 30s);
    CHECK(back_off(4'000'000'000U) == 30s);
}
