#include "bmc-agent/dbus/probe.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <optional>

using namespace fwupdate;
using namespace fwupdate::agent;
namespace asio = boost::asio;

namespace
{

/// A bus that says one thing to whoever connects; nothing: it does not answer.
struct Bus
{
    asio::io_context context;
    test::TemporaryDirectory directory;
    std::string path{(directory.path() / "bus").string()};
    asio::local::stream_protocol::acceptor acceptor{context, asio::local::stream_protocol::endpoint{path}};
    asio::local::stream_protocol::socket peer{context};
    std::string asked;

    std::string probe(const std::string& answer)
    {
        acceptor.async_accept(peer,
                              [&, answer](boost::system::error_code)
                              {
                                  asio::read_until(peer, asio::dynamic_buffer(asked), "\r\n");
                                  if (!answer.empty())
                                  {
                                      asio::write(peer, asio::buffer(answer));
                                      peer.close();
                                  }
                              });
        return result_of(path);
    }

    std::string result_of(const std::string& socket)
    {
        std::optional<std::string> result;
        dbus::probe(context, socket, std::chrono::seconds{1},
                    [&](const Result<void>& end)
                    {
                        CHECK_FALSE(result.has_value());
                        result = end ? "answers" : end.error().text;
                    });
        CHECK_FALSE(result.has_value());
        while (!result && context.run_one() != 0)
        {
        }
        context.run_for(std::chrono::milliseconds{20});
        context.restart();
        return result.value_or("never told");
    }
};

} // namespace

TEST_CASE("the socket of an address")
{
    CHECK(dbus::socket_of("unix:path=/run/dbus/system_bus_socket") == "/run/dbus/system_bus_socket");
    CHECK(dbus::socket_of("unix:path=/run/a,guid=01;unix:path=/run/b") == "/run/a");
    CHECK(dbus::socket_of("unix:abstract=/tmp/x,guid=01") == std::string("\0/tmp/x", 7));
    CHECK(dbus::socket_of("tcp:host=localhost,port=1").empty());
    CHECK(dbus::socket_of("").empty());
}

TEST_CASE("a bus that answers, refuses, goes away, says nothing, or is not there")
{
    CHECK(Bus{}.probe("OK 0123456789abcdef\r\n") == "answers");
    CHECK(Bus{}.probe("REJECTED EXTERNAL\r\n") == "it does not let the agent in: REJECTED EXTERNAL??");
    CHECK(Bus{}.probe("OK") == "End of file");
    CHECK(Bus{}.probe(std::string(1U << 12, 'x')) != "answers");
    CHECK(Bus{}.probe("") == "it does not answer");
    CHECK(Bus{}.result_of("/no/such/socket") == "No such file or directory");
    CHECK(Bus{}.result_of(std::string(200, 'x')) == "its address is too long");
}

TEST_CASE("it begins as D-Bus has it")
{
    Bus bus;
    REQUIRE(bus.probe("OK 0\r\n") == "answers");
    CHECK(bus.asked.starts_with(std::string("\0AUTH EXTERNAL 3", 16)));
    CHECK(bus.asked.ends_with("\r\n"));
}
