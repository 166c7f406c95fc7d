#include "bmc-agent/channels/lan/udp_server.hpp"
#include "bmc-agent/channels/lan/udp_socket.hpp"
#include "tests/bmc-agent/channels/lan/lan_bench.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>

#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

using namespace lan_bench;
namespace ip = boost::asio::ip;

namespace
{

const Bytes ping = from_hex("0600ff06000011be80010000").value();

config::Lan loopback(const std::vector<config::ListenAddress>& addresses)
{
    config::Lan lan;
    lan.listen = addresses;
    return lan;
}

/// A server on loopback with the loop in our hands, and a client socket.
struct Wire
{
    explicit Wire(const config::Lan& lan = loopback({{"127.0.0.1", 0}})) : bench{lan}, client{context}
    {
        auto created = UdpServer::create(context, bench.lan, bench.server, bench.log);
        REQUIRE(created.has_value());
        server = std::move(*created);
    }

    void connect(const std::string& address, std::uint16_t port)
    {
        const ip::udp::endpoint to{ip::make_address(address), port};
        client = ip::udp::socket{context, to.protocol()};
        client.connect(to);
        client.non_blocking(true);
    }

    /// Runs the server's loop until the client has a datagram; empty: none within a second of real time.
    Bytes next_reply()
    {
        Bytes buffer(2'000);
        const auto deadline = Clock::now() + 1s;
        while (Clock::now() < deadline)
        {
            context.run_for(5ms);
            boost::system::error_code error;
            const std::size_t size = client.receive(boost::asio::buffer(buffer), 0, error);
            if (!error)
            {
                buffer.resize(size);
                return buffer;
            }
        }
        return {};
    }

    Bench bench;
    boost::asio::io_context context;
    std::unique_ptr<UdpServer> server;
    ip::udp::socket client;
};

} // namespace

TEST_CASE("no child inherits the socket: one that outlives the agent would keep its port")
{
    boost::asio::io_context context;
    for (const std::string address : {"127.0.0.1", "::1"})
    {
        auto socket = UdpSocket::open(context, {address, 0});
        REQUIRE(socket.has_value());
        CHECK((::fcntl(socket->native(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("a ping over IPv4 and IPv6 is answered from the address that was asked")
{
    // The client is connected: an answer from another address would not reach it.
    Wire wire{loopback({{"0.0.0.0", 0}, {"::", 0}})};
    const auto ports = wire.server->ports();
    REQUIRE(ports.size() == 2);
    for (const std::string address : {"127.0.0.1", "127.0.0.2", "127.1.2.3"})
    {
        CAPTURE(address);
        wire.connect(address, ports[0]);
        wire.client.send(boost::asio::buffer(ping));
        CHECK(wire.next_reply().size() == 28);
    }
    wire.connect("::1", ports[1]);
    wire.client.send(boost::asio::buffer(ping));
    CHECK(wire.next_reply().size() == 28);
}

TEST_CASE("a whole session over the wire, with a write of 51,200 bytes in IP fragments")
{
    Wire wire;
    wire.connect("127.0.0.1", wire.server->ports()[0]);
    const auto exchange = [&](const Bytes& request) -> std::optional<Bytes>
    {
        wire.client.send(boost::asio::buffer(request));
        const Bytes reply = wire.next_reply();
        return reply.empty() ? std::nullopt : std::optional{reply};
    };
    Console console{wire.bench};
    REQUIRE(console.take_open_response(exchange(console.open_request())));
    REQUIRE(console.take_rakp2(exchange(console.rakp1())));
    REQUIRE(console.take_rakp4(exchange(console.rakp3())));
    REQUIRE(console.read(exchange(console.request(ipmi::NetFn::app, 0x3B, {4}))).has_value());
    const auto written = console.read(exchange(console.request(ipmi::NetFn::firmware, 0x2C, Bytes(51'200))));
    REQUIRE(written.has_value());
    CHECK(written->code == ipmi::CompletionCode::ok);
    CHECK(wire.bench.writes == 1);
    CHECK(wire.bench.callers.back().max_message == 1400);
}

TEST_CASE("a burst sent with segmentation offload arrives datagram by datagram, the last one shorter")
{
    Wire wire;
    wire.connect("127.0.0.1", wire.server->ports()[0]);
    Bytes burst;
    for (int count = 0; count < 20; ++count)
    {
        burst.insert(burst.end(), ping.begin(), ping.end());
    }
    burst.insert(burst.end(), {1, 2, 3}); // malformed
    const int segment = static_cast<int>(ping.size());
    REQUIRE(setsockopt(wire.client.native_handle(), SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0);
    wire.client.send(boost::asio::buffer(burst));
    int replies = 0;
    while (replies < 20 && wire.next_reply().size() == 28)
    {
        ++replies;
    }
    CHECK(replies == 20);
    CHECK(wire.bench.server.dropped().malformed == 1);
}

TEST_CASE("a burst does not starve a timer")
{
    Wire wire;
    wire.connect("127.0.0.1", wire.server->ports()[0]);
    const Bytes junk(1'000, 0xEE);
    for (int count = 0; count < 200; ++count)
    {
        boost::system::error_code error;
        wire.client.send(boost::asio::buffer(junk), 0, error);
    }
    // A timer that is always due: how often does it get its turn while the burst is worked off?
    std::vector<std::uint64_t> seen;
    boost::asio::steady_timer timer{wire.context};
    std::function<void()> again = [&]
    {
        timer.expires_at(Clock::now());
        timer.async_wait(
            [&](const boost::system::error_code&)
            {
                const std::uint64_t served = wire.bench.server.dropped().malformed;
                if (seen.empty() || seen.back() != served)
                {
                    seen.push_back(served);
                }
                again();
            });
    };
    again();
    wire.context.run_for(50ms);
    CHECK(wire.bench.server.dropped().malformed > 50);
    CHECK(seen.size() > 3);
}

TEST_CASE("the loop keeps the engine's deadlines: an idle session is closed without a further datagram")
{
    config::Lan lan = loopback({{"127.0.0.1", 0}});
    lan.idle_timeout = 0s;
    Wire wire{lan};
    wire.connect("127.0.0.1", wire.server->ports()[0]);
    const auto exchange = [&](const Bytes& request) -> std::optional<Bytes>
    {
        wire.client.send(boost::asio::buffer(request));
        return wire.next_reply();
    };
    Console console{wire.bench};
    REQUIRE(console.take_open_response(exchange(console.open_request())));
    REQUIRE(console.take_rakp2(exchange(console.rakp1())));
    REQUIRE(console.take_rakp4(exchange(console.rakp3())));
    wire.context.run_for(50ms);
    REQUIRE(wire.bench.observer.events.size() == 1);
    CHECK(wire.bench.observer.events[0].why == CloseReason::idle);
}

TEST_CASE("the receive buffer is large, or the log says so")
{
    Wire wire;
    CHECK(wire.server->receive_buffer() > 0);
    CHECK((wire.server->receive_buffer() >= 1 << 20 || wire.bench.log.has("receive buffer is small")));
    CHECK(wire.bench.log.has("Listening"));
}

TEST_CASE("an address that cannot be had is told with address, port, reason and remedy")
{
    Wire wire;
    Bench other{loopback({{"127.0.0.1", wire.server->ports()[0]}})};
    const auto taken = UdpServer::create(wire.context, other.lan, other.server, other.log);
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().text.find("127.0.0.1 port " + std::to_string(wire.server->ports()[0])) != std::string::npos);
    CHECK(taken.error().text.find("in use") != std::string::npos);
    Bench wrong{loopback({{"nowhere", 623}})};
    CHECK_FALSE(UdpServer::create(wire.context, wrong.lan, wrong.server, wrong.log).has_value());
}

TEST_CASE("a stopped server serves no more and leaves the loop nothing to do")
{
    Wire wire;
    wire.connect("127.0.0.1", wire.server->ports()[0]);
    wire.client.send(boost::asio::buffer(ping));
    CHECK(wire.next_reply().size() == 28);
    wire.server->stop();
    wire.context.restart();
    wire.context.run_for(100ms);
    CHECK(wire.context.stopped());
}
