// A detached signature on its way beside the image (4Eh).
#include "common/package/signature/cms.hpp"
#include "common/sha256.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/signature.hpp"
#include "tests/common/result_printing.hpp"
#include "tests/ipmitool-plugin/deployed_bmc.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;
using protocol::UpdateState;
using Loss = FakeBmc::Loss;

namespace
{

/// Bytes with DER's head for a sequence of that length in all.
Bytes make_signature(std::size_t size)
{
    Bytes bytes = make_image(size, 3);
    bytes[0] = 0x30;
    bytes[1] = 0x82;
    bytes[2] = static_cast<std::uint8_t>((size - 4) >> 8);
    bytes[3] = static_cast<std::uint8_t>(size - 4);
    return bytes;
}

struct Bench
{
    Bench()
    {
        bmc.capabilities.features.bits |= protocol::feature_signature | protocol::feature_uri;
        bmc.capabilities.schemes.bits = protocol::scheme_https;
        bmc.fetch_uri = [this](const std::string&) { return std::optional{image}; };
        bmc.signature_wanted = signature;
        bmc.reason.code = protocol::ReasonCode::signature_required;
        bmc.reason.phase = UpdateState::verify;
        bmc.reason_text = "nobody vouches for the image";
    }

    Run run(const std::vector<std::string>& arguments)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes");
    }
    Run install(std::vector<std::string> keywords = {})
    {
        keywords.insert(keywords.begin(), {"install", file, "signature", beside});
        return run(keywords);
    }

    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    Bytes image = make_image(protocol::block_size + 100);
    Bytes signature = make_signature(4000);
    std::string file = scratch.write("image.bin", image);
    std::string beside = scratch.write("image.sig", signature);
};

int code(ExitCode exit_code)
{
    return static_cast<int>(exit_code);
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

Bytes text_bytes(const std::string& text)
{
    return {text.begin(), text.end()};
}

} // namespace

TEST_CASE("an image without a signature is not sent to a BMC that programs no such one")
{
    Bench bench;
    bench.bmc.capabilities.features.bits |= protocol::feature_must_be_signed;
    const Run run = bench.run({"install", bench.file, "yes"});
    CHECK(run.code == static_cast<int>(ExitCode::refused));
    CHECK(run.err.find("wants a signature") != std::string::npos);
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
    CHECK(bench.install({"yes"}).code == 0);
}

TEST_CASE("the signature goes beside the image, in parts that the channel carries")
{
    for (const std::size_t room : {std::size_t{1400}, std::size_t{240}})
    {
        Bench bench;
        bench.bmc.port_facts.max_message = room;
        const Run run = bench.install();
        CHECK_MESSAGE(run.code == 0, run.err);
        CHECK(bench.bmc.count(Command::write_signature_part) == (4000 + room - 5) / (room - 4));
        CHECK(bench.bmc.longest_request <= room);
    }
    Bench without;
    CHECK(without.run({"install", without.file}).code == code(ExitCode::verification_failed));
    CHECK(without.bmc.count(Command::write_signature_part) == 0);
}

TEST_CASE("the largest and the smallest signature")
{
    for (const std::size_t size : {package::largest_signature, std::size_t{300}})
    {
        Bench bench;
        bench.signature = make_signature(size);
        bench.bmc.signature_wanted = bench.signature;
        bench.beside = bench.scratch.write("image.sig", bench.signature);
        CHECK(bench.install().code == 0);
    }
    Bench bench;
    bench.bmc.signature_wanted = Bytes{0x30, 0x00};
    bench.beside = bench.scratch.write("image.sig", Bytes{0x30, 0x00});
    CHECK(bench.install().code == 0);
}

TEST_CASE("a file that is no such signature is refused before a word is said: what, where, what to do")
{
    Bench bench;
    const auto written = [&](const std::string& name, const Bytes& bytes) { return bench.scratch.write(name, bytes); };
    Bytes cut = bench.signature;
    cut.pop_back();
    const std::vector<std::pair<std::string, std::string>> cases{
        {written("empty", {}), "is empty: sign the image again"},
        {written("large", make_signature(package::largest_signature + 1)), "more than 16384 bytes"},
        {written("pem", text_bytes("-----BEGIN CMS-----\nMII\n")), "is PEM text; a BMC takes DER"},
        {written("text", text_bytes("hello")), "is no signature in DER"},
        {written("cut", cut), "is no signature in DER"},
        {written("indefinite", {0x30, 0x80, 0x00, 0x00}), "is no signature in DER"},
        {written("short", {0x30, 0x82, 0x01}), "is no signature in DER"},
        {written("one", {0x30}), "is no signature in DER"},
        {bench.scratch.path().string() + "/none", "there is none"},
        {bench.scratch.path().string(), "is no regular file"},
    };
    for (const auto& [wrong, text] : cases)
    {
        bench.beside = wrong;
        const Run run = bench.install();
        CHECK_MESSAGE(run.code == code(ExitCode::usage), run.err);
        CHECK_MESSAGE(has(run.err, text), run.err);
        CHECK(has(run.err, wrong));
        CHECK(bench.run({"signature", wrong}).code == code(ExitCode::usage));
    }
    CHECK(bench.bmc.seen.empty());
    if (::geteuid() != 0)
    {
        std::filesystem::permissions(written("secret", bench.signature), std::filesystem::perms::none);
        CHECK(has(client::read_signature(bench.scratch.path() / "secret").error().text, "this user's to read"));
    }
}

TEST_CASE("a BMC that takes none beside the image says so before anything is changed, and how it can go")
{
    Bench bench;
    bench.bmc.capabilities.features.bits &= ~protocol::feature_signature;
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"install", bench.file, "signature", bench.beside},
                                               {"uri", "https://h/a", "signature", bench.beside},
                                               {"signature", bench.beside}})
    {
        const Run run = bench.run(words);
        CHECK(run.code == code(ExitCode::refused));
        CHECK(has(run.err, "takes no detached signatures"));
        CHECK(has(run.err, "fwsign sign --self-contained"));
    }
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);

    DeployedBmc deployed;
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"install", bench.file, "signature", bench.beside}, {"signature", bench.beside}})
    {
        const Run run = run_command(words, deployed, bench.world, bench.scratch.path() / "notes");
        CHECK(run.code == code(ExitCode::refused));
        CHECK(has(run.err, "base profile only: it takes no signature"));
        CHECK(has(run.err, "fwsign"));
    }
    CHECK_FALSE(deployed.in_mode);
}

TEST_CASE("it goes with every way: a URI, and what the client serves or puts onto the drive is the same code")
{
    Bench bench;
    CHECK(bench.run({"uri", "https://h/a", "signature", bench.beside}).code == 0);
    CHECK(bench.bmc.fetches == 1);
    for (const char* verb : {"install", "resume", "uri", "serve", "usb"})
    {
        CHECK(has(bench.run({"help", verb}).out, "[signature FILE]"));
    }
    CHECK(bench.run({"plan", bench.file, "signature", bench.beside}).code == code(ExitCode::usage));
    CHECK(bench.run({"uri", "https://h/a", "step", "signature", bench.beside}).code == code(ExitCode::usage));
}

TEST_CASE("lost answers, and a BMC that counted a part twice: it begins anew")
{
    for (const Loss loss : {Loss::answer, Loss::request})
    {
        for (std::size_t at = 1; at <= 3; ++at)
        {
            Bench bench;
            std::size_t parts = 0;
            bench.bmc.on_command = [&](Command command)
            { return command == Command::write_signature_part && ++parts == at ? loss : Loss::none; };
            const Run run = bench.install();
            CHECK_MESSAGE(run.code == 0, run.err);
        }
    }
    Bench twice;
    bool done = false;
    twice.bmc.on_command = [&](Command command)
    {
        if (command == Command::write_signature_part && !twice.bmc.signature.empty() && !std::exchange(done, true))
        {
            twice.bmc.signature.push_back(0);
        }
        return Loss::none;
    };
    const Run run = twice.install();
    CHECK_MESSAGE(run.code == 0, run.err);
    CHECK(twice.bmc.count(Command::begin_transfer) == 1);
}

TEST_CASE("a BMC that never takes it is given up, with its reason")
{
    Bench bench;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::write_signature_part && !bench.bmc.signature.empty())
        {
            bench.bmc.signature.push_back(0);
        }
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(bench.bmc.count(Command::write_signature_part) == 6); // three times the first part and the one that fails
    CHECK(bench.bmc.exits == 1);
}

TEST_CASE("a path that swallows large messages: the parts become smaller")
{
    Bench bench;
    bench.bmc.port_facts.kind = client::LinkKind::system_interface; // where the stream is sent message by message
    bench.image = make_image(1000);
    bench.file = bench.scratch.write("image.bin", bench.image);
    bench.bmc.swallowed_above = 1200;
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::write_signature_part) == 9);
}

TEST_CASE("the agent restarts while it is sent, or later: the next pass sends it again")
{
    for (const Command when : {Command::write_signature_part, Command::begin_transfer, Command::write_fragment})
    {
        for (const bool drops : {false, true})
        {
            Bench bench;
            std::size_t count = 0;
            bench.bmc.on_command = [&](Command command)
            {
                if (command == when && ++count == 2 && when != Command::begin_transfer)
                {
                    bench.bmc.restart_agent();
                    drops ? bench.bmc.drop_session() : void();
                }
                return Loss::none;
            };
            const Run run = bench.install();
            CHECK_MESSAGE(run.code == 0, run.err);
        }
    }
}

TEST_CASE("resume sends it again: the note has its path, and the hint names it")
{
    Bench bench;
    std::size_t fragments = 0;
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt |= command == Command::write_fragment && ++fragments == 30;
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "signature " + bench.beside));
    CHECK(bench.bmc.signature.empty()); // the mode was left
    const auto note = client::Notes{bench.scratch.path() / "notes"}.find("bmc");
    REQUIRE(note);
    CHECK(note->keywords.signature == bench.beside);

    bench.bmc.on_command = nullptr;
    bench.world.interrupt = false;
    std::filesystem::rename(bench.beside, bench.beside + ".away");
    const Run gone = bench.run({"resume"});
    CHECK(gone.code == code(ExitCode::usage));
    CHECK(has(gone.err, "there is none"));
    std::filesystem::rename(bench.beside + ".away", bench.beside);
    const Run resumed = bench.run({"resume"});
    CHECK_MESSAGE(resumed.code == 0, resumed.err);
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("a signature that an earlier command has left in the mode does not stick to another image")
{
    Bench bench;
    bench.bmc.signature_wanted = Bytes{};
    CHECK(bench.run({"enter"}).code == 0);
    CHECK(bench.run({"signature", bench.beside}).code == 0);
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    const Run run = bench.run({"install", bench.file});
    CHECK_MESSAGE(run.code == 0, run.err);
    CHECK(has(run.err, "may have left a signature"));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 2);
}

TEST_CASE("a relative path is noted and told as an absolute one")
{
    Bench bench;
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(bench.scratch.path());
    bench.beside = "image.sig";
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt |= command == Command::write_fragment;
        return Loss::none;
    };
    const Run run = bench.install();
    std::filesystem::current_path(before);
    CHECK(has(run.err, "signature " + std::filesystem::canonical(bench.scratch.path()).string() + "/image.sig"));
    const auto note = client::Notes{bench.scratch.path() / "notes"}.find("bmc");
    REQUIRE(note);
    CHECK(std::filesystem::path{*note->keywords.signature}.is_absolute());
}

TEST_CASE("the single step sends it, and the mode must be there")
{
    Bench bench;
    const Run outside = bench.run({"signature", bench.beside});
    CHECK(outside.code == code(ExitCode::refused));
    CHECK(has(outside.err, "'fwupdate enter' comes first"));
    CHECK(bench.run({"enter"}).code == 0);
    const Run run = bench.run({"signature", bench.beside});
    CHECK(run.code == 0);
    CHECK(has(run.out, "4000 bytes of signature sent"));
    CHECK(bench.bmc.signature == bench.signature);
    CHECK(bench.run({"signature"}).code == code(ExitCode::usage));
    CHECK(has(bench.run({"help", "signature"}).out, "fwupdate signature <signature>"));
}
