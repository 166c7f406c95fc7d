#include "bmc-agent/channels/system-interface/vm_protocol.hpp"
#include "bmc-agent/channels/system-interface/vm_server.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <doctest/doctest.h>

#include <array>
#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent;
using namespace fwupdate::agent::system_interface;
using namespace std::chrono_literals;
using Local = boost::asio::local::stream_protocol;

namespace
{

struct Bench
{
    Bench()
    {
        table.add({ipmi::NetFn::app, 0x01, ipmi::Privilege::user,
                   [](ConstBytes, const Caller&, TimePoint) { return answer({0x20}); }});
        settings.listen = directory.path() / "host";
    }

    std::unique_ptr<HostServer> open()
    {
        auto server = listen_for_emulator(context, settings, table, log);
        REQUIRE(server.has_value());
        return std::move(*server);
    }
    Local::socket connect()
    {
        Local::socket socket{context};
        socket.connect((directory.path() / "host").string());
        return socket;
    }
    /// Reads so many bytes while the server runs; fewer: the connection ended.
    std::string read(Local::socket& socket, std::size_t size)
    {
        Bytes bytes(size);
        std::size_t got = 0;
        bool done = false;
        boost::asio::async_read(socket, boost::asio::buffer(bytes),
                                [&](boost::system::error_code, std::size_t count)
                                {
                                    got = count;
                                    done = true;
                                });
        while (!done && context.run_one_for(5s) != 0)
        {
        }
        bytes.resize(got);
        return to_hex(bytes);
    }

    test::TemporaryDirectory directory;
    boost::asio::io_context context;
    config::SystemInterface settings;
    CommandTable table;
    NullLog log;
};

} // namespace

TEST_CASE("a host that connects is greeted and answered; one that comes anew replaces it")
{
    Bench bench;
    const auto server = bench.open();
    Local::socket first = bench.connect();
    CHECK(bench.read(first, 3) == "ff01a1");
    boost::asio::write(first, boost::asio::buffer(*from_hex("001801e7a0")));
    CHECK(bench.read(first, 7) == "001c010020c3a0");
    Local::socket second = bench.connect();
    CHECK(bench.read(second, 3) == "ff01a1");
    CHECK(bench.read(first, 1).empty());
    boost::asio::write(second, boost::asio::buffer(*from_hex("001801e7a0")));
    CHECK(bench.read(second, 7) == "001c010020c3a0");
    server->stop();
    CHECK(bench.read(second, 1).empty());
}

TEST_CASE("a socket that a former agent left is replaced, anything else is not")
{
    Bench bench;
    (void)bench.open();
    const auto again = bench.open(); // the file is still there
    Local::socket host = bench.connect();
    CHECK(bench.read(host, 3) == "ff01a1");

    const std::filesystem::path file = bench.directory.path() / "file";
    std::ofstream{file} << "precious";
    bench.settings.listen = file;
    const auto refused = listen_for_emulator(bench.context, bench.settings, bench.table, bench.log);
    REQUIRE(refused.has_error());
    CHECK(refused.error().text.find(file.string()) != std::string::npos);
    CHECK(std::filesystem::file_size(file) == 8);
}

TEST_CASE("over TCP as well")
{
    Bench bench;
    bench.settings.listen = config::ListenAddress{"127.0.0.1", 0};
    const std::string name = bench.open()->name();
    CHECK(name.starts_with("127.0.0.1:"));
    CHECK(name != "127.0.0.1:0");
}
