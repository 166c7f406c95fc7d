#include "bmc-agent/actions/file_systemd_action.hpp"
#include "tests/bmc-agent/actions/action_bench.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent;
using std::chrono::milliseconds;

namespace
{

/// What systemd would do, said by the test. tests/vm/systemd.py asks the real one; the files are real here.
struct Script
{
    std::string unit;
    dbus::UnitJob::Ended ended;
    int cancelled{};
};

class ScriptedJob final : public dbus::UnitJob
{
  public:
    explicit ScriptedJob(Script& script) : script_{&script} {}

    void start(const std::string& unit, const std::string& /*mode*/, Ended ended) override
    {
        script_->unit = unit;
        script_->ended = std::move(ended);
    }
    void cancel() noexcept override
    {
        script_->cancelled += script_->ended ? 1 : 0;
        script_->ended = nullptr;
    }

  private:
    Script* script_;
};

struct FileBench : ActionBench
{
    test::TemporaryDirectory directory;
    std::filesystem::path file{directory.path() / "status"};
    Script job;

    FileBench()
    {
        begin(file);
    }

    void begin(const std::filesystem::path& path)
    {
        action = std::make_unique<FileSystemdAction>(config::flash::FileSystemd{path, {"flash.service"}}, parts,
                                                     std::make_unique<ScriptedJob>(job));
    }

    void write(std::string_view text) const
    {
        std::ofstream{file} << text;
    }

    void end_job(const dbus::UnitEnd& end)
    {
        const auto ended = job.ended;
        REQUIRE(ended);
        ended(end);
    }

    /// Lets the loop run for a while: nothing happens.
    void settle()
    {
        until([] { return false; }, milliseconds{60});
    }
};

} // namespace

TEST_CASE("the file says unknown when the unit starts; success waits for the job's end")
{
    FileBench bench;
    bench.start();
    CHECK(bench.running());
    CHECK(bench.job.unit == "flash.service");
    CHECK(read_status(bench.file).value_or("") == "unknown");
    bench.write("running");
    bench.settle();
    bench.write("success");
    bench.settle();
    CHECK(bench.running());
    bench.end_job({true, {}});
    CHECK(bench.finish() == ActionState::succeeded);
    CHECK(bench.told.size() == 1);
}

TEST_CASE("a job that ended before the file said so")
{
    FileBench bench;
    bench.start();
    bench.end_job({true, {}});
    bench.settle();
    CHECK(bench.running());
    SUBCASE("written in place")
    {
        bench.write("success");
    }
    SUBCASE("replaced")
    {
        std::ofstream{bench.directory.path() / "new"} << "success\n";
        std::filesystem::rename(bench.directory.path() / "new", bench.file);
    }
    CHECK(bench.finish() == ActionState::succeeded);
}

TEST_CASE("failures: the file's, the job's in spite of the file, and a file that is gone")
{
    FileBench bench;
    bench.start();
    SUBCASE("the file says so")
    {
        bench.write("failed badly");
        CHECK(bench.finish() == ActionState::failed);
        CHECK(bench.text() == "unit flash.service says in " + bench.file.string() +
                                  " that it failed; look at: journalctl -u flash.service");
    }
    SUBCASE("the job fails")
    {
        bench.write("success");
        bench.settle();
        bench.end_job({false, "unit flash.service: it failed"});
        CHECK(bench.finish() == ActionState::failed);
        CHECK(bench.text() == "unit flash.service: it failed");
    }
    SUBCASE("no file while the job runs is no failure, afterwards it is")
    {
        std::filesystem::remove(bench.file);
        bench.settle();
        CHECK(bench.running());
        bench.end_job({true, {}});
        CHECK(bench.finish() == ActionState::failed);
        CHECK(bench.text().find("has left no status file") != std::string::npos);
    }
    SUBCASE("removed after the job's end")
    {
        bench.end_job({true, {}});
        std::filesystem::remove(bench.file);
        CHECK(bench.finish() == ActionState::failed);
    }
    SUBCASE("a FIFO in its place is no status file")
    {
        bench.end_job({true, {}});
        REQUIRE(::mkfifo((bench.directory.path() / "fifo").c_str(), 0600) == 0);
        std::filesystem::rename(bench.directory.path() / "fifo", bench.file);
        CHECK(bench.finish() == ActionState::failed);
    }
    SUBCASE("the whole directory removed")
    {
        bench.end_job({true, {}});
        std::filesystem::remove_all(bench.directory.path());
        CHECK(bench.finish() == ActionState::failed);
    }
    CHECK(bench.told.size() == 1);
    CHECK_FALSE(bench.job.ended);
}

TEST_CASE("a huge file, and much that happens beside it, change nothing")
{
    FileBench bench;
    bench.start();
    for (int number = 0; number < 300; ++number)
    {
        std::ofstream{bench.directory.path() / std::to_string(number)} << number;
    }
    bench.write("running " + std::string(1U << 20, 'x'));
    bench.settle();
    CHECK(bench.running());
    CHECK(bench.told.empty());
    bench.write("failed " + std::string(1U << 20, 'x'));
    CHECK(bench.finish() == ActionState::failed);
}

TEST_CASE("nothing is started where the file cannot be written or watched")
{
    FileBench bench;
    SUBCASE("no directory")
    {
        bench.begin("/no/such/directory/status");
    }
    SUBCASE("a directory in its place")
    {
        bench.begin(bench.directory.path());
    }
    bench.start();
    CHECK(bench.action->report().state == ActionState::failed);
    CHECK(bench.text().starts_with("cannot write the status file"));
    CHECK(bench.job.unit.empty());
    CHECK(bench.told.empty());
}

TEST_CASE("an abort cancels the job, and nothing is told any more; it can be started anew")
{
    FileBench bench;
    bench.start();
    bench.action->abort();
    CHECK(bench.action->report().state == ActionState::idle);
    CHECK(bench.job.cancelled == 1);
    bench.write("failed");
    bench.settle();
    CHECK(bench.told.empty());
    bench.start();
    CHECK(bench.running());
    CHECK(read_status(bench.file).value_or("") == "unknown");
    bench.end_job({true, {}});
    bench.write("success");
    CHECK(bench.finish() == ActionState::succeeded);
}

TEST_CASE("patience: a file that changes has it begin again")
{
    FileBench bench;
    bench.parts.patience = std::chrono::seconds{1};
    bench.begin(bench.file);
    bench.start();
    for (int number = 0; number < 4; ++number)
    {
        bench.until([] { return false; }, milliseconds{500});
        bench.write("running " + std::to_string(number));
    }
    CHECK(bench.running());
    CHECK(bench.finish() == ActionState::failed);
    CHECK(bench.text().starts_with("nothing moved for 1 s, so it was given up; " + bench.file.string() +
                                   " does not say that it ended"));
    CHECK(bench.job.cancelled == 1);
}

TEST_CASE("it may be started anew, or destroyed, by whoever is told of its end")
{
    FileBench bench;
    bench.start();
    SUBCASE("anew")
    {
        bench.then = [&]
        {
            bench.then = nullptr;
            bench.start();
        };
        bench.write("failed");
        CHECK(bench.until([&] { return bench.told.size() == 1; }));
        CHECK(bench.running());
    }
    SUBCASE("destroyed")
    {
        bench.then = [&] { bench.action.reset(); };
        bench.write("failed");
        CHECK(bench.until([&] { return bench.action == nullptr; }));
        bench.settle();
    }
}
