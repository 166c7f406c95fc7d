#include "bmc-agent/staging/sealed_source.hpp"
#include "bmc-agent/targets/file_target.hpp"
#include "bmc-agent/targets/target.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>

using namespace fwupdate;
using namespace fwupdate::agent;

namespace
{

/// A staged image of 600,000 bytes and the file it is for.
class Fixture
{
  public:
    Fixture() : staging{std::move(*Staging::open(directory.path() / "staging", 1 << 24))}, image(600'000)
    {
        for (std::size_t at = 0; at < image.size(); ++at)
        {
            image[at] = static_cast<std::uint8_t>(at * 7 + at / 256);
        }
        std::ofstream{path()} << "old";
        REQUIRE(staging.begin_unnamed(1 << 24).has_value());
        REQUIRE(staging.append(image).has_value());
    }

    [[nodiscard]] std::filesystem::path path() const
    {
        return directory.path() / "target.bin";
    }

    [[nodiscard]] std::string installed() const
    {
        return *read_file(path(), 1 << 24);
    }

    [[nodiscard]] bool nothing_left_beside() const
    {
        return !std::filesystem::exists(path().string() + ".fwupdate-new");
    }

    test::TemporaryDirectory directory;
    Staging staging;
    Bytes image;
};

struct ::stat status_of(const std::filesystem::path& path)
{
    struct ::stat status
    {
    };
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status;
}

Result<bool> run(FileTarget& target)
{
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        finished = target.step();
    }
    return finished;
}

} // namespace

TEST_CASE("a file target is replaced with exactly the verified bytes, counted honestly")
{
    Fixture fixture;
    FileTarget target{fixture.path()};
    REQUIRE(target.begin({sealed_source(fixture.staging), sha256(fixture.image)}).has_value());
    CHECK(target.total() == 2 * fixture.image.size());
    std::uint64_t before = 0;
    Result<bool> finished = false;
    while (finished && !*finished)
    {
        CHECK(fixture.installed() == "old");
        finished = target.step();
        CHECK(target.done() >= before);
        before = target.done();
    }
    REQUIRE(finished.has_value());
    CHECK(target.done() == target.total());
    CHECK(fixture.installed() == as_text(fixture.image));
    CHECK(fixture.nothing_left_beside());
}

TEST_CASE("bytes that changed after verification are not programmed")
{
    Fixture fixture;
    FileTarget target{fixture.path()};
    REQUIRE(target.begin({sealed_source(fixture.staging), sha256(fixture.image)}).has_value());
    {
        std::fstream file{fixture.directory.path() / "staging" / "image",
                          std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(500'000);
        file.put('!');
    }
    const auto finished = run(target);
    REQUIRE(finished.has_error());
    CHECK(finished.error().kind == ErrorKind::input_output);
    CHECK(finished.error().text.find("changed") != std::string::npos);
    CHECK(fixture.installed() == "old");
    CHECK(fixture.nothing_left_beside());
}

TEST_CASE("bytes of another digest than the verified one are not programmed")
{
    Fixture fixture;
    FileTarget target{fixture.path()};
    REQUIRE(target.begin({sealed_source(fixture.staging), sha256(Bytes{1, 2, 3})}).has_value());
    const auto finished = run(target);
    REQUIRE(finished.has_error());
    CHECK(finished.error().kind == ErrorKind::integrity);
    CHECK(fixture.installed() == "old");
    CHECK(fixture.nothing_left_beside());
}

TEST_CASE("what the bytes come from is let go with the last of them")
{
    Fixture fixture;
    FileTarget target{fixture.path()};
    const auto unpacker = std::make_shared<int>();
    package::ByteSource bytes = sealed_source(fixture.staging);
    bytes.read = [unpacker, read = bytes.read](std::uint64_t offset, MutableBytes out) { return read(offset, out); };
    REQUIRE(target.begin({std::move(bytes), sha256(fixture.image)}).has_value());
    CHECK(unpacker.use_count() == 2);
    REQUIRE(run(target).has_value());
    CHECK(unpacker.use_count() == 1);
    CHECK(target.done() == target.total());
}

TEST_CASE("what reads back differently is not put in place")
{
    Fixture fixture;
    FileTarget target{fixture.path()};
    REQUIRE(target.begin({sealed_source(fixture.staging), sha256(fixture.image)}).has_value());
    while (target.done() < fixture.image.size())
    {
        REQUIRE(target.step().has_value());
    }
    {
        std::fstream file{fixture.path().string() + ".fwupdate-new", std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(1);
        file.put('!');
    }
    const auto finished = run(target);
    REQUIRE(finished.has_error());
    CHECK(finished.error().kind == ErrorKind::integrity);
    CHECK(fixture.installed() == "old");
    CHECK(fixture.nothing_left_beside());
}

TEST_CASE("cancel, and an agent that was killed, leave the installed file and no rest")
{
    Fixture fixture;
    {
        FileTarget target{fixture.path()};
        REQUIRE(target.begin({sealed_source(fixture.staging), sha256(fixture.image)}).has_value());
        REQUIRE(target.step().has_value());
        target.cancel();
        CHECK(fixture.nothing_left_beside());
        CHECK(target.step().has_error());
    }
    std::ofstream{fixture.path().string() + ".fwupdate-new"} << "left behind";
    const FileTarget next{fixture.path()};
    CHECK(fixture.nothing_left_beside());
    CHECK(fixture.installed() == "old");
}

TEST_CASE("two agents with the same target: the first one's bytes are left alone, the second is told")
{
    Fixture first;
    Fixture second;
    FileTarget target{first.path()};
    REQUIRE(target.begin({sealed_source(first.staging), sha256(first.image)}).has_value());
    while (target.done() < first.image.size() + 1)
    {
        REQUIRE(target.step().has_value());
    }
    {
        FileTarget other{first.path()};
        CHECK_FALSE(first.nothing_left_beside());
        const auto begun = other.begin({sealed_source(second.staging), sha256(second.image)});
        REQUIRE(begun.has_error());
        CHECK(begun.error().kind == ErrorKind::wrong_state);
        CHECK(begun.error().text.find(".fwupdate-new is in the way: another agent") != std::string::npos);
    }
    const auto finished = run(target);
    REQUIRE(finished.has_value());
    CHECK(first.installed() == as_text(first.image));
    CHECK(first.nothing_left_beside());
    REQUIRE(FileTarget{first.path()}.begin({sealed_source(second.staging), sha256(second.image)}).has_value());
}

TEST_CASE("a file that took the name of the verified one is neither put in place nor removed")
{
    Fixture fixture;
    const std::filesystem::path beside = fixture.path().string() + ".fwupdate-new";
    FileTarget target{fixture.path()};
    REQUIRE(target.begin({sealed_source(fixture.staging), sha256(fixture.image)}).has_value());
    REQUIRE(target.step().has_value());
    std::filesystem::remove(beside);
    std::ofstream{beside} << "of somebody else";
    const auto finished = run(target);
    REQUIRE(finished.has_error());
    CHECK(finished.error().kind == ErrorKind::integrity);
    CHECK(finished.error().text.find("somebody replaced") != std::string::npos);
    CHECK(fixture.installed() == "old");
    CHECK(*read_file(beside, 100) == "of somebody else");
}

TEST_CASE("a link left beside is removed, not followed")
{
    Fixture fixture;
    const std::filesystem::path other = fixture.directory.path() / "other";
    std::ofstream{other} << "precious";
    std::filesystem::create_symlink(other, fixture.path().string() + ".fwupdate-new");
    const FileTarget target{fixture.path()};
    CHECK(fixture.nothing_left_beside());
    CHECK(*read_file(other, 100) == "precious");
}

TEST_CASE("permissions and owner of the old file are kept, from the first byte on")
{
    for (const mode_t mode : {0600U, 0444U, 0664U, 0755U})
    {
        Fixture fixture;
        const bool root = ::geteuid() == 0;
        const uid_t owner = root ? 1234 : ::geteuid();
        REQUIRE(::chmod(fixture.path().c_str(), mode) == 0);
        REQUIRE((!root || ::chown(fixture.path().c_str(), owner, 1235) == 0));
        FileTarget target{fixture.path()};
        REQUIRE(target.begin({sealed_source(fixture.staging), sha256(fixture.image)}).has_value());
        CHECK(status_of(fixture.path().string() + ".fwupdate-new").st_mode == (S_IFREG | mode));
        REQUIRE(run(target).has_value());
        const auto status = status_of(fixture.path());
        CHECK(status.st_mode == (S_IFREG | mode));
        CHECK(status.st_uid == owner);
        CHECK((!root || status.st_gid == 1235));
        CHECK(fixture.installed() == as_text(fixture.image));
    }
}

TEST_CASE("a first installation is readable by everybody, as far as the umask lets")
{
    Fixture fixture;
    std::filesystem::remove(fixture.path());
    FileTarget target{fixture.path()};
    const mode_t before = ::umask(0022);
    REQUIRE(target.begin({sealed_source(fixture.staging), sha256(fixture.image)}).has_value());
    ::umask(before);
    REQUIRE(run(target).has_value());
    CHECK(status_of(fixture.path()).st_mode == (S_IFREG | 0644));
}

TEST_CASE("an owner that can't be kept is a failure with its reason, and nothing is written")
{
    constexpr uid_t nobody = 65534;
    if (::geteuid() != 0)
    {
        return; // only root can make somebody else's file
    }
    Fixture fixture;
    REQUIRE(::chown(fixture.directory.path().c_str(), nobody, nobody) == 0);
    FileTarget target{fixture.path()};
    REQUIRE(::seteuid(nobody) == 0);
    const auto begun = target.begin({sealed_source(fixture.staging), sha256(fixture.image)});
    CHECK(fixture.nothing_left_beside());
    REQUIRE(::seteuid(0) == 0);
    REQUIRE(begun.has_error());
    CHECK(begun.error().text.find("cannot keep the owner of the old file for ") == 0);
    CHECK(begun.error().text.find("; let the agent change owners") != std::string::npos);
    CHECK(fixture.installed() == "old");
}

TEST_CASE("a directory that is not there is told, not crashed upon")
{
    Fixture fixture;
    FileTarget target{fixture.directory.path() / "missing" / "target.bin"};
    const auto begun = target.begin({sealed_source(fixture.staging), sha256(fixture.image)});
    REQUIRE(begun.has_error());
    CHECK(begun.error().text.find("target.bin lies in a directory that is not there; make or mount ") !=
          std::string::npos);
}

TEST_CASE("what is no regular file is refused before anything is written")
{
    const Fixture fixture;
    const auto refusal = [&](const std::filesystem::path& path)
    {
        FileTarget target{path};
        const auto begun = target.begin({sealed_source(fixture.staging), sha256(fixture.image)});
        CHECK(begun.has_value() == std::filesystem::exists(path.string() + ".fwupdate-new"));
        return begun ? "begun" : begun.error().text.substr(path.string().size());
    };
    const auto in_directory = [&](const char* name) { return fixture.directory.path() / name; };
    const std::string real = fixture.path().string();

    std::filesystem::create_symlink(fixture.path(), in_directory("link"));
    CHECK(refusal(in_directory("link")) == " is a symbolic link to " + real + "; name " + real + " itself");
    CHECK(std::filesystem::is_symlink(in_directory("link")));
    CHECK(fixture.installed() == "old");

    std::filesystem::create_directory(in_directory("folder"));
    CHECK(refusal(in_directory("folder")) ==
          " is a directory; type \"file\" replaces regular files: name a file in it");
    CHECK(refusal("/dev/null") ==
          " is a device; type \"file\" replaces regular files: name one, the device would be lost");
    REQUIRE(::mkfifo(in_directory("fifo").c_str(), 0600) == 0);
    CHECK(refusal(in_directory("fifo")).starts_with(" is a pipe or a socket; "));
    CHECK(refusal(fixture.path() / "file") == " lies in no directory; look at what " + real + " is");
    CHECK(refusal("/proc/sys/kernel/firmware").starts_with(" lies in a directory that can't be written: "));
    CHECK(refusal(in_directory("first-installation")) == "begun");
}

TEST_CASE("the installed digest follows the file")
{
    Fixture fixture;
    const FileTarget target{fixture.path()};
    InstalledDigest installed{target};
    const auto compute = [&]
    {
        installed.refresh();
        while (installed.wants_work())
        {
            installed.work();
        }
    };
    compute();
    REQUIRE(installed.get().has_value());
    CHECK(installed.get()->sha256 == sha256(as_bytes("old")));
    CHECK(installed.get()->size == 3);
    REQUIRE(write_file_atomically(fixture.path(), "newer").has_value());
    installed.refresh();
    CHECK_FALSE(installed.get().has_value());
    compute();
    CHECK(installed.get()->sha256 == sha256(as_bytes("newer")));
    std::filesystem::remove(fixture.path());
    compute();
    CHECK_FALSE(installed.get().has_value());
    std::ofstream{fixture.path()}.flush();
    compute();
    CHECK(installed.get()->sha256 == sha256({}));
}

TEST_CASE("the running version is the first line of its file")
{
    const test::TemporaryDirectory directory;
    config::Target configuration{.id = 1,
                                 .name = "bios",
                                 .type = "file",
                                 .path = directory.path() / "t",
                                 .max_size = 0,
                                 .restart = {},
                                 .version_file = directory.path() / "version",
                                 .version_command = {}};
    const Target target{configuration};
    CHECK(target.version().empty());
    std::ofstream{directory.path() / "version"} << "2.11-rc1\r\nsecond line\n";
    CHECK(target.version() == "2.11-rc1");
}

TEST_CASE("targets are found by number, by name, and by default")
{
    const test::TemporaryDirectory directory;
    config::Target first{.id = 3,
                         .name = "bios",
                         .type = "file",
                         .path = directory.path() / "a",
                         .max_size = 0,
                         .restart = {},
                         .version_file = {},
                         .version_command = {}};
    config::Target second = first;
    second.id = 7;
    second.name = "cpld";
    Targets targets{{first, second}, 7};
    CHECK(targets.find(std::uint8_t{3})->configuration().name == "bios");
    CHECK(targets.find(protocol::no_target)->configuration().name == "cpld");
    CHECK(targets.find("bios")->configuration().id == 3);
    CHECK(targets.find(std::uint8_t{4}) == nullptr);
    CHECK(targets.find("nvme") == nullptr);
}

TEST_CASE("only handlers of the table exist")
{
    CHECK(is_handler_type("file"));
    CHECK(is_handler_type("handover"));
    CHECK(is_handler_type("block"));
    CHECK(is_handler_type("mtd"));
    CHECK_FALSE(is_handler_type("nvme"));
    CHECK_FALSE(is_handler_type(""));
}
