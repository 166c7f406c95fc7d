// The link over a real socket on loopback, with a BMC of the test's own at the other end.
#include "transports/stream/host/lan_link.hpp"

#include "common/random.hpp"
#include "common/rmcpplus/packet.hpp"
#include "tests/common/result_printing.hpp"
#include "tests/transports/contract/scripted_sink.hpp"
#include "tests/transports/stream/image.hpp"
#include "tests/transports/stream/temporary_image.hpp"
#include "transports/stream/bmc/receiver.hpp"
#include "transports/stream/host/stream_image.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

using namespace fwupdate;
using namespace fwupdate::stream;
using namespace fwupdate::test;
using namespace std::chrono_literals;

namespace
{

constexpr std::uint32_t bmc_id = 0x11223344;
constexpr std::uint32_t console_id = 0xA0A1A2A3;

/// Two UDP sockets on loopback, connected to each other.
struct SocketPair
{
    explicit SocketPair(int family = AF_INET)
    {
        console = ::socket(family, SOCK_DGRAM, 0);
        bmc = ::socket(family, SOCK_DGRAM, 0);
        sockaddr_storage first{};
        sockaddr_storage second{};
        bind_loopback(console, family, first);
        bind_loopback(bmc, family, second);
        REQUIRE(::connect(console, reinterpret_cast<sockaddr*>(&second), length(family)) == 0);
        REQUIRE(::connect(bmc, reinterpret_cast<sockaddr*>(&first), length(family)) == 0);
    }
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    ~SocketPair()
    {
        ::close(console);
        ::close(bmc);
    }

    static socklen_t length(int family)
    {
        return family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    }
    static void bind_loopback(int socket, int family, sockaddr_storage& address)
    {
        address.ss_family = static_cast<sa_family_t>(family);
        if (family == AF_INET)
        {
            reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
        else
        {
            reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
        }
        REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), length(family)) == 0);
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    }

    int console;
    int bmc;
};

rmcpplus::SessionCipher make_cipher(RandomSource& random)
{
    const Bytes k1(32, 0x11);
    const Bytes k2(32, 0x22);
    auto cipher = rmcpplus::SessionCipher::create(rmcpplus::IntegrityAlgorithm::hmac_sha256_128,
                                                  rmcpplus::ConfidentialityAlgorithm::aes_cbc_128, k1, k2, random);
    REQUIRE(cipher);
    return std::move(*cipher);
}

/// Reads requests, makes responses; strict, so that a wrong packet of the link fails the test.
class Peer
{
  public:
    explicit Peer(int socket) : socket_{socket}, cipher_{make_cipher(random_)} {}

    /// One request, or none within the time.
    std::optional<rmcpplus::LanRequest> receive(int patience_ms = 1000)
    {
        pollfd waiting{socket_, POLLIN, 0};
        if (::poll(&waiting, 1, patience_ms) <= 0)
        {
            return std::nullopt;
        }
        buffer_.resize(70'000);
        const auto size = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
        REQUIRE(size > 0);
        const MutableBytes datagram = MutableBytes{buffer_}.first(static_cast<std::size_t>(size));
        largest = std::max(largest, datagram.size());
        const auto packet = rmcpplus::parse_rmcp_plus(datagram);
        REQUIRE(packet);
        CHECK(packet->session_id == bmc_id);
        CHECK(packet->encrypted);
        REQUIRE(cipher_.authentic(datagram, *packet));
        sequences.push_back(packet->session_sequence);
        const auto plain = cipher_.decrypt(datagram, *packet);
        REQUIRE(plain);
        const auto request = rmcpplus::parse_lan_request(*plain);
        REQUIRE(request);
        return *request;
    }

    Bytes response_packet(const rmcpplus::LanRequest& request, ipmi::CompletionCode code, ConstBytes data,
                          std::uint32_t session = console_id)
    {
        rmcpplus::LanResponse response = rmcpplus::response_to(request);
        response.completion_code = code;
        response.data = data;
        const Bytes message = rmcpplus::build_lan_response(response);
        Bytes packet(cipher_.sealed_size(message.size()));
        packet.resize(*cipher_.seal({session, ++sequence_}, message, packet));
        return packet;
    }
    void respond(const rmcpplus::LanRequest& request, ipmi::CompletionCode code, ConstBytes data)
    {
        send(response_packet(request, code, data));
    }
    void send(ConstBytes packet) const
    {
        REQUIRE(::send(socket_, packet.data(), packet.size(), 0) == static_cast<ssize_t>(packet.size()));
    }
    rmcpplus::SessionCipher& cipher()
    {
        return cipher_;
    }

    std::vector<std::uint32_t> sequences;
    std::size_t largest{};

  private:
    int socket_;
    SystemRandom random_;
    rmcpplus::SessionCipher cipher_;
    std::uint32_t sequence_{};
    Bytes buffer_;
};

struct Bench
{
    explicit Bench(int family = AF_INET) : sockets{family}, peer{sockets.bmc} {}

    LanLink link(std::uint32_t next_sequence = 5)
    {
        LanSession session;
        session.descriptor = sockets.console;
        session.bmc_session_id = bmc_id;
        session.console_session_id = console_id;
        session.next_sequence = next_sequence;
        auto opened = LanLink::open(session, make_cipher(random));
        REQUIRE(opened);
        return std::move(*opened);
    }

    SystemRandom random;
    SocketPair sockets;
    Peer peer;
};

int option(int socket, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket, level, name, &value, &size) == 0);
    return value;
}

/// A machine may have no IPv6.
bool has_loopback(int family)
{
    const int probe = ::socket(family, SOCK_DGRAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    const bool works =
        family == AF_INET || (probe >= 0 && ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(probe);
    return works;
}

std::vector<ipmi::Response> wait_for(LanLink& link, Duration patience = 1s)
{
    std::vector<ipmi::Response> responses;
    const TimePoint deadline = link.now() + patience;
    while (responses.empty() && link.now() < deadline)
    {
        REQUIRE(link.wait(deadline, responses));
    }
    return responses;
}

} // namespace

TEST_CASE("Messages arrive sealed, in order, with ascending session numbers, 0 left out")
{
    for (const bool segments : {true, false})
    {
        CAPTURE(segments);
        Bench bench;
        LanLink link = bench.link(0xFFFF'FFFE);
        if (!segments)
        {
            link.socket().disable_segmentation();
        }
        std::vector<Bytes> messages;
        Random random{1};
        for (const std::size_t size : {1400U, 1400U, 1400U, 312U, 1400U, 20U, 20U, 21U, 1U, 0U, 1400U, 9U, 10U})
        {
            messages.push_back(random_image(size, random.next()));
        }
        const std::vector<ConstBytes> views{messages.begin(), messages.end()};
        REQUIRE(link.send(views));
        std::set<std::uint8_t> requester_sequences;
        for (const Bytes& message : messages)
        {
            const auto request = bench.peer.receive();
            REQUIRE(request);
            CHECK(request->net_fn == ipmi::NetFn::firmware);
            CHECK(request->command == 0x45);
            CHECK(request->responder_address == 0x20);
            CHECK(request->requester_address == 0x81);
            CHECK(request->requester_sequence >= 32);
            CHECK(request->requester_sequence < 48);
            requester_sequences.insert(request->requester_sequence);
            CHECK(std::ranges::equal(request->data, message));
        }
        CHECK(requester_sequences.size() == messages.size());
        CHECK(bench.peer.sequences[0] == 0xFFFF'FFFE);
        CHECK(bench.peer.sequences[1] == 0xFFFF'FFFF);
        CHECK(bench.peer.sequences[2] == 1);
        CHECK(bench.peer.sequences[12] == 11);
        CHECK(link.next_sequence() == 12);
        CHECK(bench.peer.largest <= 1472); // UDP payload of an MTU of 1500
    }
}

TEST_CASE("A large batch of equal messages arrives whole")
{
    Bench bench;
    LanLink link = bench.link();
    const Bytes message = random_image(1396, 4);
    const std::vector<ConstBytes> views(64, ConstBytes{message});
    REQUIRE(link.send(views));
    for (int at = 0; at < 64; ++at)
    {
        const auto request = bench.peer.receive();
        REQUIRE(request);
        CHECK(std::ranges::equal(request->data, message));
    }
}

TEST_CASE("Only whole answers of this session to this command count")
{
    Bench bench;
    LanLink link = bench.link();
    const Bytes message{1, 2, 3};
    const std::array<ConstBytes, 1> views{ConstBytes{message}};
    REQUIRE(link.send(views));
    const auto request = *bench.peer.receive();
    const Bytes data{0xAA, 0xBB};
    const auto ok = ipmi::CompletionCode::ok;

    const Bytes good = bench.peer.response_packet(request, ok, data);
    bench.peer.send(good);
    const auto first = wait_for(link);
    REQUIRE(first.size() == 1);
    CHECK(first[0] == ipmi::Response{ok, data});

    bench.peer.send(good); // a replay
    auto other = request;
    other.command = 0x2C;
    bench.peer.respond(other, ok, data);
    other = request;
    other.net_fn = ipmi::NetFn::app;
    bench.peer.respond(other, ok, data);
    other = request;
    other.requester_sequence = 3; // ipmitool's own
    bench.peer.respond(other, ok, data);
    other.requester_sequence = 48;
    bench.peer.respond(other, ok, data);
    other = request;
    other.responder_address = 0x82;
    bench.peer.respond(other, ok, data);
    bench.peer.send(bench.peer.response_packet(request, ok, data, console_id + 1));
    for (std::size_t at = 0; at < good.size(); at += 3)
    {
        Bytes flipped = bench.peer.response_packet(request, ok, data);
        flipped[at] ^= 0x04;
        bench.peer.send(flipped);
    }
    for (std::size_t length = 1; length < good.size(); length += 5)
    {
        bench.peer.send(ConstBytes{good}.first(length));
    }
    bench.peer.send(rmcpplus::build_sessionless(rmcpplus::PayloadType::ipmi_message, data));
    bench.peer.send(Bytes(3000, 0x06));

    const Bytes last{0xCC};
    bench.peer.respond(request, ipmi::CompletionCode::node_busy, last);
    const auto second = wait_for(link);
    REQUIRE(second.size() == 1);
    CHECK(second[0] == ipmi::Response{ipmi::CompletionCode::node_busy, last});
    CHECK(link.ignored() > 20);
}

TEST_CASE("Waiting ends at the deadline; one in the past does not wait")
{
    Bench bench;
    LanLink link = bench.link();
    std::vector<ipmi::Response> responses;
    const TimePoint start = link.now();
    REQUIRE(link.wait(start - 1s, responses));
    REQUIRE(link.wait(start + 2ms, responses));
    CHECK(link.now() >= start + 2ms);
    CHECK(responses.empty());
}

TEST_CASE("No IP fragments while it streams; afterwards the socket is as before")
{
    for (const int family : {AF_INET, AF_INET6})
    {
        CAPTURE(family);
        if (!has_loopback(family))
        {
            continue;
        }
        Bench bench{family};
        const int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
        const int name = family == AF_INET ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER;
        const int socket = bench.sockets.console;
        const int discover = option(socket, level, name);
        const int send_buffer = option(socket, SOL_SOCKET, SO_SNDBUF);
        const int receive_buffer = option(socket, SOL_SOCKET, SO_RCVBUF);
        {
            LanLink link = bench.link();
            CHECK(option(socket, level, name) == (family == AF_INET ? IP_PMTUDISC_DO : IPV6_PMTUDISC_DO));
            CHECK(option(socket, SOL_SOCKET, SO_RCVBUF) >= receive_buffer);
            REQUIRE(link.largest_message());
            CHECK(*link.largest_message() == protocol::largest_lan_message); // loopback takes far more

            const Bytes message = random_image(65'400, 1); // no datagram of loopback's MTU
            const std::array<ConstBytes, 1> views{ConstBytes{message}};
            if (option(socket, level, family == AF_INET ? IP_MTU : IPV6_MTU) < 65'536)
            {
                CHECK(link.send(views).error().kind == ErrorKind::length);
            }
            const Bytes small{1};
            const std::array<ConstBytes, 1> small_views{ConstBytes{small}};
            REQUIRE(link.send(small_views));
            CHECK(bench.peer.receive());
        }
        CHECK(option(socket, level, name) == discover);
        CHECK(option(socket, SOL_SOCKET, SO_SNDBUF) == send_buffer);
        CHECK(option(socket, SOL_SOCKET, SO_RCVBUF) == receive_buffer);
    }
}

TEST_CASE("A BMC that is gone is silence, not an error")
{
    Bench bench;
    LanLink link = bench.link();
    ::shutdown(bench.sockets.bmc, SHUT_RDWR);
    const int spare = ::dup(bench.sockets.console);
    ::close(bench.sockets.bmc);
    bench.sockets.bmc = spare;
    const Bytes message(100, 1);
    const std::vector<ConstBytes> views(10, ConstBytes{message});
    std::vector<ipmi::Response> responses;
    for (int round = 0; round < 5; ++round)
    {
        REQUIRE(link.send(views));
        REQUIRE(link.wait(link.now() + 2ms, responses));
    }
    CHECK(responses.empty());
}

TEST_CASE("What cannot be opened says why")
{
    Bench bench;
    LanSession session;
    session.descriptor = -1;
    CHECK(LanLink::open(session, make_cipher(bench.random)).error().kind == ErrorKind::input_output);
    session.descriptor = bench.sockets.console;
    session.first_requester_sequence = 60;
    CHECK(LanLink::open(session, make_cipher(bench.random)).error().kind == ErrorKind::out_of_range);
    session.requester_sequences = 0;
    CHECK(LanLink::open(session, make_cipher(bench.random)).error().kind == ErrorKind::out_of_range);
}

TEST_CASE("Draining leaves nothing behind for the session's owner")
{
    Bench bench;
    LanLink link = bench.link();
    const Bytes message{1};
    const std::array<ConstBytes, 1> views{ConstBytes{message}};
    REQUIRE(link.send(views));
    const auto request = *bench.peer.receive();
    for (int at = 0; at < 5; ++at)
    {
        bench.peer.respond(request, ipmi::CompletionCode::ok, message);
    }
    link.drain(5ms, link.now() + 1s);
    std::uint8_t byte = 0;
    CHECK(::recv(bench.sockets.console, &byte, 1, MSG_DONTWAIT) < 0);
}

TEST_CASE("A whole image over loopback")
{
    Bench bench;
    const Bytes image = random_image(6'000'001, 2);
    const TemporaryImage file{image};
    ScriptedSink sink{image.size()};
    const auto geometry = *Geometry::make(image.size(), 1388);
    std::atomic<bool> done{false};
    std::thread bmc{[&]
                    {
                        StreamReceiver receiver{geometry, 16, sink};
                        while (!done)
                        {
                            const auto request = bench.peer.receive(50);
                            if (!request)
                            {
                                continue;
                            }
                            const auto fragment = codec::decode_request<protocol::WriteFragmentRequest>(request->data);
                            const auto outcome = receiver.on_fragment(*fragment, false);
                            if (outcome && outcome->acknowledgement)
                            {
                                bench.peer.respond(*request, ipmi::CompletionCode::ok,
                                                   codec::encode(outcome->acknowledgement->response(7)));
                            }
                        }
                    }};
    LanLink link = bench.link();
    auto reader = *ImageReader::open(file.path());
    SenderOptions options;
    options.window = 128;
    options.window_blocks = 16;
    StreamSender sender{geometry, {}, options, link.now()};
    const auto outcome = stream_image(reader, 7, sender, link, {});
    done = true;
    bmc.join();
    CHECK(outcome.end == StreamEnd::complete);
    CHECK(sink.image() == image);
}
