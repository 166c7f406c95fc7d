// The trial by itself: a fake clock and every way it can end.
#include "bmc-agent/update/probation.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace std::chrono_literals;
using config::ConfirmBy;
using protocol::Confirmation;

namespace
{

constexpr TimePoint begin{1h};

config::Probation settings(ConfirmBy confirm, bool health = false)
{
    return {confirm, 60s, health ? std::vector<std::string>{"/healthy"} : std::vector<std::string>{}};
}

} // namespace

TEST_CASE("confirmed by its start: there is no trial")
{
    const Probation probation{settings(ConfirmBy::start), begin};
    CHECK(probation.wish() == TrialWish::keep);
    CHECK(probation.reason() == "confirmed by its start");
    CHECK_FALSE(probation.deadline().has_value());
}

TEST_CASE("confirmed by a client, or not in time")
{
    Probation kept{settings(ConfirmBy::client), begin};
    CHECK(kept.wish() == TrialWish::wait);
    CHECK(kept.reason().empty());
    CHECK(kept.deadline() == begin + 60s);
    kept.on_deadline(begin + 59s);
    CHECK(kept.wish() == TrialWish::wait);
    kept.on_client(Confirmation::keep, "admin");
    CHECK(kept.wish() == TrialWish::keep);
    CHECK(kept.reason() == "confirmed by admin");
    kept.on_deadline(begin + 61s); // too late to matter, as is another word
    kept.on_client(Confirmation::fall_back, "other");
    CHECK(kept.wish() == TrialWish::keep);

    Probation late{settings(ConfirmBy::client), begin};
    late.on_deadline(begin + 60s);
    CHECK(late.wish() == TrialWish::fall_back);
    CHECK(late.reason() == "not confirmed within 60 s");
    CHECK_FALSE(late.deadline().has_value());
    late.on_client(Confirmation::keep, "admin");
    CHECK(late.wish() == TrialWish::fall_back);
}

TEST_CASE("a client may give it up")
{
    Probation probation{settings(ConfirmBy::client), begin};
    probation.on_client(Confirmation::fall_back, "admin");
    CHECK(probation.wish() == TrialWish::fall_back);
    CHECK(probation.reason() == "given up by admin");
}

TEST_CASE("confirmed by its health command, or given up by it")
{
    Probation good{settings(ConfirmBy::health, true), begin};
    CHECK(good.wish() == TrialWish::ask_health);
    good.health_asked();
    CHECK(good.wish() == TrialWish::wait);
    good.on_health(true, {});
    CHECK(good.wish() == TrialWish::keep);
    CHECK(good.reason() == "confirmed by its health command");

    for (const ConfirmBy confirm : {ConfirmBy::health, ConfirmBy::client})
    {
        Probation bad{settings(confirm, true), begin};
        bad.health_asked();
        bad.on_client(Confirmation::keep, "admin"); // a client's word does not make it healthy
        CHECK(bad.wish() == TrialWish::wait);
        bad.on_health(false, "it ended with status 1");
        CHECK(bad.wish() == TrialWish::fall_back);
        CHECK(bad.reason() == "its health command failed: it ended with status 1");
    }

    Probation slow{settings(ConfirmBy::health, true), begin};
    slow.health_asked();
    slow.on_deadline(begin + 60s);
    CHECK(slow.wish() == TrialWish::fall_back);
    slow.on_health(true, {});
    CHECK(slow.wish() == TrialWish::fall_back);
}

TEST_CASE("with a health command a client's word counts once it has gone well")
{
    for (const bool client_first : {true, false})
    {
        Probation probation{settings(ConfirmBy::client, true), begin};
        CHECK(probation.wish() == TrialWish::ask_health);
        probation.health_asked();
        client_first ? probation.on_client(Confirmation::keep, "admin") : probation.on_health(true, {});
        CHECK(probation.wish() == TrialWish::wait);
        CHECK(probation.deadline().has_value());
        client_first ? probation.on_health(true, {}) : probation.on_client(Confirmation::keep, "admin");
        CHECK(probation.wish() == TrialWish::keep);
    }
}
