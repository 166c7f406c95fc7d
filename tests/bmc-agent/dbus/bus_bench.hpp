// A real bus of the test's own.
#pragma once

#include "bmc-agent/dbus/bus.hpp"
#include "bmc-agent/process/child_process.hpp"
#include "common/time.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::test
{

using namespace fwupdate::agent;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct BusBench
{
    boost::asio::io_context context;
    test::TemporaryDirectory directory;
    std::string socket{(directory.path() / "bus").string()};
    std::unique_ptr<dbus::Bus> bus{dbus::make_bus(context, "unix:path=" + socket)};
    std::shared_ptr<ChildProcess> daemon;

    bool until(const std::function<bool()>& holds)
    {
        const auto end = Clock::now() + seconds{20};
        while (!holds() && Clock::now() < end)
        {
            context.run_for(milliseconds{5});
            context.restart();
        }
        return holds();
    }

    void start_daemon()
    {
        const auto config = directory.path() / "bus.conf";
        std::ofstream{config} << "<busconfig><listen>unix:path=" << socket
                              << "</listen><policy context='default'><allow send_destination='*' eavesdrop='true'/>"
                                 "<allow receive_sender='*' eavesdrop='true'/><allow own='*'/></policy></busconfig>";
        auto child = ChildProcess::start(
            context,
            {.argv = {"/usr/bin/dbus-daemon", "--nofork", "--config-file=" + config.string()}, .own_group = true},
            [](std::string_view) {}, [](const ChildEnd&) {});
        REQUIRE(child.has_value());
        daemon = *child;
        REQUIRE(until([&] { return listens(); }));
    }

    /// The socket is there before anybody listens on it.
    [[nodiscard]] bool listens() const
    {
        boost::asio::io_context own;
        boost::asio::local::stream_protocol::socket probe{own};
        boost::system::error_code error;
        probe.connect({socket}, error); // NOLINT(bugprone-unused-return-value): the error tells
        return !error;
    }

    void stop_daemon()
    {
        bool gone = false;
        daemon->stop(seconds{5}, [&] { gone = true; });
        REQUIRE(until([&] { return gone; }));
        std::filesystem::remove(socket);
    }

    std::string connect()
    {
        std::optional<std::string> result;
        bus->connect([&](const Result<void>& ready) { result = ready ? "connected" : ready.error().text; });
        CHECK_FALSE(result.has_value());
        until([&] { return result.has_value(); });
        return result.value_or("never told");
    }

    ~BusBench()
    {
        if (daemon != nullptr)
        {
            daemon->kill();
            until([&] { return daemon.use_count() == 1; });
        }
    }
};

} // namespace fwupdate::test
