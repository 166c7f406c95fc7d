// `install` and `resume` against a BMC that plays the extended profile.
#include "common/sha256.hpp"
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;
using protocol::UpdateState;
using Loss = FakeBmc::Loss;

namespace
{

struct Bench
{
    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    Bytes image = make_image(3 * protocol::block_size + 1000);
    std::string file = scratch.write("image.bin", image);

    Run run(std::vector<std::string> arguments)
    {
        return run_command(arguments, bmc, world, scratch.path() / "notes");
    }
    Run install(std::vector<std::string> keywords = {})
    {
        keywords.insert(keywords.begin(), {"install", file});
        return run(keywords);
    }
    [[nodiscard]] std::optional<client::Note> note() const
    {
        return client::Notes{scratch.path() / "notes"}.find("bmc");
    }
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

TEST_CASE("an update goes from enter to the verdict, and says updated")
{
    Bench bench;
    const Run run = bench.install();
    CHECK(run.code == 0);
    CHECK(has(run.out, "bmc-image: updated"));
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.bmc.exits == 1);
    CHECK(bench.bmc.longest_request <= 1400);
    CHECK_FALSE(bench.note());
    CHECK(has(run.err, "transfer 100 %"));
    CHECK(has(run.err, "verify"));
    CHECK(has(run.err, "program"));
}

TEST_CASE("a second run says already current and sends nothing that changes state")
{
    Bench bench;
    bench.bmc.installed = bench.image;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::already_current));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
    CHECK(bench.bmc.count(Command::write_fragment) == 0);

    CHECK(bench.install({"force"}).code == 0);
    CHECK(bench.bmc.count(Command::write_fragment) > 0);
    CHECK((bench.bmc.parameters & protocol::parameter_force) != 0);
}

TEST_CASE("unusable images are refused before a word is said to the BMC")
{
    Bench bench;
    const std::string empty = bench.scratch.write("empty", {});
    for (const std::string& file :
         {empty, bench.scratch.path().string(), bench.scratch.path().string() + "/none", std::string{"/dev/null"}})
    {
        const Run run = bench.run({"install", file});
        CHECK_MESSAGE(run.code == code(ExitCode::bad_image), file);
        CHECK(has(run.err, file));
    }
    const Run run = bench.install({"sha256", std::string(64, '0')});
    CHECK(run.code == code(ExitCode::bad_image));
    CHECK(bench.bmc.seen.empty());
}

TEST_CASE("a person is asked, unless somebody said yes")
{
    Bench bench;
    bench.world.person = true;
    CHECK(bench.install().code == code(ExitCode::cancelled));
    REQUIRE(bench.world.questions.size() == 1);
    CHECK(has(bench.world.questions.front(), "image.bin"));
    CHECK(has(bench.world.questions.front(), "bmc-image"));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
    CHECK(bench.install({"yes"}).code == 0);
    CHECK(bench.world.questions.size() == 1);
}

TEST_CASE("the parameters carry the keywords")
{
    Bench bench;
    CHECK(bench.install({"no-downgrade", "debug"}).code == 0);
    CHECK(bench.bmc.parameters == (protocol::parameter_no_downgrade | protocol::parameter_debug));
}

TEST_CASE("targets are found by name or number; an unknown one is refused with the list")
{
    Bench bench;
    CHECK(bench.install({"target", "1"}).code == 0);
    const Run run = bench.install({"target", "bios"});
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "bmc-image"));
}

TEST_CASE("only missing blocks travel")
{
    Bench bench;
    bench.bmc.stage(bench.image, 2);
    const Run run = bench.install();
    CHECK(run.code == 0);
    CHECK(has(run.err, "resuming: 128.0 KiB of"));
    for (const FakeBmc::Seen& seen : bench.bmc.seen)
    {
        if (seen.command == Command::write_fragment)
        {
            CHECK(codec::decode_request<protocol::WriteFragmentRequest>(seen.data)->block >= 2);
        }
    }
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("a map of many pages is read whole")
{
    Bench bench;
    bench.image = make_image(40 * protocol::block_size);
    bench.file = bench.scratch.write("large", bench.image);
    bench.bmc.stage(bench.image, 39);
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::get_transfer_map) == 3);
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("blocks of one value travel as one byte")
{
    Bench bench;
    bench.image = Bytes(2 * protocol::block_size, 0xFF);
    bench.image.resize(bench.image.size() + 10, 0x01);
    bench.file = bench.scratch.write("flat", bench.image);
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::write_fragment) == 3);
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("a block that arrives damaged is sent again, but not for ever")
{
    Bench bench;
    bench.bmc.damaged_blocks = 2;
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.installed == bench.image);

    bench.image = make_image(100'000, 9);
    bench.file = bench.scratch.write("other", bench.image);
    bench.bmc.damaged_blocks = 1000;
    CHECK(bench.install().code == code(ExitCode::transfer_failed));
}

TEST_CASE("a broken session is opened again and the update goes on by itself")
{
    Bench bench;
    std::size_t fragments = 0;
    bench.bmc.reopen_failures = 3;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::write_fragment && ++fragments == 100)
        {
            bench.bmc.drop_session();
        }
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == 0);
    CHECK(bench.bmc.reopened == 1);
    CHECK(bench.bmc.installed == bench.image);
    CHECK(has(run.err, "does not answer"));
}

TEST_CASE("a session that is lost after exit does not cost the verdict")
{
    Bench bench;
    bench.bmc.reopen_failures = 6; // takes longer than the BMC is given to hash what is installed
    int verdicts_lost = 0;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::get_verdict && bench.bmc.exits > 0 && verdicts_lost < 2)
        {
            ++verdicts_lost;
            bench.bmc.drop_session();
        }
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(verdicts_lost == 2);
    CHECK(run.code == code(ExitCode::done));
    CHECK(bench.bmc.reopened == 2);
}

TEST_CASE("the agent restarts at any command: the update ends right")
{
    for (std::size_t at = 2; at < 420; at += at < 12 ? 1 : 23)
    {
        CAPTURE(at);
        Bench bench;
        std::size_t commands = 0;
        bench.bmc.on_command = [&](Command)
        {
            if (++commands == at)
            {
                bench.bmc.restart_agent();
                bench.bmc.drop_session();
            }
            return Loss::none;
        };
        const Run run = bench.install();
        CHECK_MESSAGE((run.code == 0 || run.code == code(ExitCode::failed)), run.err);
        if (run.code == 0)
        {
            CHECK(bench.bmc.installed == bench.image);
        }
    }
}

TEST_CASE("something answers D2h in the place of a BMC that restarts: the update goes on by itself")
{
    for (const int messages : {1, 20, 35}) // within the 5 min that the client waits
    {
        for (std::size_t at = 4; at < 420; at += at < 12 ? 1 : 23)
        {
            CAPTURE(messages);
            CAPTURE(at);
            Bench bench;
            bench.bmc.port_facts.kind = client::LinkKind::system_interface;
            std::size_t commands = 0;
            bench.bmc.on_command = [&](Command)
            {
                if (++commands == at)
                {
                    bench.bmc.restart_agent();
                    bench.bmc.starting = messages;
                    return Loss::answer;
                }
                return Loss::none;
            };
            const Run run = bench.install();
            CHECK_MESSAGE(run.code == 0, run.err);
            CHECK(bench.bmc.installed == bench.image);
        }
    }
}

TEST_CASE("a host that may only ask is told so, and not to log in")
{
    Bench bench;
    bench.bmc.port_facts.kind = client::LinkKind::system_interface;
    bench.bmc.begin_code = ipmi::CompletionCode::insufficient_privilege;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "the BMC's policy lets this host only ask"));
    CHECK_FALSE(has(run.err, "log in"));
}

TEST_CASE("every command's answer may get lost once: the update ends right")
{
    for (std::size_t at = 5; at < 160; ++at)
    {
        CAPTURE(at);
        Bench bench;
        bench.image = make_image(protocol::block_size + 77);
        bench.file = bench.scratch.write("small", bench.image);
        std::size_t commands = 0;
        bench.bmc.on_command = [&](Command) { return ++commands == at ? Loss::answer : Loss::none; };
        const Run run = bench.install();
        CHECK_MESSAGE(run.code == 0, run.err);
        CHECK(bench.bmc.installed == bench.image);
    }
}

TEST_CASE("a BMC that never comes back: transfer failed, and the way to go on is told")
{
    Bench bench;
    std::size_t fragments = 0;
    bench.bmc.reopen_failures = 1'000'000;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::write_fragment && ++fragments == 60)
        {
            bench.bmc.drop_session();
        }
        return Loss::none;
    };
    const Run run = bench.install({"defer-reboot"});
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "ipmitool -I lanplus -H bmc -U admin -E fwupdate resume " + bench.file + " defer-reboot"));
    REQUIRE(bench.note());
    CHECK(bench.note()->keywords.defer_reboot);

    bench.bmc.on_command = nullptr;
    bench.bmc.reopen_failures = 0;
    static_cast<void>(bench.bmc.reopen(0));
    const Run resumed = bench.run({"resume"});
    CHECK(resumed.code == code(ExitCode::done));
    CHECK(has(resumed.err, "resuming:"));
    CHECK((bench.bmc.parameters & protocol::parameter_defer_restart) != 0);
    CHECK(bench.bmc.installed == bench.image);
    CHECK_FALSE(bench.note());
}

TEST_CASE("^C leaves a transfer that can be resumed and frees update mode")
{
    Bench bench;
    std::size_t fragments = 0;
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt = bench.world.interrupt || (command == Command::write_fragment && ++fragments == 60);
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "fwupdate resume"));
    CHECK(bench.bmc.exits == 1);
    CHECK(bench.bmc.staged_blocks() == 1);
    CHECK(bench.note());
}

TEST_CASE("^C before anything arrived claims nothing")
{
    Bench bench;
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt = bench.world.interrupt || command == Command::begin_transfer;
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "Nothing has arrived yet"));
    CHECK_FALSE(has(run.err, "What arrived is kept"));
}

TEST_CASE("a note that cannot be kept is told; the install goes on")
{
    Bench bench;
    std::ofstream{bench.scratch.path() / "notes"} << "a file, not a directory";
    const Run run = bench.install();
    CHECK(run.code == 0);
    CHECK(has(run.err, "no note could be kept"));
}

TEST_CASE("another image's note survives an install")
{
    Bench bench;
    client::Notes{bench.scratch.path() / "notes"}.keep("bmc", {bench.file, {}, false, Sha256{9}, 1, {}});
    bench.bmc.installed = bench.image;
    CHECK(bench.install().code == code(ExitCode::already_current));
    CHECK(bench.note());
}

TEST_CASE("abort gives an interrupted install up: nothing is left to resume")
{
    Bench bench;
    std::size_t fragments = 0;
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt = bench.world.interrupt || (command == Command::write_fragment && ++fragments == 60);
        return Loss::none;
    };
    CHECK(bench.install().code == code(ExitCode::transfer_failed));
    REQUIRE(bench.bmc.staged_blocks() == 1);
    bench.bmc.on_command = nullptr;
    bench.world.interrupt = false;

    const Run run = bench.run({"abort"});
    CHECK(run.code == 0);
    CHECK(has(run.out, "no transfer was under way; what was staged is dropped"));
    CHECK(bench.bmc.staged_blocks() == 0);
    CHECK(bench.bmc.exits == 2);
    CHECK_FALSE(bench.note());
}

TEST_CASE("abort can't take back what is being programmed or ready, and says so")
{
    Bench bench;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    bench.bmc.session.state = UpdateState::ready;
    const Run run = bench.run({"abort"});
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "'fwupdate exit' makes the update take effect"));
    CHECK(bench.bmc.exits == 0);
    bench.bmc.session.state = UpdateState::verify;
    CHECK(bench.run({"abort"}).code == 0);
}

TEST_CASE("^C while the BMC programs does not make it restart; resume waits for it")
{
    Bench bench;
    bench.bmc.polls_per_state = 20;
    std::size_t polls = 0;
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt = bench.world.interrupt || (command == Command::get_update_session &&
                                                          bench.bmc.staged_blocks() == 4 && ++polls == 30);
        return Loss::none;
    };
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "resume waits for it"));
    CHECK(bench.bmc.exits == 0);

    bench.bmc.on_command = nullptr;
    bench.world.interrupt = false;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    CHECK(bench.run({"resume"}).code == 0);
    CHECK(bench.bmc.exits == 1);
    CHECK(bench.bmc.count(Command::begin_transfer) == 1);
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("^C in programming, and ready at the next look: the update takes effect by resume, not by itself")
{
    for (const bool again : {false, true}) // by a second install, or by resume
    {
        CAPTURE(again);
        Bench bench;
        std::size_t polls = 0;
        bench.bmc.targets[0].restart = protocol::Restart::bmc;
        bench.bmc.restart_after = 3;
        bench.bmc.on_command = [&](Command command)
        {
            bench.world.interrupt =
                bench.world.interrupt || (command == Command::get_update_session &&
                                          bench.bmc.session.state == UpdateState::program && ++polls == 1);
            return Loss::none;
        };
        CHECK(bench.install().code == code(ExitCode::transfer_failed));
        bench.bmc.on_command = nullptr;
        bench.world.interrupt = false;
        bench.bmc.polls_until_ready();
        bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
        REQUIRE(bench.bmc.installed == bench.image);

        const Run run = again ? bench.install() : bench.run({"resume"});
        CHECK_MESSAGE(run.code == 0, run.err);
        CHECK(bench.bmc.exits == 1);
        CHECK(bench.bmc.count(Command::begin_transfer) == 1);
        CHECK_FALSE(bench.note());
    }
}

TEST_CASE("already current: the note of the install goes, and a pending restart is explained")
{
    Bench bench;
    bench.bmc.installed = bench.image;
    bench.bmc.targets[0].flags.bits |= protocol::target_restart_pending;
    client::Notes{bench.scratch.path() / "notes"}.keep("bmc", {bench.file, {}, false, sha256(bench.image), 1, {}});
    const Run run = bench.run({"resume"});
    CHECK(run.code == code(ExitCode::already_current));
    CHECK(has(run.out, "restart the BMC"));
    CHECK_FALSE(bench.note());
}

TEST_CASE("resume without a note wants the image named; with a changed image it refuses")
{
    Bench bench;
    CHECK(bench.run({"resume"}).code == code(ExitCode::usage));
    client::Notes{bench.scratch.path() / "notes"}.keep("bmc", {bench.file, {}, false, Sha256{}, 1, {}});
    const Run changed = bench.run({"resume"});
    CHECK(changed.code == code(ExitCode::bad_image));
    CHECK(has(changed.err, "'fwupdate install " + bench.file + "' starts anew"));
    CHECK(bench.run({"resume", bench.file}).code == 0);
}

TEST_CASE("update mode held by another user is left alone, unless forced")
{
    Bench bench;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_holder_alive;
    bench.bmc.session.state = UpdateState::download;
    bench.bmc.session.holder.value = "bob";
    bench.bmc.session.idle = 12;
    bench.bmc.session.lease_remaining = 48;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "'bob'"));
    CHECK(has(run.err, "48 s"));
    CHECK(bench.bmc.count(Command::take_over) == 0);
    CHECK(bench.bmc.exits == 0);
    CHECK(bench.install({"force"}).code == 0);
    CHECK(bench.bmc.count(Command::take_over) == 1);
}

TEST_CASE("a BMC that admits nobody for a restart that is due is asked again, for a while")
{
    Bench bench;
    bench.bmc.busy_entries = 3;
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::enter_update_mode) == 4);

    bench.bmc.installed = {'o', 'l', 'd'};
    bench.bmc.busy_entries = 1000;
    const TimePoint begun = bench.world.now();
    CHECK(bench.install().code == code(ExitCode::refused));
    CHECK(bench.world.now() - begun >= std::chrono::seconds{10});
    CHECK(bench.world.now() - begun < std::chrono::seconds{15});

    bench.bmc.busy_entries = 3;
    CHECK(bench.run({"enter"}).code == 0);
}

TEST_CASE("an install that was taken over in the midst ends, and takes nothing back")
{
    for (const bool force : {false, true})
    {
        CAPTURE(force);
        Bench bench;
        std::size_t fragments = 0;
        bench.bmc.on_command = [&](Command command)
        {
            if (command == Command::write_fragment && ++fragments == 60)
            {
                bench.bmc.session.flags.bits =
                    protocol::session_in_mode | protocol::session_same_user | protocol::session_holder_alive;
                bench.bmc.session.holder.value = "admin";
                bench.bmc.session.idle = 0;
            }
            return Loss::none;
        };
        const Run run = bench.install(force ? std::vector<std::string>{"force"} : std::vector<std::string>{});
        CHECK(run.code == code(ExitCode::refused));
        CHECK(has(run.err, "taken over by user 'admin'"));
        CHECK(bench.bmc.count(Command::take_over) == 0);
        CHECK(bench.bmc.count(Command::begin_transfer) == 1);
        CHECK(bench.bmc.exits == 0);
    }
}

TEST_CASE("two commands of one owner: the one whose transfer was replaced ends")
{
    Bench bench;
    std::size_t fragments = 0;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::write_fragment && ++fragments == 60)
        {
            bench.bmc.replace_transfer();
        }
        return Loss::none;
    };
    CHECK(bench.install().code == code(ExitCode::refused));
    CHECK(bench.bmc.count(Command::begin_transfer) == 1);
    CHECK(bench.bmc.exits == 0);
}

TEST_CASE("a broken session is not won back from a live one of the same user")
{
    Bench bench;
    std::size_t fragments = 0;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::write_fragment && ++fragments == 60)
        {
            bench.bmc.drop_session();
            bench.bmc.session.flags.bits =
                protocol::session_in_mode | protocol::session_same_user | protocol::session_holder_alive;
        }
        return Loss::none;
    };
    CHECK(bench.install({"force"}).code == code(ExitCode::refused));
    CHECK(bench.bmc.count(Command::take_over) == 0);
}

TEST_CASE("an abandoned session of the same user is taken over by itself, an active one is not")
{
    Bench bench;
    bench.bmc.session.flags.bits =
        protocol::session_in_mode | protocol::session_same_user | protocol::session_holder_alive;
    bench.bmc.session.state = UpdateState::download;
    bench.bmc.session.idle = 2;
    CHECK(bench.install().code == code(ExitCode::refused));

    bench.world.on_sleep = [&](TimePoint) { bench.bmc.session.idle++; };
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::take_over) == 1);
}

TEST_CASE("a live session of the same user ends while somebody looks at it: the mode is free")
{
    Bench bench;
    bench.bmc.session.state = UpdateState::download;
    bench.bmc.session.flags.bits =
        protocol::session_in_mode | protocol::session_same_user | protocol::session_holder_alive;
    bench.world.on_sleep = [&](TimePoint)
    {
        if (bench.bmc.session.flags.has(protocol::session_holder_alive))
        {
            bench.bmc.restart_agent();
        }
    };
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.bmc.count(Command::take_over) == 0);
}

TEST_CASE("a session of the same user that has ended is adopted without ado")
{
    Bench bench;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    bench.bmc.session.state = UpdateState::download;
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::take_over) == 0);
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
}

TEST_CASE("the client died while the BMC was programming: resume goes on from there")
{
    Bench bench;
    bench.bmc.stage(bench.image, 4);
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    bench.bmc.session.state = UpdateState::program;
    bench.bmc.session.target = 1;
    bench.bmc.verdict.last_sha256 = sha256(bench.image);
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::begin_transfer) == 0);
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("another image is being programmed: refused, and not disturbed")
{
    Bench bench;
    bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_same_user;
    bench.bmc.session.state = UpdateState::ready;
    bench.bmc.session.target = 1;
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(bench.bmc.exits == 0);
}

TEST_CASE("why it failed decides the exit code, and the text is the BMC's")
{
    struct Row
    {
        UpdateState at;
        protocol::ReasonCode reason;
        ExitCode code;
    };
    for (const Row& row :
         {Row{UpdateState::verify, protocol::ReasonCode::digest_mismatch, ExitCode::verification_failed},
          Row{UpdateState::verify, protocol::ReasonCode::signature_bad, ExitCode::verification_failed},
          Row{UpdateState::verify, protocol::ReasonCode::downgrade_refused, ExitCode::refused},
          Row{UpdateState::program, protocol::ReasonCode::read_back_mismatch, ExitCode::program_failed},
          Row{UpdateState::program, protocol::ReasonCode::internal, ExitCode::program_failed}})
    {
        CAPTURE(static_cast<int>(row.reason));
        Bench bench;
        bench.bmc.fails_at = row.at;
        bench.bmc.reason.code = row.reason;
        bench.bmc.reason.phase = row.at;
        bench.bmc.reason_text = "a reason that is longer than one answer carries\x1B[31m";
        const Run run = bench.install();
        CHECK(run.code == code(row.code));
        CHECK(has(run.err, "a reason that is longer than one answer carries?[31m"));
        CHECK(bench.bmc.exits == 1);
    }
}

TEST_CASE("a refusal by policy carries its reason")
{
    Bench bench;
    bench.bmc.begin_code = protocol::refused_by_policy;
    bench.bmc.reason.code = protocol::ReasonCode::no_space;
    bench.bmc.reason_text = "the staging folder is full";
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "the staging folder is full"));
}

TEST_CASE("an image that is too large is refused before it travels")
{
    Bench bench;
    bench.bmc.targets[0].max_size = 1000;
    CHECK(bench.install().code == code(ExitCode::refused));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
}

TEST_CASE("blocks lost on the BMC after all are sent again")
{
    Bench bench;
    bench.bmc.complete_code = protocol::transfer_incomplete;
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.count(Command::begin_transfer) == 2);
}

TEST_CASE("a BMC that stalls in programming is given up after five minutes without progress")
{
    Bench bench;
    bench.bmc.stalled = true;
    const TimePoint begun = bench.world.now();
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::program_failed));
    CHECK(bench.world.now() - begun >= std::chrono::minutes{5});
    CHECK(bench.world.now() - begun < std::chrono::minutes{6});
}

TEST_CASE("what the BMC's configuration starts may take its time: the BMC says that it runs")
{
    Bench bench;
    bench.bmc.stalled = true;
    int polls = 0;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::get_update_session && bench.bmc.session.state == UpdateState::verify)
        {
            constexpr int half_an_hour = 6000; // polls
            ++polls;
            bench.bmc.stalled = polls < half_an_hour;
            bench.bmc.session.flags.bits =
                static_cast<std::uint8_t>((bench.bmc.session.flags.bits & ~protocol::session_acting) |
                                          (bench.bmc.stalled ? protocol::session_acting : 0));
        }
        return Loss::none;
    };
    const TimePoint begun = bench.world.now();
    CHECK(bench.install().code == 0);
    CHECK(bench.world.now() - begun > std::chrono::minutes{25});
}

TEST_CASE("a percentage that goes to and fro is no progress, and never more than 100")
{
    Bench bench;
    bench.bmc.stalled = true;
    bool high = false;
    bench.bmc.on_command = [&](Command command)
    {
        if (command == Command::get_update_session && bench.bmc.session.state == UpdateState::verify)
        {
            high = !high;
            bench.bmc.session.percent = high ? 255 : 0;
        }
        return Loss::none;
    };
    const TimePoint begun = bench.world.now();
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::program_failed));
    CHECK(bench.world.now() - begun < std::chrono::minutes{6});
    CHECK(has(run.err, "100 %"));
    CHECK_FALSE(has(run.err, "255 %"));
}

TEST_CASE("progress ends at 100 %")
{
    Bench bench;
    bench.bmc.polls_per_state = 50;
    const auto lines = bench.install({"json"}).lines();
    REQUIRE(lines.size() > 3);
    std::size_t last = lines.size();
    while (last-- > 0 && lines[last]["event"] != "progress")
    {
    }
    REQUIRE(last < lines.size());
    CHECK(lines[last]["phase"] == "program");
    CHECK(lines[last]["percent"] == 100);
}

TEST_CASE("the BMC restarts: the verdict is told after it came back")
{
    Bench bench;
    bench.bmc.targets[0].restart = protocol::Restart::bmc;
    bench.bmc.restart_after = 3;
    bench.bmc.reopen_failures = 90;

    SUBCASE("updated")
    {
        const Run run = bench.install();
        CHECK(run.code == 0);
        CHECK(has(run.out, "version 2.0"));
        CHECK(has(run.err, "the BMC is restarting"));
    }
    SUBCASE("fell back")
    {
        bench.bmc.falls_back = true;
        CHECK(bench.install().code == code(ExitCode::fell_back));
    }
    SUBCASE("did not return")
    {
        bench.bmc.reopen_failures = 1'000'000;
        const Run run = bench.install();
        CHECK(run.code == code(ExitCode::no_return));
    }
    SUBCASE("did not restart")
    {
        bench.bmc.restart_after = 0;
        CHECK(bench.install().code == code(ExitCode::no_return));
    }
    SUBCASE("not waited for")
    {
        CHECK(bench.install({"no-wait"}).code == code(ExitCode::accepted));
    }
    SUBCASE("deferred")
    {
        CHECK(bench.install({"defer-reboot"}).code == code(ExitCode::accepted));
    }
    SUBCASE("deferred, and waited for however long")
    {
        bench.bmc.restart_after = 5000;
        CHECK(bench.install({"defer-reboot", "wait-reboot"}).code == 0);
    }
}

TEST_CASE("JSON lines end with the result")
{
    Bench bench;
    const Run run = bench.install({"json"});
    CHECK(run.err.empty());
    const auto lines = run.lines();
    REQUIRE(lines.size() > 3);
    CHECK(lines.front()["event"] == "progress");
    CHECK(lines.back()["event"] == "result");
    CHECK(lines.back()["result"] == "done");
    CHECK(lines.back()["exit_code"] == 0);
}

TEST_CASE("a BMC that does not answer at all is a plain failure")
{
    Bench bench;
    bench.bmc.drop_session();
    const Run run = bench.install();
    CHECK(run.code == code(ExitCode::failed));
    CHECK(has(run.err, "does not answer"));
}

TEST_CASE("small channels get small fragments, and no request is longer than the channel carries")
{
    Bench bench;
    bench.image = make_image(70'000);
    bench.file = bench.scratch.write("kcs", bench.image);
    bench.bmc.port_facts.max_message = 240;
    bench.bmc.port_facts.kind = client::LinkKind::system_interface;
    CHECK(bench.install().code == 0);
    CHECK(bench.bmc.longest_request <= 240);
    CHECK(bench.bmc.installed == bench.image);
}
