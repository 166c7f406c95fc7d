// On a real bus of the test's own.
#include "tests/bmc-agent/dbus/bus_bench.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <doctest/doctest.h>

#include <optional>

using namespace fwupdate;
using namespace fwupdate::agent;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::BusBench;

TEST_CASE("a bus is connected when it is asked for, answers, is lost, and is found again")
{
    BusBench bench;
    CHECK(bench.bus->connection() == nullptr);
    CHECK(bench.connect() == "cannot connect to D-Bus at unix:path=" + bench.socket +
                                 ": No such file or directory; check that it runs (systemctl status dbus.socket)");
    bench.start_daemon();
    CHECK(bench.connect() == "connected");
    const auto connection = bench.bus->connection();
    REQUIRE(connection != nullptr);

    auto proxy = sdbus::createProxy(*connection, "org.freedesktop.DBus", "/org/freedesktop/DBus");
    std::optional<bool> there;
    proxy->callMethodAsync("NameHasOwner")
        .onInterface("org.freedesktop.DBus")
        .withArguments(std::string{"org.freedesktop.DBus"})
        .uponReplyInvoke([&](const sdbus::Error* error, bool has) { there = error == nullptr && has; });
    bench.bus->used();
    CHECK(bench.until([&] { return there.has_value(); }));
    CHECK(there.value_or(false));

    const auto owner = std::make_shared<char>();
    auto gone = std::make_shared<char>();
    std::vector<std::string> lost;
    bench.bus->on_lost(owner, [&](const std::string& why) { lost.push_back(why); });
    bench.bus->on_lost(gone, [&](const std::string&) { lost.push_back("told to nobody"); });
    gone.reset();
    bench.stop_daemon();
    CHECK(bench.until([&] { return !lost.empty(); }));
    CHECK(lost.size() == 1);
    CHECK(lost.front() != "told to nobody");
    CHECK(bench.bus->connection() == nullptr);

    bench.start_daemon();
    CHECK(bench.connect() == "connected");
    CHECK(bench.bus->connection() != connection);
    CHECK(lost.size() == 1);
}

TEST_CASE("a call that nobody answers ends by its time-out, and others go on")
{
    BusBench bench;
    bench.start_daemon();
    REQUIRE(bench.connect() == "connected");
    dbus::Bus& bus = *bench.bus;
    const auto silent = dbus::make_bus(bench.context, "unix:path=" + bench.socket);
    bool ready = false;
    silent->connect([&](const Result<void>& result) { ready = result.has_value(); });
    REQUIRE(bench.until([&] { return ready; }));
    const std::string name = silent->connection()->getUniqueName();
    auto object = sdbus::createObject(*silent->connection(), "/silent");
    object->registerMethod("Ask").onInterface("test.Silent").implementedAs([](sdbus::Result<>&&) {});
    object->finishRegistration();

    auto proxy = sdbus::createProxy(*bus.connection(), name, "/silent");
    std::optional<std::string> error_name;
    const auto begun = Clock::now();
    proxy->callMethodAsync("Ask")
        .onInterface("test.Silent")
        .withTimeout(milliseconds{300})
        .uponReplyInvoke([&](const sdbus::Error* error)
                         { error_name = error == nullptr ? "answered" : error->getName(); });
    bus.used();
    CHECK(bench.until([&] { return error_name.has_value(); }));
    CHECK(error_name.value_or("") != "answered");
    CHECK(Clock::now() - begun >= milliseconds{300});
    CHECK(Clock::now() - begun < seconds{5});
}
