// The USB drive from the client's side, against a BMC and a host's disks that are played.
#include "ipmitool-plugin/client/exit_code.hpp"
#include "ipmitool-plugin/client/note.hpp"
#include "tests/ipmitool-plugin/fake_bmc.hpp"
#include "tests/ipmitool-plugin/fake_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

using namespace fwupdate;
using namespace fwupdate::test;
using client::ExitCode;
using protocol::Command;

namespace
{

constexpr auto serial = "0123456789ABCDEF";
constexpr std::uint64_t drive_size = 8U << 20;

struct Bench
{
    Bench()
    {
        bmc.port_facts.kind = client::LinkKind::system_interface;
        bmc.port_facts.peer = "open";
        bmc.port_facts.command_line = "ipmitool -I open";
        bmc.port_facts.max_message = bmc.port_facts.max_write = bmc.capabilities.max_message = 240;
        bmc.capabilities.features.bits |= protocol::feature_usb;
        bmc.drive = {1, drive_size, {serial}, {"FWLABEL"}};
        drives.disks["FFFFFFFFFFFFFFFF"] = {"sda", 500U << 20}; // somebody else's
        drives.disks[serial] = {"sdb", drive_size};
        bmc.read_drive = [this] { return drives.written["sdb"]; };
    }

    /// A slow system interface.
    void slow_down()
    {
        bmc.on_command = [this](Command)
        {
            world.sleep_for(std::chrono::milliseconds{20});
            return FakeBmc::Loss::none;
        };
    }

    /// Looks how long the BMC hears nothing while the drive is plugged in.
    void measure_silence()
    {
        bmc.on_command = [this](Command)
        {
            const TimePoint now = world.now();
            silence = bmc.plugged_in ? std::max(silence, now - heard) : silence;
            heard = now;
            return FakeBmc::Loss::none;
        };
    }

    /// Every piece makes the host wait for 20 s.
    void slow_down_drive()
    {
        drives.reports = 100;
        drives.on_report = [this] { world.sleep_for(std::chrono::milliseconds{200}); };
    }

    Run run(const std::vector<std::string>& arguments)
    {
        drives.written.clear();
        return run_command(arguments, bmc, world, scratch.path() / "notes", false, false, &drives);
    }

    ScratchDirectory scratch;
    FakeWorld world;
    FakeBmc bmc;
    FakeDrives drives;
    Duration silence{};
    TimePoint heard;
    Bytes image = make_image(3 * protocol::block_size + 1000);
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

TEST_CASE("usb: plug in, write exactly this drive, plug out, name the file, complete")
{
    Bench bench;
    const Run run = bench.run({"usb", bench.file});
    CHECK(run.code == 0);
    CHECK(has(run.out, "bmc-image: updated"));
    CHECK(has(run.err, "serial number 0123456789ABCDEF, is /dev/sdb"));
    CHECK(has(run.err, "transfer 100 %"));
    CHECK(bench.drives.written.size() == 1);
    CHECK(bench.drives.written["sdb"] == bench.image);
    CHECK(bench.bmc.installed == bench.image);
    CHECK_FALSE(bench.bmc.plugged_in);
    CHECK(bench.bmc.count(Command::write_fragment) == 0);
}

TEST_CASE("a drive that never appears: nothing else is written, the drive is plugged out, the reason says what to do")
{
    Bench bench;
    bench.drives.disks.erase(serial);
    const Run run = bench.run({"usb", bench.file});
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "has not appeared at this host within 30 s"));
    CHECK(has(run.err, "transport stream"));
    CHECK(bench.drives.written.empty());
    CHECK_FALSE(bench.bmc.plugged_in);
    CHECK(bench.bmc.exits == 1); // nobody has to wait for the lease
}

TEST_CASE("a disk with the serial number and another size is left alone")
{
    Bench bench;
    bench.drives.disks[serial].size = 999;
    const Run run = bench.run({"usb", bench.file});
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "left alone"));
    CHECK(bench.drives.written.empty());
    CHECK_FALSE(bench.bmc.plugged_in);
}

TEST_CASE("a drive that takes its time is waited for, and the lease doesn't end meanwhile")
{
    Bench bench;
    bench.measure_silence();
    bench.drives.disks.erase(serial);
    const TimePoint begun = bench.world.now();
    bench.world.on_sleep = [&](TimePoint now)
    {
        if (now - begun > std::chrono::seconds{10})
        {
            bench.drives.disks[serial] = {"sdc", drive_size};
        }
    };
    bench.bmc.read_drive = [&] { return bench.drives.written["sdc"]; };
    CHECK(bench.run({"usb", bench.file}).code == 0);
    CHECK(bench.silence < std::chrono::seconds{2});
}

TEST_CASE("a slow drive: the lease doesn't end while it makes the host wait")
{
    Bench bench;
    bench.image = make_image(protocol::block_size);
    bench.file = bench.scratch.write("small.bin", bench.image);
    bench.measure_silence();
    bench.slow_down_drive();
    const TimePoint begun = bench.world.now();
    CHECK(bench.run({"usb", bench.file}).code == 0);
    CHECK(bench.world.now() - begun > std::chrono::minutes{5});
    CHECK(bench.silence < std::chrono::seconds{2});
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("a BMC that does not answer for a while does not stop the writing")
{
    Bench bench;
    bench.slow_down_drive();
    bench.bmc.on_command = [&](Command command)
    {
        const bool writing = command == Command::get_update_session && bench.bmc.plugged_in;
        return writing ? FakeBmc::Loss::request : FakeBmc::Loss::none;
    };
    CHECK(bench.run({"usb", bench.file}).code == 0);
    CHECK(bench.bmc.installed == bench.image);
    CHECK(bench.bmc.count(Command::begin_transfer) == 1);
}

TEST_CASE("update mode lost while the drive is in use: it begins again")
{
    Bench bench;
    bool lost = false;
    const auto lose_once = [&]
    {
        if (!std::exchange(lost, true))
        {
            bench.bmc.restart_agent();
        }
    };
    SUBCASE("the BMC says so")
    {
        bench.slow_down_drive();
        bench.drives.on_report = [&]
        {
            bench.world.sleep_for(std::chrono::milliseconds{200});
            lose_once();
        };
    }
    SUBCASE("the drive says so first")
    {
        bench.drives.on_report = [&]
        {
            bench.drives.failure = fail(ErrorKind::input_output, "cannot write to the drive: Input/output error");
            lose_once();
        };
        bench.bmc.on_command = [&](Command command)
        {
            if (command == Command::begin_transfer && lost)
            {
                bench.drives.failure.reset();
                bench.drives.on_report = nullptr;
            }
            return FakeBmc::Loss::none;
        };
    }
    SUBCASE("when it is plugged out")
    {
        bench.bmc.on_command = [&](Command command)
        {
            if (command == Command::update_control && bench.bmc.plugged_in)
            {
                lose_once();
            }
            return FakeBmc::Loss::none;
        };
    }
    SUBCASE("before the drive appears")
    {
        bench.drives.disks.erase(serial);
        bench.world.on_sleep = [&](TimePoint)
        {
            if (bench.bmc.plugged_in && lost)
            {
                bench.drives.disks[serial] = {"sdb", drive_size};
            }
            else if (bench.bmc.plugged_in)
            {
                lose_once();
            }
        };
    }
    const Run run = bench.run({"usb", bench.file});
    CHECK(lost);
    CHECK(run.code == 0);
    CHECK(has(run.err, "beginning again"));
    CHECK(bench.bmc.installed == bench.image);
}

TEST_CASE("update mode taken over while the drive is in use: this command ends")
{
    Bench bench;
    bench.slow_down_drive();
    bench.drives.on_report = [&]
    {
        bench.world.sleep_for(std::chrono::milliseconds{200});
        bench.bmc.session.flags.bits = protocol::session_in_mode | protocol::session_holder_alive;
        bench.bmc.session.holder.value = "bob";
    };
    const Run run = bench.run({"usb", bench.file});
    CHECK(run.code == code(ExitCode::refused));
    CHECK(has(run.err, "taken over by user 'bob'"));
    CHECK(bench.bmc.exits == 0);
}

TEST_CASE("writing fails, or is interrupted: the drive is plugged out")
{
    Bench bench;
    bench.drives.failure = fail(ErrorKind::input_output, "cannot write to the drive: Input/output error");
    const Run failed = bench.run({"usb", bench.file});
    CHECK(failed.code == code(ExitCode::transfer_failed));
    CHECK(has(failed.err, "/dev/sdb: cannot write to the drive"));
    CHECK_FALSE(bench.bmc.plugged_in);

    bench.drives.failure.reset();
    bench.bmc.on_command = [&](Command command)
    {
        bench.world.interrupt = bench.world.interrupt || command == Command::get_usb_drive;
        return FakeBmc::Loss::none;
    };
    const Run interrupted = bench.run({"usb", bench.file});
    CHECK(interrupted.code != 0);
    CHECK_FALSE(bench.bmc.plugged_in);
}

TEST_CASE("the BMC does not find the file: its reason is told")
{
    Bench bench;
    bench.bmc.read_drive = [] { return Bytes{}; };
    bench.bmc.reason.code = protocol::ReasonCode::transport_failed;
    bench.bmc.reason_text = "there is no file";
    const Run run = bench.run({"usb", bench.file});
    CHECK(run.code == code(ExitCode::transfer_failed));
    CHECK(has(run.err, "there is no file"));
}

TEST_CASE("install takes the drive where it is faster, and says why")
{
    Bench bench;
    bench.slow_down();
    const Run drive = bench.run({"install", bench.file});
    CHECK(drive.code == 0);
    CHECK(has(drive.err, "over the BMC's USB drive"));
    CHECK(has(drive.err, "using the drive"));
    CHECK(bench.bmc.count(Command::write_fragment) == 0);
}

TEST_CASE("install streams where the drive does not work out")
{
    Bench bench;
    bench.slow_down();
    bench.drives.disks.erase(serial);
    const Run streamed = bench.run({"install", bench.file});
    CHECK(streamed.code == 0);
    CHECK(has(streamed.err, "has not appeared"));
    CHECK(has(streamed.err, "streaming over IPMI"));
    CHECK(bench.bmc.count(Command::write_fragment) != 0);
    CHECK_FALSE(bench.bmc.plugged_in);
}

TEST_CASE("install streams where that is faster, where nobody may mount, on a LAN, and when told")
{
    const auto streams = [](const std::function<void(Bench&)>& arrange, const std::vector<std::string>& words)
    {
        Bench bench;
        bench.slow_down();
        arrange(bench);
        std::vector<std::string> arguments{"install", bench.file};
        arguments.insert(arguments.end(), words.begin(), words.end());
        return bench.run(arguments).code == 0 && bench.bmc.count(Command::write_fragment) != 0;
    };
    CHECK(streams([](Bench& bench) { bench.bmc.on_command = nullptr; }, {}));
    CHECK(streams([](Bench& bench) { bench.drives.usable = false; }, {}));
    CHECK(streams([](Bench& bench) { bench.bmc.port_facts.kind = client::LinkKind::lan; }, {}));
    CHECK(streams([](Bench& bench) { bench.bmc.capabilities.features.bits &= ~protocol::feature_usb; }, {}));
    CHECK(streams([](Bench&) {}, {"transport", "stream"}));
}

TEST_CASE("usb from a remote console says where the drive appears and how to go on; nothing is changed")
{
    Bench bench;
    bench.bmc.port_facts.kind = client::LinkKind::lan;
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"usb", bench.file}, {"install", bench.file, "transport", "usb"}})
    {
        const Run run = bench.run(arguments);
        CHECK(run.code == code(ExitCode::refused));
        CHECK(has(run.err, "at its host, not at this console"));
        CHECK(has(run.err, "'fwupdate usb-in'"));
    }
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
}

TEST_CASE("usb where it can't work is refused before anything is changed")
{
    Bench bench;
    bench.drives.usable = false;
    CHECK(has(bench.run({"usb", bench.file}).err, "takes root"));
    bench.drives.usable = true;
    bench.bmc.capabilities.features.bits &= ~protocol::feature_usb;
    CHECK(has(bench.run({"usb", bench.file}).err, "has no USB drive"));
    CHECK(bench.bmc.count(Command::enter_update_mode) == 0);
}

TEST_CASE("the single steps")
{
    Bench bench;
    REQUIRE(bench.run({"enter"}).code == 0);
    bench.bmc.session.state = protocol::UpdateState::download;
    const Run in = bench.run({"usb-in"});
    CHECK(in.code == 0);
    CHECK(has(in.out, "0123456789ABCDEF"));
    CHECK(has(in.out, "FWLABEL"));
    CHECK(has(in.out, "at this host"));
    CHECK(bench.bmc.plugged_in);
    CHECK(bench.run({"usb-in"}).code == code(ExitCode::refused)); // twice
    CHECK(bench.run({"usb-out"}).code == 0);
    CHECK_FALSE(bench.bmc.plugged_in);
    CHECK(bench.run({"usb-out"}).code == code(ExitCode::refused));
    CHECK(bench.run({"uri", "usb://dir/image.bin"}).code == 0);
    CHECK(bench.bmc.uri == "usb://dir/image.bin");
    CHECK(bench.run({"uri", "image.bin"}).code == code(ExitCode::usage));
    CHECK(bench.run({"uri"}).code == code(ExitCode::usage));
    CHECK(bench.run({"uri", "usb://" + std::string(300, 'a')}).code == code(ExitCode::usage));
    bench.bmc.port_facts.kind = client::LinkKind::lan;
    CHECK(has(bench.run({"usb-in"}).out, "not at this console"));
    CHECK(bench.run({"install", bench.file, "transport", "pigeon"}).code == code(ExitCode::usage));
}

TEST_CASE("resume remembers the way")
{
    Bench bench;
    bench.drives.failure = fail(ErrorKind::input_output, "cannot write to the drive");
    CHECK(bench.run({"usb", bench.file}).code == code(ExitCode::transfer_failed));
    bench.drives.failure.reset();
    const Run resumed = bench.run({"resume"});
    CHECK(resumed.code == 0);
    CHECK(bench.bmc.count(Command::write_fragment) == 0);
    CHECK(bench.bmc.installed == bench.image);
}
