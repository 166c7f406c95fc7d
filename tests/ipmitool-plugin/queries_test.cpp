// The commands that change nothing, and the notes.
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/verdict.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;

namespace
{

struct Bench
{
    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;

    Run run(const std::vector<std::string>& arguments, bool csv = false)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes", csv);
    }
};

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("info tells what the BMC can do and who holds the mode")
{
    Bench bench;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_holder_alive;
    bench.bmc.session.state = protocol::UpdateState::download;
    bench.bmc.session.holder.value = "bob\x1B";
    const auto lines = bench.run({"info", "json"}).lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["features"] == nlohmann::json::array({"resume", "fill"}));
    CHECK(lines[0]["lease"] == 60);
    CHECK(lines[1]["holder"] == "bob?");
    CHECK(lines[1]["state"] == "download");
    CHECK(lines[2]["exit_code"] == 0);
    CHECK(has(bench.run({"info"}).out, "Holder                  : bob?"));
}

TEST_CASE("targets by CSV have one line each, in the documented order")
{
    Bench bench;
    bench.bmc.targets.push_back(bench.bmc.targets.front());
    bench.bmc.targets[1].target = 2;
    bench.bmc.targets[1].name.value = "bios, slot 1";
    bench.bmc.targets[1].flags.bits = 0;
    bench.bmc.targets[1].restart = protocol::Restart::host;
    const Run run = bench.run({"targets"}, true);
    CHECK(run.out.starts_with("1,bmc-image,1.0,yes,nothing,no,,,3,"));
    CHECK(has(run.out, "\n2,\"bios, slot 1\",1.0,no,host,no,,,,\n"));
}

TEST_CASE("the log's texts are read whole, and end where it ends")
{
    Bench bench;
    CHECK(bench.run({"log"}).code == 0);
    protocol::GetUpdateLogResponse entry;
    entry.result = protocol::UpdateResult::failed;
    entry.started = 1'700'000'000;
    bench.bmc.log = {entry, entry};
    bench.bmc.log_texts = {"admin: a text of more than one answer", ""};
    const auto lines = bench.run({"log", "json"}).lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["text"] == "admin: a text of more than one answer");
    CHECK(lines[0]["started"] == "2023-11-14T22:13:20Z");
    CHECK(lines[0]["result"] == "failed");
    CHECK(lines[1]["index"] == 1);
}

TEST_CASE("status and log name each transport, the flash blobs too")
{
    using protocol::Transport;
    const std::pair<Transport, std::string> names[] = {
        {Transport::none, "none"},     {Transport::base_stream, "base stream"},
        {Transport::stream, "stream"}, {Transport::usb, "USB"},
        {Transport::uri, "URI"},       {Transport::blobs, "blobs"},
        {Transport::local, "local"},
    };
    for (const auto& [transport, name] : names)
    {
        Bench bench;
        bench.bmc.session.transport = transport;
        CHECK(bench.run({"status", "json"}).lines().front()["transport"] == name);
        CHECK(has(bench.run({"status"}).out, ": " + name + "\n"));
        protocol::GetUpdateLogResponse entry;
        entry.transport = transport;
        bench.bmc.log = {entry};
        bench.bmc.log_texts = {"text"};
        CHECK(bench.run({"log", "json"}).lines().front()["transport"] == name);
    }
}

TEST_CASE("plan tells the BMC's verdict and changes nothing")
{
    Bench bench;
    const std::string file = bench.scratch.write("image", make_image(5000));
    bench.bmc.plan_text = "digest: fine\nspace: fine\x07";
    const Run run = bench.run({"plan", file});
    CHECK(run.code == 0);
    CHECK(has(run.out, "would be accepted\ndigest: fine\nspace: fine?\n"));
    CHECK(bench.bmc.longest_request <= 1400);
    bench.bmc.plan_verdict = protocol::PlanVerdict::already_current;
    CHECK(bench.run({"plan", file}).code == static_cast<int>(ExitCode::already_current));
    bench.bmc.plan_verdict = protocol::PlanVerdict::would_refuse;
    CHECK(bench.run({"plan", file}).code == static_cast<int>(ExitCode::refused));
    CHECK(bench.bmc.count(protocol::Command::enter_update_mode) == 0);
}

TEST_CASE("usage goes to the second stream with the exit code for it")
{
    Bench bench;
    const Run run = bench.run({"install"});
    CHECK(run.code == 2);
    CHECK(run.out.empty());
    CHECK(has(run.err, "the image file is missing"));
    CHECK(has(run.err, "usage: fwupdate install <image>"));
    CHECK(bench.run({}).code == 2);
    const Run help = bench.run({"help"});
    CHECK(help.code == 0);
    CHECK(has(help.out, "Exit codes:"));
    CHECK(help.err.empty());
    CHECK(bench.bmc.seen.empty());
}

TEST_CASE("nobody and nothing are told as such")
{
    Bench bench;
    const Run status = bench.run({"status"});
    CHECK(has(status.out, "Holder                  : none"));
    CHECK(has(status.out, "Lease remaining         : none"));
    CHECK(bench.run({"status", "json"}).lines().front()["holder"].is_null());
    CHECK(bench.run({"log"}).out == "no updates yet\n");
    CHECK(bench.run({"log", "json"}).lines().size() == 1);
    CHECK(bench.run({"log"}, true).out.empty());
}

TEST_CASE("a refused step says what the BMC is at, who holds it and what to do")
{
    Bench bench;
    CHECK(has(bench.run({"exit"}).err, "there is nothing to leave"));
    CHECK(has(bench.run({"complete"}).err, "'fwupdate enter' comes first"));
    CHECK(bench.run({"enter"}).code == 0);
    CHECK(has(bench.run({"enter"}).err, "entered already"));
    CHECK(has(bench.run({"complete"}).err, "the state is 'idle': 'fwupdate write'"));
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_holder_alive;
    bench.bmc.session.holder.value = "bob";
    for (const char* step : {"enter", "complete", "exit"})
    {
        const Run run = bench.run({step});
        CHECK(run.code == static_cast<int>(ExitCode::refused));
        CHECK(has(run.err, "held by user 'bob'"));
        CHECK(has(run.err, "force"));
    }
}

TEST_CASE("abort gives the transfer up and leaves the mode")
{
    Bench bench;
    CHECK(bench.run({"enter"}).code == 0);
    CHECK(bench.run({"enter"}).code == static_cast<int>(ExitCode::refused));
    CHECK(bench.run({"abort"}).code == 0);
    CHECK(bench.bmc.exits == 1);
}

TEST_CASE("notes come back as they were kept; damaged ones count as none")
{
    const ScratchDirectory scratch;
    const client::Notes notes{scratch.path() / "a" / "b"};
    client::Note note;
    note.image = "/images/bmc.bin";
    note.sha256 = Sha256{1, 2, 3};
    note.size = 99;
    note.keywords.target = "bios";
    note.keywords.signature = "/images/bmc.sig";
    note.keywords.no_downgrade = true;
    CHECK_FALSE(notes.find("192.0.2.1"));
    CHECK(notes.keep("192.0.2.1", note));
    CHECK(notes.keep("[2001:db8::1]:6230", note));
    for (const auto& entry : std::filesystem::directory_iterator{scratch.path() / "a" / "b"})
    {
        CHECK(entry.path().extension() == ".json"); // nothing is left beside
        CHECK(entry.status().permissions() ==
              (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    }
    CHECK(notes.find("192.0.2.1") == note);
    CHECK_FALSE(notes.find("192.0.2.2"));
    notes.drop("192.0.2.1");
    CHECK_FALSE(notes.find("192.0.2.1"));
    note.image.clear();
    note.uri = "https://h/a?b";
    note.had_credentials = true;
    note.sha256.reset();
    note.keywords.pin = Sha256{4};
    note.keywords.user = "bob";
    note.keywords.password_file = "/p";
    note.keywords.port = 8443;
    note.keywords.address = "::1";
    note.keywords.from = "any";
    note.keywords.http = true;
    note.keywords.transport = client::Way::serve;
    CHECK(notes.keep("192.0.2.1", note));
    CHECK(notes.find("192.0.2.1") == note);
    client::Note other = note;
    other.uri += "c";
    notes.drop("192.0.2.1", other);
    CHECK(notes.find("192.0.2.1"));
    notes.drop("192.0.2.1", note);
    CHECK_FALSE(notes.find("192.0.2.1"));
    for (const char* text :
         {"", "{", "[]", "{\"image\":1}", "{\"image\":\"a\",\"sha256\":\"00\",\"size\":1}",
          "{\"image\":\"a\",\"size\":1}", "{\"size\":1}", "{\"image\":\"a\",\"uri\":\"b\",\"size\":1}",
          "{\"uri\":\"b\",\"pin\":\"1\",\"size\":1}", "{\"uri\":\"b\",\"port\":\"x\",\"size\":1}"})
    {
        std::ofstream{scratch.path() / "a" / "b" / "bmc_x.json"} << text;
        CHECK_FALSE(notes.find("x"));
    }
    CHECK_FALSE(client::Notes{{}}.keep("x", note));
    CHECK(client::note_directory("/state", "/home/a") == "/state/ipmitool-fwupdate");
    CHECK(client::note_directory("relative", "/home/a") == "/home/a/.local/state/ipmitool-fwupdate");
    CHECK(client::note_directory(nullptr, nullptr).empty());
}

TEST_CASE("the verdict is judged from what is installed, what ran, and what ended")
{
    client::Before before;
    before.image = {1};
    before.installed = Sha256{2};
    before.version = "1";
    before.restart = protocol::Restart::bmc;
    protocol::GetVerdictResponse now;
    now.flags.bits = protocol::verdict_digest_known;
    now.installed_sha256 = {1};
    now.version.value = "2";
    const auto judged = [&]() -> std::optional<ExitCode>
    {
        const auto outcome = client::judge(before, now, "bmc");
        return outcome ? std::optional{outcome->code} : std::nullopt;
    };
    CHECK_FALSE(judged()); // the same boot: not restarted yet
    now.boot_id[0] = 1;
    CHECK(judged() == ExitCode::done);
    now.flags.bits |= protocol::verdict_restart_pending;
    CHECK_FALSE(judged());
    now.flags.bits = protocol::verdict_digest_known;
    now.installed_sha256 = {2};
    CHECK(judged() == ExitCode::accepted); // another update came in between
    now.last_sha256 = {1};
    CHECK(judged() == ExitCode::fell_back);
    now.last_sha256 = {};
    now.installed_sha256 = {3};
    CHECK(judged() == ExitCode::accepted);
    now.last_sha256 = {1};
    now.last_result = protocol::UpdateResult::programmed;
    CHECK(judged() == ExitCode::accepted); // another version with other bytes is no proof
    now.flags.bits |= protocol::verdict_last_installed;
    CHECK(judged() == ExitCode::done); // a part of the image
    now.last_sha256 = {4};
    CHECK(judged() == ExitCode::accepted); // of somebody else's
    now.last_sha256 = {1};
    now.flags.bits = 0;
    CHECK(judged() == ExitCode::done); // another version runs
    now.version.value = "1";
    CHECK(judged() == ExitCode::accepted);
    now.last_result = protocol::UpdateResult::fell_back;
    CHECK(judged() == ExitCode::fell_back);
    now.last_sha256 = {4}; // somebody else's update fell back
    CHECK(judged() == ExitCode::accepted);
    before.restart = protocol::Restart::nothing;
    now = {};
    now.flags.bits = protocol::verdict_digest_known;
    now.installed_sha256 = {1};
    CHECK(judged() == ExitCode::done);
}
