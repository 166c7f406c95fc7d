// The file server over real sockets on the loopback address, with curl and with peers that misbehave.
#include "common/sha256.hpp"
#include "tests/common/result_printing.hpp"
#include "transports/network/host/certificate.hpp"
#include "transports/network/host/file_answer.hpp"
#include "transports/network/host/file_server.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace fwupdate;
using namespace fwupdate::network;
using namespace std::chrono_literals;

namespace
{

Bytes make_file(std::size_t size)
{
    Bytes bytes(size);
    std::uint32_t state = 1;
    for (std::uint8_t& byte : bytes)
    {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

/// What a command says, and its exit status.
struct Said
{
    std::string text;
    int status{};
};

Said run(const std::string& command)
{
    Said said;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 65536> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    {
        said.text.append(buffer.data(), got);
    }
    said.status = WEXITSTATUS(::pclose(pipe));
    return said;
}

struct Bench
{
    explicit Bench(bool tls, std::optional<std::string> peer = "127.0.0.1", ServerLimits limits = {},
                   std::string address = "127.0.0.1")
    {
        auto started =
            FileServer::start({std::move(address), 0, std::move(peer), tls, limits}, {file.size(), digest, reader()});
        REQUIRE(started);
        server = std::move(*started);
        url = (tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server->port()) + server->path();
    }

    std::function<Result<Bytes>(std::uint64_t, std::size_t)> reader() const
    {
        return [this](std::uint64_t offset, std::size_t count) -> Result<Bytes>
        {
            if (offset >= readable)
            {
                return fail(ErrorKind::input_output, "the disk is gone");
            }
            const auto begin = file.begin() + static_cast<std::ptrdiff_t>(offset);
            return Bytes(begin,
                         begin + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(count, file.size() - offset)));
        };
    }

    [[nodiscard]] Said curl(const std::string& options, const std::string& suffix = "") const
    {
        return run("curl -q -s -S -k -m 20 --noproxy '*' " + options + " '" + url + suffix + "' 2>&1");
    }
    [[nodiscard]] std::string status(const std::string& options, const std::string& suffix = "") const
    {
        return curl("-o /dev/null -w '%{http_code} %{size_download}' " + options, suffix).text;
    }

    Bytes file = make_file(3'000'017);
    Sha256 digest = sha256(file);
    std::atomic<std::uint64_t> readable = file.size(); ///< the server reads on its own thread
    std::unique_ptr<FileServer> server;
    std::string url;
};

/// A peer made by hand.
class Peer
{
  public:
    explicit Peer(std::uint16_t port, const char* from = "127.0.0.1") : descriptor_{::socket(AF_INET, SOCK_STREAM, 0)}
    {
        // A small receive buffer: what isn't read soon blocks the other end.
        const int small = 4096;
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        sockaddr_in own = address(from, 0);
        REQUIRE(::bind(descriptor_, reinterpret_cast<sockaddr*>(&own), sizeof(own)) == 0);
        sockaddr_in to = address("127.0.0.1", port);
        REQUIRE(::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer()
    {
        ::close(descriptor_);
    }

    bool send(const std::string& text) const
    {
        return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }

    /// What comes until `enough` bytes are there, the other end closes, or nothing comes for `patience`. `closed`: it
    /// did.
    std::string receive(std::chrono::milliseconds patience, std::size_t enough = SIZE_MAX)
    {
        std::string text;
        std::array<char, 4096> buffer{};
        pollfd waiting{descriptor_, POLLIN, 0};
        while (text.size() < enough && ::poll(&waiting, 1, static_cast<int>(patience.count())) == 1)
        {
            const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
            closed = got <= 0;
            if (closed)
            {
                break;
            }
            text.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return text;
    }

    bool closed{false};

  private:
    static sockaddr_in address(const char* text, std::uint16_t port)
    {
        sockaddr_in made{};
        made.sin_family = AF_INET;
        made.sin_port = htons(port);
        ::inet_pton(AF_INET, text, &made.sin_addr);
        return made;
    }

    int descriptor_;
};

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("curl gets the whole file, by HTTPS and by HTTP")
{
    for (const bool tls : {true, false})
    {
        const Bench bench{tls};
        const Said said = bench.curl("");
        CHECK(said.status == 0);
        CHECK(sha256(as_bytes(said.text)) == bench.digest);
        CHECK(bench.server->pin().has_value() == tls);
        CHECK(bench.server->report().connections == 1);
        CHECK(bench.server->report().sent == bench.file.size());
        CHECK(bench.server->path().size() == 33);
    }
}

TEST_CASE("the pin is the SHA-256 of the certificate that is shown; every server has its own")
{
    const Bench bench{true};
    const std::string at = "127.0.0.1:" + std::to_string(bench.server->port());
    const Said said = run("openssl s_client -connect " + at +
                          " </dev/null 2>/dev/null | openssl x509 -outform DER | openssl dgst -sha256 -hex");
    CHECK(has(said.text, to_hex(*bench.server->pin())));
    const Said shown = run("openssl s_client -connect " + at + " </dev/null 2>/dev/null | openssl x509 -noout -text");
    CHECK(has(shown.text, "P-256"));
    CHECK(has(shown.text, "ecdsa-with-SHA256"));
    const Bench other{true};
    CHECK(*other.server->pin() != *bench.server->pin());
    CHECK(other.server->path() != bench.server->path());
    CHECK(run("curl -q -s -m 20 --noproxy '*' " + bench.url).status == 60); // nobody's authority has signed it
    CHECK(run("openssl s_client -tls1_1 -connect " + at + " </dev/null 2>&1").status != 0);
}

TEST_CASE("ranges, HEAD, and what is refused")
{
    for (const bool tls : {true, false})
    {
        const Bench bench{tls};
        const std::string tag = etag_of(bench.digest);
        const Said part = bench.curl("-r 1000000-");
        CHECK(part.text == as_text(ConstBytes{bench.file}.subspan(1000000)));
        CHECK(bench.status("-r 5-9") == "206 5");
        CHECK(bench.status("-r 5-9 -H 'If-Range: " + tag + "'") == "206 5");
        CHECK(bench.status("-r 5-9 -H 'If-Range: \"else\"'") == "200 3000017");
        CHECK(bench.status("-r 5-9,20-29") == "200 3000017");
        CHECK(bench.status("-H 'Range: bytes=5-9' -H 'Range: bytes=6-9'") == "200 3000017");
        CHECK(bench.status("-r 3000017-") == "416 0");
        CHECK(bench.status("-r -1") == "206 1");
        CHECK(bench.status("", "x") == "404 0");
        CHECK(bench.status("-X POST") == "405 0");
        CHECK(bench.status("-d secret") == "405 0");
        CHECK(bench.status("-X DELETE", "/x") == "404 0");
        const Said head = bench.curl("-I");
        CHECK(has(head.text, "200 OK"));
        CHECK(has(head.text, "Content-Length: 3000017"));
        CHECK(has(head.text, "Accept-Ranges: bytes"));
        CHECK(has(head.text, "ETag: " + tag));
        CHECK(has(bench.curl("-I -X POST").text, "Allow: GET, HEAD"));
    }
}

TEST_CASE("one connection carries request after request")
{
    const Bench bench{true};
    const Said said =
        run("curl -q -s -k -m 20 --noproxy '*' -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects}' " +
            bench.url + " " + bench.url + "x " + bench.url);
    CHECK(said.text == "100");
    CHECK(bench.server->report().connections == 1);
}

TEST_CASE("a broken download goes on where it broke")
{
    const Bench bench{false};
    Bytes got;
    {
        Peer peer{bench.server->port()};
        REQUIRE(peer.send("GET " + bench.server->path() + " HTTP/1.1\r\nHost: x\r\n\r\n"));
        const std::string text = peer.receive(5s, 100000);
        const std::size_t head = text.find("\r\n\r\n") + 4;
        got.assign(text.begin() + static_cast<std::ptrdiff_t>(head), text.end());
    }
    const Said rest = bench.curl("-r " + std::to_string(got.size()) + "- -H 'If-Range: " + etag_of(bench.digest) + "'");
    got.insert(got.end(), rest.text.begin(), rest.text.end());
    CHECK(sha256(got) == bench.digest);
}

TEST_CASE("another peer is not served, and known afterwards")
{
    const Bench bench{false};
    Peer peer{bench.server->port(), "127.0.0.2"};
    static_cast<void>(peer.send("GET " + bench.server->path() + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(peer.receive(5s).empty());
    CHECK(peer.closed);
    CHECK(bench.server->report().refused == 1);
    CHECK(bench.server->report().last_refused == "127.0.0.2");
    CHECK(bench.server->report().connections == 0);
    CHECK(bench.status("") == "200 3000017");
}

TEST_CASE("anyone is served where that is wanted; an IPv4 peer is the same over an IPv6 socket")
{
    const Bench anyone{false, std::nullopt};
    Peer peer{anyone.server->port(), "127.0.0.2"};
    REQUIRE(peer.send("HEAD " + anyone.server->path() + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    CHECK(has(peer.receive(5s), "200 OK"));

    // An address that is not this machine's, as behind NAT, and a name: it listens everywhere.
    for (const char* address : {"192.0.2.77", "update.example.com"})
    {
        const Bench mapped{true, "127.0.0.1", {}, address};
        CHECK(mapped.status("") == "200 3000017");
    }
}

TEST_CASE("what is no request is told so; a flood of fields is cut off")
{
    const Bench bench{false};
    Peer nonsense{bench.server->port()};
    REQUIRE(nonsense.send("\x16\x03\x01 hello\r\n\r\n"));
    CHECK(has(nonsense.receive(5s), "400 Bad Request"));
    CHECK(nonsense.closed);

    Peer flood{bench.server->port()};
    static_cast<void>(flood.send("GET " + bench.server->path() + " HTTP/1.1\r\n"));
    bool sent = true;
    for (int line = 0; line < 10000 && sent; ++line)
    {
        sent = flood.send("X-Flood-" + std::to_string(line) + ": aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    }
    const std::string answer = flood.receive(5s);
    CHECK((flood.closed || has(answer, "431")));
    CHECK_FALSE(has(answer, "200 OK"));

    Peer endless{bench.server->port()};
    static_cast<void>(endless.send("GET /" + std::string(20000, 'a')));
    static_cast<void>(endless.receive(5s));
    CHECK(endless.closed);
    CHECK(bench.status("") == "200 3000017");
}

TEST_CASE("a peer without a handshake, a request that never ends, a reader that never reads: each ends in time")
{
    ServerLimits limits;
    limits.head = 300ms;
    limits.stall = 300ms;
    const Bench tls{true, "127.0.0.1", limits};
    Peer silent{tls.server->port()};
    CHECK(silent.receive(5s).empty());
    CHECK(silent.closed);
    // The time-out closes the connection first, and tells the server then.
    for (const auto seen = Clock::now(); tls.server->report().failed_handshakes == 0 && Clock::now() - seen < 5s;)
    {
        std::this_thread::sleep_for(1ms);
    }
    CHECK(tls.server->report().failed_handshakes == 1);

    const Bench plain{false, "127.0.0.1", limits};
    Peer drip{plain.server->port()};
    const auto begun = Clock::now();
    while (!drip.closed && Clock::now() - begun < 10s)
    {
        static_cast<void>(drip.send("G"));
        static_cast<void>(drip.receive(50ms));
    }
    CHECK(drip.closed);

    Peer idle{plain.server->port()};
    REQUIRE(idle.send("GET " + plain.server->path() + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    std::this_thread::sleep_for(1500ms);
    const std::string late = idle.receive(5s);
    CHECK(idle.closed);
    CHECK(late.size() < plain.file.size());
}

TEST_CASE("only so many connections at a time; when they end there is room again")
{
    ServerLimits limits;
    limits.connections = 2;
    limits.head = 1s;
    const Bench bench{false, "127.0.0.1", limits};
    Peer one{bench.server->port()};
    Peer two{bench.server->port()};
    Peer three{bench.server->port()};
    CHECK(three.receive(500ms).empty());
    CHECK(three.closed);
    static_cast<void>(one.receive(5s));
    static_cast<void>(two.receive(5s));
    CHECK(bench.status("") == "200 3000017");
}

TEST_CASE("a file that can't be read any more is cut short, and the reason is kept")
{
    Bench bench{false};
    bench.readable = 1'000'000;
    CHECK(bench.curl("-o /dev/null").status == 18); // curl: transferred a partial file
    CHECK(bench.server->report().failure == "the disk is gone");
}

TEST_CASE("a server can end in the midst of everything")
{
    for (const bool tls : {true, false})
    {
        auto bench = std::make_unique<Bench>(tls);
        Peer silent{bench->server->port()};
        Peer reading{bench->server->port()};
        static_cast<void>(reading.send("GET " + bench->server->path() + " HTTP/1.1\r\nHost: x\r\n\r\n"));
        static_cast<void>(reading.receive(tls ? 100ms : 5000ms, 1000));
        bench->server.reset();
        static_cast<void>(reading.receive(5s));
        CHECK(reading.closed);
    }
}

TEST_CASE("no signal is delivered to the server's thread")
{
    // Blocked in this thread, a signal for the process could only go to the server's; it must stay pending.
    sigset_t one;
    sigset_t before;
    ::sigemptyset(&one);
    ::sigaddset(&one, SIGUSR1);
    const Bench bench{false};
    ::pthread_sigmask(SIG_BLOCK, &one, &before);
    ::kill(::getpid(), SIGUSR1);
    std::this_thread::sleep_for(100ms);
    sigset_t pending;
    ::sigpending(&pending);
    CHECK(::sigismember(&pending, SIGUSR1) == 1);
    const timespec at_once{};
    CHECK(::sigtimedwait(&one, nullptr, &at_once) == SIGUSR1);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("what can't be listened on is told with address and port")
{
    const Bench bench{false};
    const auto again = FileServer::start({"127.0.0.1", bench.server->port(), {}, false, {}}, {1, {}, bench.reader()});
    REQUIRE_FALSE(again);
    CHECK(has(again.error().text, "127.0.0.1 port " + std::to_string(bench.server->port())));
    const auto peer = FileServer::start({"127.0.0.1", 0, "bmc.example.com", false, {}}, {1, {}, bench.reader()});
    REQUIRE_FALSE(peer);
    CHECK(peer.error().kind == ErrorKind::invalid_field);
}
