// The shell of the character devices, over a socket that keeps the bounds of messages as they do.
#include "bmc-agent/channels/system-interface/host_device.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::system_interface;
using namespace std::chrono_literals;

namespace
{

class Lines final : public Log
{
  public:
    std::vector<std::string> lines;

  private:
    void write(Level /*level*/, std::string_view sentence, std::span<const Pair> pairs) override
    {
        lines.push_back(format_event(sentence, pairs));
    }
};

/// The host's end of one opened device.
class Host
{
  public:
    explicit Host(int descriptor) : descriptor_{descriptor} {}
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host()
    {
        ::close(descriptor_);
    }

    bool ask(const Bytes& message)
    {
        return ::send(descriptor_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
    }
    /// One whole message, if there is one.
    std::optional<std::string> answer()
    {
        Bytes bytes(4096);
        const ssize_t size = ::recv(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return size < 0 ? std::nullopt : std::optional{to_hex(bytes)};
    }

  private:
    int descriptor_;
};

struct Bench
{
    explicit Bench(config::HostType type = config::HostType::kcs)
    {
        table.add({ipmi::NetFn::app, 0x01, ipmi::Privilege::user, [](ConstBytes data, const Caller&, TimePoint) {
                       return answer(Bytes{data.begin(), data.end()});
                   }});
        settings.type = type;
        settings.device = "/dev/ipmi-test";
    }

    std::unique_ptr<HostServer> serve()
    {
        return serve_host_device(context, settings, table, log,
                                 [this](const std::filesystem::path&) { return open(); });
    }
    Result<int> open()
    {
        ++opened;
        if (missing)
        {
            return fail(ErrorKind::input_output, "No such file or directory");
        }
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()) == 0);
        host = std::make_unique<Host>(ends[1]);
        return ends[0];
    }
    /// Runs until `done`, at most some seconds.
    template <class Condition> bool until(Condition done)
    {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!done() && std::chrono::steady_clock::now() < end)
        {
            context.run_one_for(10s);
            context.restart();
        }
        return done();
    }
    std::string exchange(const Bytes& message)
    {
        REQUIRE(host->ask(message));
        std::optional<std::string> got;
        (void)until(
            [&]
            {
                got = got ? got : host->answer();
                return got.has_value();
            });
        return got.value_or("nothing");
    }

    boost::asio::io_context context;
    config::SystemInterface settings;
    CommandTable table;
    Lines log;
    bool missing{false};
    int opened{0};
    std::unique_ptr<Host> host;
};

} // namespace

TEST_CASE("one read is a request, one write its response")
{
    Bench kcs;
    const auto server = kcs.serve();
    CHECK(server->name() == "/dev/ipmi-test");
    CHECK(kcs.exchange({0x18, 0x01}) == "1c0100");
    CHECK(kcs.exchange({0x18, 0x01, 0xAB}) == "1c0100ab");
    REQUIRE(kcs.host->ask({0x18, 0x01, 0x01}));
    REQUIRE(kcs.host->ask({0x18, 0x01, 0x02})); // the bounds are kept
    std::vector<std::string> answers;
    CHECK(kcs.until(
        [&]
        {
            if (auto one = kcs.host->answer())
            {
                answers.push_back(*one);
            }
            return answers.size() == 2;
        }));
    CHECK(answers == std::vector<std::string>{"1c010001", "1c010002"});

    Bench bt{config::HostType::bt};
    const auto other = bt.serve();
    CHECK(bt.exchange({0x04, 0x18, 0x09, 0x01, 0xAB}) == "051c090100ab");
}

TEST_CASE("what is no message is not answered, the next one is")
{
    Bench kcs;
    const auto server = kcs.serve();
    REQUIRE(kcs.host->ask({0x18}));
    CHECK(kcs.exchange({0x18, 0x01}) == "1c0100");
    Bench bt{config::HostType::bt};
    const auto other = bt.serve();
    REQUIRE(bt.host->ask({0x05, 0x18, 0x09, 0x01, 0xAB}));
    CHECK(bt.exchange({0x03, 0x18, 0x0A, 0x01}) == "041c0a0100");
    CHECK(bt.opened == 1);
}

TEST_CASE("a device that is not there yet is served once it comes, and again after it went away")
{
    Bench bench;
    bench.missing = true;
    const auto server = bench.serve();
    CHECK(bench.until([&] { return bench.opened >= 3; }));
    bench.missing = false;
    CHECK(bench.until([&] { return bench.host != nullptr; }));
    CHECK(bench.exchange({0x18, 0x01}) == "1c0100");
    const int before = bench.opened;
    bench.host.reset();
    CHECK(bench.until([&] { return bench.opened > before; }));
    CHECK(bench.exchange({0x18, 0x01}) == "1c0100");
    const std::string tried = "Host's device can't be used; it is tried again every few seconds "
                              "device=\"/dev/ipmi-test\" reason=\"";
    CHECK(bench.log.lines == std::vector<std::string>{tried + "No such file or directory\"",
                                                      "Host's device opened device=\"/dev/ipmi-test\"",
                                                      "Host's device serves again device=\"/dev/ipmi-test\"",
                                                      tried + "the device is gone\"",
                                                      "Host's device serves again device=\"/dev/ipmi-test\""});
}

TEST_CASE("a host that takes no BT response stops nothing: the newest response is the one it gets")
{
    Bench bench{config::HostType::bt};
    const auto server = bench.serve();
    const Bytes padding(200, 0x55);
    std::uint8_t sequence = 0;
    const auto ask = [&]
    {
        Bytes message{0xCB, 0x18, sequence, 0x01};
        message.insert(message.end(), padding.begin(), padding.end());
        if (bench.host->ask(message))
        {
            ++sequence;
        }
        bench.context.run_for(1ms);
        bench.context.restart();
    };
    // Until the responses fill the way back: 250 of them are more than the least buffer of a socket.
    while (sequence < 250)
    {
        ask();
    }
    std::string last;
    std::size_t count = 0;
    CHECK(bench.until(
        [&]
        {
            while (auto one = bench.host->answer())
            {
                last = *one;
                ++count;
            }
            bench.context.poll();
            bench.context.restart();
            return last.starts_with("cc1cf90100");
        }));
    CHECK(count < 250);
}

TEST_CASE("after stop nothing is served and nothing opened")
{
    Bench bench;
    auto server = bench.serve();
    CHECK(bench.exchange({0x18, 0x01}) == "1c0100");
    server->stop();
    server.reset();
    CHECK_FALSE(bench.host->ask({0x18, 0x01})); // closed
    bench.context.run_for(200ms);
    CHECK(bench.opened == 1);
}

TEST_CASE("what is no character device is not opened")
{
    const test::TemporaryDirectory directory;
    const std::filesystem::path file = directory.path() / "file";
    CHECK(open_device(file).error().text == "No such file or directory");
    std::ofstream{file} << "x";
    CHECK(open_device(file).error().text == "it is not a character device");
    const auto null = open_device("/dev/null");
    REQUIRE(null.has_value());
    ::close(*null);
}
