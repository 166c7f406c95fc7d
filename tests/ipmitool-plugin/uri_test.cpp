// `uri`: the BMC fetches the image itself. Against a BMC that plays one that does.
#include "common/sha256.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "ipmitool-plugin/client/uri.hpp"
#include "tests/common/result_printing.hpp"
#include "tests/ipmitool-plugin/deployed_bmc.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;
using protocol::UpdateState;
using protocol::UriPart;
using Loss = FakeBmc::Loss;

namespace
{

constexpr auto address = "https://files.example.com/image.bin";

struct Bench
{
    Bench()
    {
        bmc.capabilities.features.bits |= protocol::feature_uri;
        bmc.capabilities.schemes.bits = protocol::scheme_https | protocol::scheme_http;
        bmc.fetch_uri = [this](const std::string&) { return std::optional{image}; };
    }

    Run run(const std::vector<std::string>& arguments)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes");
    }
    Run uri(std::vector<std::string> keywords = {}, const std::string& text = address)
    {
        keywords.insert(keywords.begin(), {"uri", text});
        return run(keywords);
    }
    /// The words that name the image.
    [[nodiscard]] std::vector<std::string> named() const
    {
        return {"sha256", to_hex(sha256(image)), "size", std::to_string(image.size())};
    }
    [[nodiscard]] std::string notes() const
    {
        std::ifstream stream{scratch.path() / "notes" / "bmc_bmc.json"};
        return {std::istreambuf_iterator<char>{stream}, {}};
    }
    [[nodiscard]] bool changed() const
    {
        return bmc.count(Command::enter_update_mode) != 0;
    }

    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    Bytes image = make_image(8 * protocol::block_size + 1000);
    std::string file = scratch.write("copy.bin", image);
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

TEST_CASE("a whole update by a URI alone: 29h-1, the URI, complete, watched to the verdict")
{
    Bench bench;
    const Run run = bench.uri();
    CHECK(run.code == 0);
    CHECK(has(run.out, "bmc-image: updated"));
    CHECK(has(run.err, "the BMC fetches https://files.example.com/image.bin"));
    CHECK(has(run.err, "fetch    100 %"));
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.bmc.count(Command::begin_transfer) == 0);
    CHECK(bench.bmc.count(Command::write_fragment) == 0);
    CHECK(bench.bmc.companions.empty());
    CHECK(bench.notes().empty());
}

TEST_CASE("a server that does not tell the size: the bytes are shown")
{
    Bench bench;
    bench.bmc.hides_size = true;
    const Run run = bench.uri();
    CHECK(run.code == 0);
    CHECK(has(run.err, "fetch      0 %  128.2 KiB"));
}

TEST_CASE("a SHA-256 alone goes by 2Bh; with the size the transfer is named")
{
    Bench bench;
    CHECK(bench.uri({"sha256", to_hex(sha256(bench.image))}).code == 0);
    CHECK(bench.bmc.wanted == sha256(bench.image));
    CHECK(bench.bmc.count(Command::begin_transfer) == 0);

    Bench named;
    CHECK(named.uri(named.named()).code == 0);
    CHECK(named.bmc.count(Command::begin_transfer) == 1);
    CHECK(named.bmc.count(Command::set_update_options) == 0);
    CHECK(named.bmc.installed == named.image);
}

TEST_CASE("a copy of the image gives size and SHA-256: already current is known at once")
{
    Bench bench;
    CHECK(bench.uri({"image", bench.file}).code == 0);
    CHECK(bench.bmc.count(Command::begin_transfer) == 1);
    const Run again = bench.uri({"image", bench.file});
    CHECK(again.code == code(ExitCode::already_current));
    CHECK(bench.bmc.fetches == 1);
    CHECK(bench.uri({"image", bench.file + "x"}).code == code(ExitCode::bad_image));
    CHECK(bench.uri({"image", bench.file, "sha256", std::string(64, '0')}).code == code(ExitCode::bad_image));
}

TEST_CASE("pin and credentials go by 4Dh, never into the URI, a notice or a note")
{
    Bench bench;
    bench.bmc.complete_code = protocol::refused_by_policy; // the note stays
    bench.bmc.reason_text = "no";
    const std::string pin(64, 'c');
    const Run run = bench.uri({"pin", pin}, "https://bob:s%2Fecret@files.example.com:8443/a?token=hidden");
    CHECK(run.code == code(ExitCode::refused));
    CHECK(bench.bmc.uri.empty()); // the mode was left
    CHECK(bench.bmc.companions[UriPart::tls_pin] == Bytes(32, 0xCC));
    CHECK(bench.bmc.companions[UriPart::credentials] == text_bytes("\3bob\7s/ecret"));
    for (const std::string& text : {run.out, run.err, bench.notes()})
    {
        CHECK_FALSE(has(text, "bob"));
        CHECK_FALSE(has(text, "ecret"));
    }
    CHECK_FALSE(has(run.err, "hidden"));
    CHECK(has(run.err, "https://files.example.com:8443/a"));
    CHECK(has(bench.notes(), "token=hidden")); // the user's eyes only: resume needs it
}

TEST_CASE("the BMC gets the URI without credentials, with its query")
{
    Bench bench;
    std::string fetched;
    bench.bmc.fetch_uri = [&](const std::string& uri)
    {
        fetched = uri;
        return std::optional{bench.image};
    };
    CHECK(bench.uri({}, "HTTPS://u:p@h/a?b=c").code == 0);
    CHECK(fetched == "https://h/a?b=c");
}

TEST_CASE("user and password-file")
{
    Bench bench;
    const std::string password = bench.scratch.write("password", text_bytes("s3cret\r\nsecond line\n"));
    CHECK(bench.uri({"user", "bob", "password-file", password}).code == 0);
    CHECK(bench.bmc.companions[UriPart::credentials] == text_bytes("\3bob\6s3cret"));
    CHECK(bench.uri({"user", "bob", "force"}).code == 0);
    CHECK(bench.bmc.companions[UriPart::credentials] == Bytes{3, 'b', 'o', 'b', 0});
    CHECK(bench.uri({"password-file", password, "force"}, "https://eve@h/a").code == 0);
    CHECK(bench.bmc.companions[UriPart::credentials] == text_bytes("\3eve\6s3cret"));
}

TEST_CASE("credentials that can't be are refused before anything is sent")
{
    Bench bench;
    const std::string password = bench.scratch.write("password", text_bytes("s3cret\n"));
    const std::string control = bench.scratch.write("control", text_bytes("a\tb\n"));
    const std::string longer = bench.scratch.write("longer", text_bytes(std::string(256, 'a')));
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
        {{address, "password-file", password}, "'password-file' goes with 'user'"},
        {{address, "user", "bob", "password-file", password + "x"}, "cannot read the password file"},
        {{address, "user", "bob", "password-file", control}, "control character"},
        {{address, "user", "bob", "password-file", longer}, "at most 255"},
        {{"https://eve:p@h/a", "user", "bob"}, "names a user already"},
        {{"https://eve:p@h/a", "password-file", password}, "has a password already"},
        {{"https://eve:p%0a@h/a"}, "control character"},
        {{"http://h/a", "pin", std::string(64, 'a')}, "'pin' goes with https and ftps"},
    };
    for (const auto& [words, text] : cases)
    {
        std::vector<std::string> arguments{"uri"};
        arguments.insert(arguments.end(), words.begin(), words.end());
        const Run run = bench.run(arguments);
        CHECK_MESSAGE(run.code == code(ExitCode::usage), run.err);
        CHECK_MESSAGE(has(run.err, text), run.err);
    }
    CHECK(bench.bmc.seen.empty());
}

TEST_CASE("URIs that can't be are refused before anything is sent, and say what to do")
{
    Bench bench;
    const std::vector<std::pair<std::string, std::string>> cases{
        {"file:///etc/passwd", "'fwupdate install FILE'"},
        {"gopher://h/a", "https, http, ftps, ftp, tftp"},
        {"https://h/" + std::string(250, 'a'), "at most 255"},
        {"https://h/a b", "%20"},
        {"https://h/a\x1B[2J", "%1b"},
        {"https://h/\xC3\xA4", "%c3"},
        {"https://h/a#b", "never reaches a server"},
        {"https://h", "names no file on h"},
        {"https://h/", "names no file on h"},
        {"https:///a", "names no host"},
        {"https://u:p@/a", "names no host"},
        {"https://h:0/a", "is no port"},
        {"https://h:65536/a", "is no port"},
        {"https://h:x/a", "is no port"},
        {"https://2001:db8::1/a", "brackets"},
        {"https://[2001:db8::1/a", "']'"},
        {"https://[]/a", "names no host"},
        {"https://[::1]x:5/a", "behind the IPv6 address"},
        {"https://:p@h/a", "user name is empty"},
        {"https://a%zz:p@h/a", "two hexadecimal digits"},
        {"usb://a\nb", "control character"},
        {"image.bin", "is not a URI"},
    };
    for (const auto& [wrong, text] : cases)
    {
        const std::string uri{wrong}; // clang 14 captures no bindings
        const Run run = bench.uri({}, uri);
        CHECK_MESSAGE(run.code == code(ExitCode::usage), uri);
        CHECK_MESSAGE(has(run.err, text), run.err);
        CHECK(run.err.find('\x1B') == std::string::npos);
    }
    CHECK(bench.bmc.seen.empty());
}

TEST_CASE("a URI is taken apart: IPv6, upper case, nothing lost")
{
    const auto uri = client::parse_uri("FTP://[2001:db8::1]:2121/Dir/a%20b?x=1&y");
    REQUIRE(uri);
    CHECK(uri->scheme == "ftp");
    CHECK(uri->text == "ftp://[2001:db8::1]:2121/Dir/a%20b?x=1&y");
    CHECK(uri->shown == "ftp://[2001:db8::1]:2121/Dir/a%20b");
    CHECK(uri->has_query());
    const auto at = client::parse_uri("https://a@b:c@h/p@q");
    REQUIRE(at);
    CHECK(at->credentials == client::Credentials{"a@b", "c"});
    CHECK(at->text == "https://h/p@q");
    CHECK_FALSE(at->has_query());
    CHECK(client::parse_uri("tftp://192.0.2.1/a"));
    CHECK(client::parse_uri("https://h?a"));
    CHECK(client::parse_uri("https://h/" + std::string(245, 'a')));
}

TEST_CASE("words that do not fit together")
{
    Bench bench;
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"uri", address, "size", "5"},
                                               {"uri", address, "size", "0", "sha256", std::string(64, 'a')},
                                               {"uri", address, "size", "5x", "sha256", std::string(64, 'a')},
                                               {"uri", address, "image", bench.file, "size", "5"},
                                               {"uri", address, "pin", "12"},
                                               {"uri", address, "step", "no-wait"},
                                               {"uri", address, "transport", "stream"},
                                               {"uri", "usb://a", "sha256", std::string(64, 'a')},
                                               {"uri", "usb://a", "yes"},
                                               {"resume", "usb://a"}})
    {
        CHECK_MESSAGE(bench.run(words).code == code(ExitCode::usage), words.back());
    }
    CHECK(bench.bmc.seen.empty());
}

TEST_CASE("schemes and companions that the BMC does not take are refused before anything is changed")
{
    Bench bench;
    const Run ftp = bench.uri({}, "ftp://h/a");
    CHECK(ftp.code == code(ExitCode::refused));
    CHECK(has(ftp.err, "does not fetch by ftp; it does by https, http"));
    bench.bmc.capabilities.features.bits &= ~protocol::feature_uri;
    CHECK(has(bench.uri({"user", "bob"}).err, "no credentials"));
    bench.bmc.capabilities.schemes.bits = protocol::scheme_usb;
    CHECK(has(bench.uri().err, "'fwupdate install IMAGE'"));
    CHECK_FALSE(bench.changed());
}

TEST_CASE("what is longer than a message on this channel is refused with its room")
{
    Bench bench;
    bench.bmc.port_facts.max_message = 240;
    const Run uri = bench.uri({}, "https://h/" + std::string(240, 'a'));
    CHECK(uri.code == code(ExitCode::refused));
    CHECK(has(uri.err, "carries 238"));
    const std::string password = bench.scratch.write("password", text_bytes(std::string(250, 'a')));
    CHECK(has(bench.uri({"user", "bob", "password-file", password}).err, "longer than a message"));
    CHECK(bench.bmc.session.state == UpdateState::init); // left again
}

TEST_CASE("a BMC of the base profile fetches nothing")
{
    Bench bench;
    DeployedBmc deployed;
    const Run run = run_command({"uri", address}, deployed, bench.world, bench.scratch.path() / "notes");
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "base profile only: it fetches nothing over a network"));
    const Run step = run_command({"uri", address, "step", "user", "bob"}, deployed, bench.world, bench.scratch.path());
    CHECK(step.code == code(ExitCode::refused));
}

TEST_CASE("a person is asked, and told as much as is known")
{
    Bench bench;
    bench.world.person = true;
    CHECK(bench.uri({}, "https://u:secret@h/a?q=1").code == code(ExitCode::cancelled));
    REQUIRE(bench.world.questions.size() == 1);
    CHECK(has(bench.world.questions[0], "Install https://h/a on bmc"));
    CHECK_FALSE(bench.changed());
    CHECK(bench.uri({"image", bench.file}).code == code(ExitCode::cancelled));
    CHECK(has(bench.world.questions[1], "KiB)"));
}

TEST_CASE("the BMC's reasons decide the exit code")
{
    const std::vector<std::pair<std::uint16_t, ExitCode>> cases{{10, ExitCode::verification_failed},
                                                                {11, ExitCode::transfer_failed},
                                                                {12, ExitCode::refused},
                                                                {13, ExitCode::refused},
                                                                {35, ExitCode::refused},
                                                                {40, ExitCode::refused},
                                                                {41, ExitCode::transfer_failed},
                                                                {42, ExitCode::transfer_failed},
                                                                {43, ExitCode::transfer_failed},
                                                                {44, ExitCode::transfer_failed},
                                                                {45, ExitCode::transfer_failed},
                                                                {46, ExitCode::transfer_failed},
                                                                {47, ExitCode::transfer_failed},
                                                                {48, ExitCode::transfer_failed}};
    for (const auto& [reason, exit_code] : cases)
    {
        const auto number = reason; // clang 14 captures no bindings
        Bench bench;
        bench.bmc.fetch_uri = [](const std::string&) { return std::optional<Bytes>{}; };
        bench.bmc.reason.code = static_cast<protocol::ReasonCode>(number);
        bench.bmc.reason.phase = UpdateState::download;
        bench.bmc.reason_text = "files.example.com: this is why";
        const Run run = bench.uri();
        CHECK_MESSAGE(run.code == code(exit_code), number);
        CHECK(has(run.err, "this is why"));
        CHECK(bench.bmc.fetches == 1); // the BMC has tried enough
        CHECK(bench.bmc.session.state == UpdateState::init);
    }
}

TEST_CASE("refused at 29h-1, 4Dh, 29h-4, 29h-2: the reason is told, and what helps")
{
    Bench start;
    start.bmc.start_code = protocol::refused_by_policy;
    start.bmc.reason.code = protocol::ReasonCode::no_space;
    start.bmc.reason_text = "there is no room";
    CHECK(has(start.uri().err, "there is no room"));

    Bench companion;
    companion.bmc.parameters_code = ipmi::CompletionCode::invalid_data_field;
    CHECK(companion.uri({"user", "bob"}).code == code(ExitCode::refused));

    Bench uri;
    uri.bmc.uri_code = ipmi::CompletionCode::invalid_data_field;
    uri.bmc.reason.code = protocol::ReasonCode::uri_refused;
    uri.bmc.reason_text = "files.example.com is not allowed by the configuration";
    const Run refused = uri.uri();
    CHECK(refused.code == code(ExitCode::refused));
    CHECK(has(refused.err, "is not allowed by the configuration"));
    uri.bmc.reason.code = protocol::ReasonCode::aborted; // of another day
    CHECK(has(uri.uri().err, "does not take this URI"));

    Bench digest;
    digest.bmc.complete_code = protocol::refused_by_policy;
    digest.bmc.reason.code = protocol::ReasonCode::policy_refused;
    digest.bmc.reason_text = "http needs a SHA-256";
    const Run wanted = digest.uri({}, "http://h/a");
    CHECK(wanted.code == code(ExitCode::refused));
    CHECK(has(wanted.err, "http needs a SHA-256"));
    CHECK(has(wanted.err, "'sha256 HEX size N'"));
    CHECK(digest.bmc.session.state == UpdateState::init);
}

TEST_CASE("^C stops the fetch; with a name what arrived counts, and resume needs no words")
{
    Bench bench;
    bench.bmc.fetch_polls = 16;
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt |=
            command == Command::get_update_session && bench.bmc.session.done > bench.image.size() / 2;
        return Loss::none;
    };
    const Run run = bench.uri(bench.named());
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err,
              "What arrived is kept. Go on with: ipmitool -I lanplus -H bmc -U admin -E fwupdate resume https://"));
    CHECK_FALSE(has(run.err, "the BMC has the whole image"));
    CHECK(bench.bmc.session.state == UpdateState::init);
    const std::size_t staged = bench.bmc.staged_blocks();
    CHECK((staged >= 4 && staged < 9));

    bench.bmc.on_command = nullptr;
    bench.world.interrupt = false;
    const Run resumed = bench.run({"resume"});
    CHECK(resumed.code == 0);
    CHECK(has(resumed.err, "going on with https://files.example.com/image.bin"));
    CHECK(has(resumed.err, "resuming: " + std::to_string(staged * 64) + ".0 KiB of 513.0 KiB"));
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.notes().empty());
}

TEST_CASE("^C without a name: nothing is kept, and that is said")
{
    Bench bench;
    bench.bmc.on_command = [&](Command)
    {
        bench.world.interrupt |= bench.bmc.session.done > bench.image.size() / 2;
        return Loss::none;
    };
    const Run run = bench.uri();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "Without size and SHA-256"));
    bench.world.interrupt = false;
    bench.bmc.on_command = nullptr;
    CHECK(bench.run({"resume", "yes"}).code == 0);
}

TEST_CASE("the session breaks in the fetch: a new one, and the fetch is watched on")
{
    for (const bool named : {true, false})
    {
        Bench bench;
        int polls = 0;
        bench.bmc.on_command = [&](Command command)
        {
            if (command == Command::get_update_session && bench.bmc.fetches == 1 && ++polls == 2)
            {
                bench.bmc.drop_session();
            }
            return Loss::none;
        };
        const Run run = bench.uri(named ? bench.named() : std::vector<std::string>{});
        CHECK(run.code == 0);
        CHECK(bench.bmc.reopened == 1);
        CHECK(bench.bmc.fetches == 1);
        CHECK(bench.bmc.aborts == 0);
    }
}

TEST_CASE("the agent restarts in the fetch: it begins again, what is staged counts")
{
    for (const bool named : {true, false})
    {
        Bench bench;
        bool restarted = false;
        bench.bmc.on_command = [&](Command)
        {
            if (!restarted && bench.bmc.session.done > bench.image.size() / 2)
            {
                restarted = true;
                bench.bmc.restart_agent();
            }
            return Loss::none;
        };
        const Run run = bench.uri(named ? bench.named() : std::vector<std::string>{});
        CHECK(run.code == 0);
        CHECK(bench.bmc.fetches == 2);
        CHECK(has(run.err, "resuming") == named);
        CHECK(bench.bmc.installed == bench.image);
    }
}

TEST_CASE("every command's answer may get lost once, and the agent may restart at any command")
{
    for (const bool restarts : {false, true})
    {
        for (std::size_t at = 1; at < 40; ++at)
        {
            Bench bench;
            std::size_t count = 0;
            bench.bmc.on_command = [&](Command)
            {
                const bool now = ++count == at;
                if (now && restarts)
                {
                    bench.bmc.restart_agent();
                    bench.bmc.drop_session();
                }
                return now && !restarts ? Loss::answer : Loss::none;
            };
            std::vector<std::string> words = bench.named();
            words.insert(words.end(), {"pin", std::string(64, 'a')});
            const Run run = bench.uri(words);
            const bool ended_well = run.code == 0 || run.code == code(ExitCode::failed) ||
                                    run.code == code(ExitCode::already_current) || run.code == code(ExitCode::accepted);
            CHECK_MESSAGE(ended_well, at << (restarts ? " restart " : " loss ") << run.err);
            if (run.code != code(ExitCode::failed))
            {
                CHECK_MESSAGE(bench.bmc.installed == bench.image, at << run.err);
            }
        }
    }
}

TEST_CASE("the client was killed: the BMC is still fetching, and resume goes on watching")
{
    for (const bool named : {true, false})
    {
        Bench bench;
        std::vector<std::string> words = named ? bench.named() : std::vector<std::string>{};
        // What a killed client leaves: the mode held by a session that ended, the fetch running, the note.
        bench.bmc.on_command = [&](Command)
        {
            if (bench.bmc.fetches == 1 && bench.bmc.session.done != 0)
            {
                throw std::runtime_error("killed");
            }
            return Loss::none;
        };
        CHECK_THROWS(bench.uri(words));
        bench.bmc.on_command = nullptr;
        bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
        const Run resumed = bench.run({"resume"});
        CHECK_MESSAGE(resumed.code == 0, resumed.err);
        CHECK(has(resumed.err, "the BMC is fetching this image already"));
        CHECK(bench.bmc.fetches == 1);
        CHECK(bench.bmc.installed == bench.image);
    }
}

TEST_CASE("the client was killed: a fetch of another image is no obstacle for an install, an error neither")
{
    Bench bench;
    bench.bmc.session.state = UpdateState::download;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    bench.bmc.session.transport = protocol::Transport::uri;
    bench.bmc.session.target = 1;
    CHECK(bench.run({"install", bench.file}).code == 0);
    CHECK(bench.bmc.aborts == 1);

    Bench failed;
    failed.bmc.session.state = UpdateState::error;
    failed.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    CHECK(failed.uri(failed.named()).code == 0);
    CHECK(failed.bmc.aborts == 1);
}

TEST_CASE("resume with the URI named; credentials of a URI are wanted again")
{
    Bench bench;
    bench.bmc.fetch_uri = [](const std::string&) { return std::optional<Bytes>{}; };
    bench.bmc.reason.code = protocol::ReasonCode::connection_failed;
    bench.bmc.reason_text = "no connection";
    const Run run = bench.uri(bench.named(), "https://bob:secret@h/a");
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "user <user> password-file <file>"));
    CHECK_FALSE(has(run.err, "bob"));
    bench.bmc.fetch_uri = [&](const std::string&) { return std::optional{bench.image}; };
    const Run without = bench.run({"resume"});
    CHECK(without.code == code(ExitCode::usage));
    CHECK(has(without.err, "nobody has noted"));
    bench.bmc.companions.clear();
    CHECK(bench.run({"resume", "user", "bob"}).code == 0);
    CHECK(bench.bmc.companions.contains(UriPart::credentials));

    Bench other;
    std::vector<std::string> words = other.named();
    words.insert(words.begin(), {"resume", "https://h/b"});
    CHECK(other.run(words).code == 0);
}

TEST_CASE("who holds the mode, and how far it is, is said to a second one")
{
    Bench bench;
    bench.bmc.session.state = UpdateState::download;
    bench.bmc.session.percent = 42;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_holder_alive;
    bench.bmc.session.holder.value = "eve";
    const Run run = bench.uri();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "held by user 'eve'"));
    CHECK(has(run.err, "the update is at 'download', 42 %"));
    CHECK(has(bench.uri({"step"}).err, "the update is at 'download', 42 %"));
    CHECK(bench.bmc.fetches == 0);
}

TEST_CASE("a fetch without progress is given up, as a failed transfer")
{
    Bench bench;
    bench.bmc.stalled = true;
    const Run run = bench.uri(bench.named());
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "at 'download' for 5 min"));
}

TEST_CASE("an update of unknown content that was deferred is accepted; with the digest that the BMC then knows")
{
    Bench bench;
    bench.bmc.targets[0].restart = protocol::Restart::bmc;
    CHECK(bench.uri({"defer-reboot"}).code == code(ExitCode::accepted));
    CHECK((bench.bmc.parameters & protocol::parameter_defer_restart) != 0);
}

TEST_CASE("the single step tells the BMC the URI and what goes with it, and no more")
{
    Bench bench;
    const Run outside = bench.uri({"step"});
    CHECK(outside.code == code(ExitCode::refused));
    CHECK(has(outside.err, "'fwupdate enter' comes first"));
    REQUIRE(bench.run({"enter"}).code == 0);
    bench.bmc.session.state = UpdateState::download;
    std::vector<std::string> words = bench.named();
    words.insert(words.end(), {"step", "pin", std::string(64, 'a'), "user", "bob"});
    const Run run = bench.uri(words);
    CHECK(run.code == 0);
    CHECK(has(run.out, "'fwupdate complete' goes on"));
    CHECK(bench.bmc.uri == address);
    CHECK(bench.bmc.companions.size() == 3);
    CHECK(bench.bmc.companions[UriPart::expectation].size() == 40);
    CHECK(bench.bmc.companions[UriPart::expectation][0] == (bench.image.size() & 0xFF));
    CHECK(bench.bmc.fetches == 0);
}

TEST_CASE("JSON: progress of the fetch, and the result")
{
    Bench bench;
    const Run run = bench.uri({"json"});
    CHECK(run.code == 0);
    bool fetch = false;
    for (const nlohmann::json& line : run.lines())
    {
        fetch |= line["event"] == "progress" && line["phase"] == "fetch" && line["done"] != 0;
    }
    CHECK(fetch);
    CHECK(run.lines().back()["result"] == "done");
    CHECK(run.err.empty());
}
