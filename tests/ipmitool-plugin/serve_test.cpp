// `serve`: the client is the server that the BMC fetches from. The BMC is played, the server is not: what the BMC would
// fetch, curl does.
#include "common/sha256.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "tests/ipmitool-plugin/deployed_bmc.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;
using protocol::UpdateState;
using protocol::UriPart;
using Loss = FakeBmc::Loss;

namespace
{

/// None: curl failed.
std::optional<Bytes> curl(const std::string& uri, const std::string& options = "")
{
    std::FILE* pipe = ::popen(("curl -q -s -f -k -m 20 --noproxy '*' " + options + " '" + uri + "'").c_str(), "r");
    REQUIRE(pipe != nullptr);
    Bytes bytes;
    std::array<std::uint8_t, 65536> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    {
        bytes.insert(bytes.end(), buffer.data(), buffer.data() + got);
    }
    return ::pclose(pipe) == 0 ? std::optional{bytes} : std::nullopt;
}

struct Bench
{
    Bench()
    {
        bmc.port_facts.host = "127.0.0.1";
        bmc.capabilities.features.bits |= protocol::feature_uri;
        bmc.capabilities.schemes.bits = protocol::scheme_https | protocol::scheme_http;
        bmc.fetch_uri = [this](const std::string& uri)
        {
            fetched = uri;
            return curl(uri);
        };
        bmc.reason.code = protocol::ReasonCode::connection_failed;
        bmc.reason.phase = UpdateState::download;
        bmc.reason_text = "connection refused";
    }

    Run run(const std::vector<std::string>& arguments)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes");
    }
    Run serve(std::vector<std::string> keywords = {})
    {
        keywords.insert(keywords.begin(), {"serve", file});
        return run(keywords);
    }

    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    std::string fetched;
    Bytes image = make_image(8 * protocol::block_size + 1000);
    std::string file = scratch.write("image.bin", image);
};

int code(ExitCode exit_code)
{
    return static_cast<int>(exit_code);
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("serve: named, pinned, fetched from here by HTTPS, to the verdict; then nothing listens any more")
{
    Bench bench;
    const Run run = bench.serve();
    CHECK(run.code == 0);
    CHECK(has(run.out, "bmc-image: updated"));
    CHECK(has(run.err, "by https at 127.0.0.1 port "));
    CHECK(has(run.err, "to 127.0.0.1"));
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.bmc.count(Command::write_fragment) == 0);
    CHECK(bench.bmc.count(Command::begin_transfer) == 1);
    CHECK(bench.bmc.companions[UriPart::tls_pin].size() == 32);
    CHECK_FALSE(has(run.err, bench.fetched.substr(bench.fetched.rfind('/'))));
    CHECK(bench.fetched.starts_with("https://127.0.0.1:"));
    CHECK_FALSE(curl(bench.fetched));
}

TEST_CASE("install transport serve is the same; without TLS there is no pin")
{
    Bench bench;
    CHECK(bench.run({"install", bench.file, "transport", "serve", "http"}).code == 0);
    CHECK(bench.fetched.starts_with("http://127.0.0.1:"));
    CHECK(bench.bmc.companions.empty());
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.serve().code == code(ExitCode::already_current));
}

TEST_CASE("install never serves by itself")
{
    Bench bench;
    CHECK(bench.run({"install", bench.file}).code == 0);
    CHECK(bench.bmc.fetches == 0);
}

TEST_CASE("JSON has an event with what a firewall has to let through")
{
    Bench bench;
    const Run run = bench.serve({"json"});
    CHECK(run.code == 0);
    const auto lines = run.lines();
    const auto server = std::ranges::find_if(lines, [](const auto& line) { return line["event"] == "server"; });
    REQUIRE(server != lines.end());
    CHECK((*server)["scheme"] == "https");
    CHECK((*server)["address"] == "127.0.0.1");
    CHECK((*server)["from"] == "127.0.0.1");
    CHECK((*server)["certificate_sha256"] == to_hex(bench.bmc.companions[UriPart::tls_pin]));
    CHECK(bench.fetched.find(":" + std::to_string((*server)["port"].get<int>()) + "/") != std::string::npos);
}

TEST_CASE("port and address as told; an IPv6 address goes in brackets")
{
    Bench bench;
    const Run run = bench.serve({"port", "45999", "address", "localhost"});
    if (run.code != code(ExitCode::failed)) // else somebody has this port
    {
        CHECK(run.code == 0);
        CHECK(bench.fetched.starts_with("https://localhost:45999/"));
    }
    Bench other;
    other.bmc.fetch_uri = [&](const std::string& uri)
    {
        other.fetched = uri;
        return std::optional{other.image};
    };
    CHECK(other.serve({"address", "2001:db8::77", "from", "2001:db8::5"}).code == 0);
    CHECK(other.fetched.starts_with("https://[2001:db8::77]:"));
}

TEST_CASE("the BMC can't connect: its reason, and what must be reachable")
{
    Bench bench;
    bench.bmc.fetch_uri = [](const std::string&) { return std::optional<Bytes>{}; };
    const Run run = bench.serve();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "connection refused"));
    CHECK(has(run.err, "Nobody connected to 127.0.0.1 port "));
    CHECK(has(run.err, "'port N'"));
    CHECK(has(run.err, "Nothing has arrived yet. Start again with: "));
    CHECK(has(run.err, "fwupdate resume"));
    CHECK(bench.bmc.session.state == UpdateState::init);
}

TEST_CASE("the BMC comes from another address: said, with the word that helps; that word helps")
{
    Bench bench;
    bench.bmc.fetch_uri = [](const std::string& uri) { return curl(uri, "--interface 127.0.0.3"); };
    const Run run = bench.serve();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "'from 127.0.0.3' serves it"));
    CHECK(bench.serve({"from", "127.0.0.3"}).code == 0);
    CHECK(bench.serve({"from", "any", "force"}).code == 0);
}

TEST_CASE("over a system interface the address is wanted; anyone is served then, and that is said")
{
    Bench bench;
    bench.bmc.port_facts.kind = client::LinkKind::system_interface;
    bench.bmc.port_facts.host.clear();
    bench.bmc.port_facts.max_message = 240;
    const Run without = bench.serve();
    CHECK(without.code == code(ExitCode::usage));
    CHECK(has(without.err, "'address ADDR'"));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
    const Run with = bench.serve({"address", "127.0.0.1"});
    CHECK(with.code == 0);
    CHECK(has(with.err, "to whoever knows the path"));
}

TEST_CASE("what can't be is refused before anything is changed")
{
    Bench bench;
    CHECK(bench.serve({"from", "bmc.example.com"}).code == code(ExitCode::usage));
    CHECK(bench.serve({"port", "0"}).code == code(ExitCode::usage));
    CHECK(bench.serve({"port", "70000"}).code == code(ExitCode::usage));
    CHECK(bench.serve({"transport", "serve"}).code == code(ExitCode::usage));
    CHECK(bench.run({"install", bench.file, "port", "5"}).code == code(ExitCode::usage));
    CHECK(bench.run({"serve"}).code == code(ExitCode::usage));
    CHECK(bench.run({"serve", bench.file + "x"}).code == code(ExitCode::bad_image));
    bench.bmc.capabilities.schemes.bits = protocol::scheme_http;
    CHECK(has(bench.serve().err, "does not fetch by https; it does by http"));
    bench.bmc.capabilities.schemes.bits = 0;
    CHECK(bench.serve().code == code(ExitCode::refused));
    DeployedBmc deployed;
    const Run foreign = run_command({"serve", bench.file}, deployed, bench.world, bench.scratch.path() / "notes");
    CHECK(foreign.code == code(ExitCode::refused));
    CHECK(has(foreign.err, "base profile only"));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
}

TEST_CASE("a BMC without a known address, a port that is taken: said with the words that help")
{
    Bench bench;
    bench.bmc.port_facts.host = "no-such-host.invalid";
    const Run run = bench.serve();
    CHECK(run.code == code(ExitCode::failed));
    CHECK(has(run.err, "'address ADDR'"));
    CHECK(bench.bmc.session.state == UpdateState::init); // left again
}

TEST_CASE("^C ends server and fetch; resume serves again, from another place, and what arrived counts")
{
    Bench bench;
    bench.bmc.fetch_polls = 16;
    bench.bmc.on_command = [&](Command)
    {
        bench.world.interrupt |= bench.bmc.session.done > bench.image.size() / 2;
        return Loss::none;
    };
    const Run run = bench.serve({"from", "any"});
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "What arrived is kept"));
    CHECK(has(run.err, "transport serve from any"));
    CHECK_FALSE(curl(bench.fetched));
    const std::string before = bench.fetched;
    bench.world.interrupt = false;
    bench.bmc.on_command = nullptr;
    const Run resumed = bench.run({"resume"});
    CHECK(resumed.code == 0);
    CHECK(has(resumed.err, "resuming: "));
    CHECK(bench.fetched != before);
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("the client was killed: its server is gone, so the fetch is stopped and begun again from here")
{
    Bench bench;
    bench.bmc.session.state = UpdateState::download;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    bench.bmc.session.transport = protocol::Transport::uri;
    bench.bmc.session.target = 1;
    CHECK(bench.serve().code == 0);
    CHECK(bench.bmc.aborts == 1);
    CHECK(bench.bmc.fetches == 1);
}

TEST_CASE("the session breaks, the agent restarts: the same server goes on")
{
    Bench bench;
    int polls = 0;
    bool restarted = false;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::get_update_session && bench.bmc.fetches == 1 && ++polls == 2)
        {
            bench.bmc.drop_session();
        }
        if (!restarted && bench.bmc.session.done > bench.image.size() / 2)
        {
            restarted = true;
            bench.bmc.restart_agent();
        }
        return Loss::none;
    };
    const Run run = bench.serve();
    CHECK(run.code == 0);
    CHECK(bench.bmc.reopened == 1);
    CHECK(bench.bmc.fetches == 2);
    CHECK(bench.bmc.installed == bench.image);
}
