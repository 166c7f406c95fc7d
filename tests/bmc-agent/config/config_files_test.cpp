#include "tests/bmc-agent/config/sample.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace fwupdate;
using namespace fwupdate::config;
using config::test::good;
using config::test::with;

namespace
{

/// A folder of its own for a test, with files of any mode.
class Folder
{
  public:
    std::filesystem::path write(std::string_view name, std::string_view text, mode_t mode) const
    {
        const auto file = path() / name;
        std::ofstream{file} << text;
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        return file;
    }
    [[nodiscard]] const std::filesystem::path& path() const
    {
        return directory_.path();
    }

  private:
    fwupdate::test::TemporaryDirectory directory_;
};

std::string failure_of(const std::filesystem::path& file)
{
    const auto config = load(file);
    return config ? "loaded" : config.error().text;
}

} // namespace

TEST_CASE("a file that holds a password must not be readable by everybody")
{
    const Folder folder;
    CHECK(failure_of(folder.write("a.json", good, 0600)) == "loaded");
    CHECK(failure_of(folder.write("b.json", good, 0640)) == "loaded");
    const auto open = folder.write("c.json", good, 0644);
    CHECK(failure_of(open) ==
          open.string() + ": holds a password and everybody may read it; chmod o= " + open.string());
}

TEST_CASE("a password file: its first line, private, regular")
{
    const Folder folder;
    const auto with_file = [&](const std::filesystem::path& secret)
    { return with(R"("password": "Tr0ub4dor&3-plus")", "\"password_file\": \"" + secret.string() + "\""); };
    const auto secret = folder.write("secret", "a password of 20 chr\r\nnot this\n", 0400);
    const auto loaded = load(folder.write("a.json", with_file(secret), 0644));
    REQUIRE(loaded.has_value());
    CHECK(loaded->users[0].password == "a password of 20 chr");

    const auto open = folder.write("open", "secret", 0444);
    CHECK(failure_of(folder.write("b.json", with_file(open), 0644)).find("may be read by everybody; ") !=
          std::string::npos);
    CHECK(failure_of(folder.write("c.json", with_file(folder.path() / "none"), 0644)).find("No such file") !=
          std::string::npos);
    CHECK(failure_of(folder.write("d.json", with_file(folder.path()), 0644)).find("is not a regular file") !=
          std::string::npos);
    const auto fifo = folder.path() / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(failure_of(folder.write("e.json", with_file(fifo), 0644)).find("is not a regular file") != std::string::npos);
}

TEST_CASE("a file that anybody may write decides nothing")
{
    const Folder folder;
    const auto file =
        folder.write("a.json", with(R"("password": "Tr0ub4dor&3-plus")", R"("password_file": "/x")"), 0666);
    const std::string report = failure_of(file);
    CHECK(report.find(file.string() + ": everybody may write this file; chmod o-w ") != std::string::npos);
    CHECK(report.find("/users/0/password_file: file /x can't be read") != std::string::npos);
}

TEST_CASE("files that are none")
{
    const Folder folder;
    CHECK(failure_of(folder.path() / "none.json").find("none.json: can't be read: No such file") != std::string::npos);
    CHECK(failure_of(folder.path()).find("is not a regular file") != std::string::npos);
    CHECK(failure_of(folder.write("big.json", std::string(2U << 20, ' '), 0600)).find("larger than 1 MiB") !=
          std::string::npos);
}

TEST_CASE("a target is a file, or becomes one; what is in the way is told")
{
    const Folder folder;
    const auto file = folder.write("bios.bin", "old", 0600);
    const auto at = [&](const std::filesystem::path& path)
    { return folder.write("a.json", with("/srv/bios.bin", path.string()), 0600); };
    const auto in = [&](const std::string& text) { return folder.path() / text; };
    const std::string begin = in("a.json").string() + ": /targets/0/path: ";

    CHECK(load(at(file))->warnings.empty());
    CHECK(load(at(in("first-installation")))->warnings.empty());

    std::filesystem::create_symlink(file, in("link"));
    CHECK(failure_of(at(in("link"))) ==
          begin + "is a symbolic link to " + file.string() + "; name " + file.string() + " itself");
    CHECK(failure_of(at(folder.path())).starts_with(begin + "is a directory; "));
    CHECK(failure_of(at("/dev/null")).starts_with(begin + "is a device; "));

    const auto unmounted = load(at(in("unmounted/bios.bin"))); // may come until the update
    REQUIRE(unmounted.has_value());
    CHECK(unmounted->warnings ==
          std::vector<std::string>{begin + "lies in a directory that is not there; make or mount " +
                                   in("unmounted").string()});
}

TEST_CASE("a target in place is a block device, or will be there")
{
    const Folder folder;
    const auto at = [&](const std::filesystem::path& path)
    {
        std::string text = with("/srv/bios.bin", path.string());
        const std::string_view file = R"("type": "file")";
        const auto type = text.find(file);
        REQUIRE(type != std::string::npos);
        return folder.write("a.json", text.replace(type, file.size(), R"("type": "block")"), 0600);
    };
    const std::string begin = (folder.path() / "a.json").string() + ": /targets/0/path: ";
    CHECK(failure_of(at("/dev/null")).starts_with(begin + "is no block device; name a disk or a partition"));
    const auto warnings = load(at("/dev/nothing-there"))->warnings;
    REQUIRE(warnings.size() == 1);
    CHECK(warnings.front().starts_with(begin + "is not there; connect the device"));
    CHECK(failure_of(at(folder.write("device", "x", 0600))).starts_with(begin + "is no block device; "));
}

TEST_CASE("a way through links does not hide that a target lies in the staging directory")
{
    const Folder folder;
    std::filesystem::create_directory(folder.path() / "staging");
    std::filesystem::create_symlink(folder.path() / "staging", folder.path() / "way");
    const std::string staged = with("/var/lib/bmc-agent", (folder.path() / "staging").string());
    const auto file =
        folder.write("a.json", with("/srv/bios.bin", (folder.path() / "way" / "x").string(), staged), 0600);
    CHECK(failure_of(file).find("/targets/0/path: lies in the staging directory") != std::string::npos);
}
