#include "tests/bmc-agent/config/flash/sample.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace fwupdate::config::flash;
using fwupdate::config::flash::test::good;
using fwupdate::config::flash::test::with;

namespace
{

/// Directories of a test's own.
class Tree
{
  public:
    [[nodiscard]] std::filesystem::path at(const std::string& name) const
    {
        return directory_.path() / name;
    }
    std::filesystem::path write(const std::string& name, std::string_view text, mode_t mode = 0644) const
    {
        auto file = at(name);
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file} << text;
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        return file;
    }
    /// An entry of this id.
    std::filesystem::path write_blob(const std::string& name, const std::string& id) const
    {
        return write(name, with("/flash/bios", "/flash/" + id));
    }

  private:
    fwupdate::test::TemporaryDirectory directory_;
};

/// Root may read everything.
class NotRoot
{
  public:
    NotRoot()
    {
        constexpr uid_t nobody = 65534;
        REQUIRE((user_ != 0 || ::seteuid(nobody) == 0));
    }
    NotRoot(const NotRoot&) = delete;
    NotRoot& operator=(const NotRoot&) = delete;
    ~NotRoot()
    {
        CHECK(::seteuid(user_) == 0);
    }

  private:
    uid_t user_{::geteuid()};
};

std::string ids(const FlashConfig& config)
{
    std::string text;
    for (const FlashBlob& blob : config.blobs)
    {
        text += (text.empty() ? "" : " ") + blob.blob.substr(std::string_view{"/flash/"}.size());
    }
    return text;
}

std::string only_mistake(const FlashConfig& config)
{
    return config.mistakes.size() == 1 ? config.mistakes[0] : std::to_string(config.mistakes.size()) + " mistakes";
}

} // namespace

TEST_CASE("directories in their order, in each of them by name, below them too; *.json alone")
{
    const Tree tree;
    tree.write_blob("one/b.json", "b");
    tree.write_blob("one/a.json", "a");
    tree.write_blob("one/aa/deep/x.json", "deep");
    tree.write_blob("one/.hidden.json", "hidden");
    tree.write_blob("zero/c.json", "c");
    tree.write_blob("one/no.JSON", "n1");
    tree.write_blob("one/no.json.bak", "n2");
    tree.write_blob("one/json", "n3");
    tree.write_blob("one/.json", "n4");
    const FlashConfig config = load({tree.at("one"), tree.at("none"), tree.at("zero")});
    CHECK(config.mistakes.empty());
    CHECK(ids(config) == "hidden a deep b c");
    REQUIRE(config.blobs.size() == 5);
    CHECK(config.blobs[4].origin.file == tree.at("zero/c.json"));
}

TEST_CASE("a broken file costs its own entries alone")
{
    const Tree tree;
    tree.write_blob("d/a.json", "a");
    const auto broken = tree.write("d/b.json", "[\n{");
    tree.write_blob("d/c.json", "c");
    const FlashConfig config = load({tree.at("d")});
    CHECK(ids(config) == "a c");
    CHECK(only_mistake(config).starts_with(broken.string() + ": line 2, column "));
}

TEST_CASE("ids are compared over all files")
{
    const Tree tree;
    const auto first = tree.write_blob("d/a.json", "same");
    const auto second = tree.write("e/b.json", with("/flash/bios", "/flash/same", with("/tmp/b", "/tmp/other")));
    const FlashConfig config = load({tree.at("d"), tree.at("e")});
    CHECK(config.blobs.empty());
    CHECK(config.set_aside.size() == 2);
    REQUIRE(config.warnings.size() == 1);
    CHECK(config.warnings[0].starts_with(second.string() + ": /0/blob: \"/flash/same\" stands at " + first.string()));
}

TEST_CASE("a directory that is none")
{
    const Tree tree;
    const auto file = tree.write_blob("file", "x");
    CHECK(only_mistake(load({file})) ==
          file.string() + ": can't be read: Not a directory; make it a directory that the agent may read");
    CHECK(load({tree.at("not-there")}).mistakes.empty());
}

TEST_CASE("what everybody may write decides nothing")
{
    const Tree tree;
    const auto open = tree.write("d/open.json", good, 0666);
    tree.write_blob("d/b.json", "b");
    const FlashConfig config = load({tree.at("d")});
    CHECK(ids(config) == "b");
    CHECK(only_mistake(config) ==
          open.string() + ": everybody may write here, and it is left out; chmod o-w " + open.string());

    const auto directory = tree.at("d");
    REQUIRE(::chmod(directory.c_str(), 01777) == 0);
    const FlashConfig nothing = load({directory});
    CHECK(nothing.blobs.empty());
    CHECK(only_mistake(nothing).starts_with(directory.string() + ": everybody may write here"));
}

TEST_CASE("links: to files they are followed, to directories they are not")
{
    const Tree tree;
    tree.write_blob("elsewhere/real.txt", "linked");
    tree.write_blob("elsewhere/hidden.json", "hidden");
    tree.write_blob("d/a.json", "a");
    std::filesystem::create_symlink(tree.at("elsewhere/real.txt"), tree.at("d/link.json"));
    std::filesystem::create_symlink(tree.at("elsewhere"), tree.at("d/sub"));
    std::filesystem::create_symlink(tree.at("d"), tree.at("d/circle"));
    CHECK(ids(load({tree.at("d")})) == "a linked");
    CHECK(load({tree.at("d")}).mistakes.empty());

    std::filesystem::create_symlink(tree.at("d"), tree.at("root"));
    CHECK(ids(load({tree.at("root")})) == "a linked");

    std::filesystem::create_symlink(tree.at("elsewhere"), tree.at("d/directory.json"));
    CHECK(only_mistake(load({tree.at("d")})) ==
          tree.at("d/directory.json").string() + ": is not a regular file; correct or remove it");
    std::filesystem::remove(tree.at("d/directory.json"));
    std::filesystem::create_symlink(tree.at("nowhere"), tree.at("d/broken.json"));
    CHECK(only_mistake(load({tree.at("d")})) ==
          tree.at("d/broken.json").string() + ": can't be read: No such file or directory; correct or remove it");
}

TEST_CASE("a FIFO does not hang the reader; a directory called *.json is a directory")
{
    const Tree tree;
    tree.write_blob("d/sub.json/a.json", "a");
    const auto fifo = tree.at("d/fifo.json");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const FlashConfig config = load({tree.at("d")});
    CHECK(ids(config) == "a");
    CHECK(only_mistake(config) == fifo.string() + ": is not a regular file; correct or remove it");
}

TEST_CASE("bounds of the disk: size, depth, names, files")
{
    const Tree tree;
    const std::string padding(65536 - good.size(), ' ');
    tree.write("size/full.json", std::string{good} + padding);
    CHECK(ids(load({tree.at("size")})) == "bios");
    const auto large = tree.write("size/full.json", std::string{good} + padding + " ");
    CHECK(only_mistake(load({tree.at("size")})) ==
          large.string() + ": is larger than 64 KiB: not a file of this kind; correct or remove it");

    tree.write_blob("deep/2/3/4/5/6/7/8/a.json", "a");
    tree.write_blob("deep/2/3/4/5/6/7/8/9/b.json", "b");
    CHECK(ids(load({tree.at("deep")})) == "a");
    CHECK(only_mistake(load({tree.at("deep")})) ==
          tree.at("deep/2/3/4/5/6/7/8/9").string() + ": lies too deep; move its files up");

    for (int at = 0; at < 257; ++at)
    {
        tree.write("files/" + std::to_string(1000 + at) + ".json", "[]");
    }
    CHECK(only_mistake(load({tree.at("files")})) ==
          tree.at("files/1256.json").string() + ": is one file too many and left out; leave at most 256");

    for (int at = 0; at < 1025; ++at)
    {
        tree.write("names/" + std::to_string(at), "");
    }
    CHECK(only_mistake(load({tree.at("names")})).find("holds too much") != std::string::npos);
}

TEST_CASE("a name with control characters does not reach a terminal")
{
    const Tree tree;
    tree.write("d/\x1B[2J.json", "{");
    const std::string mistake = only_mistake(load({tree.at("d")}));
    CHECK(mistake.find("?[2J.json: line 1") != std::string::npos);
}

TEST_CASE("a directory that may not be read costs what is in it alone")
{
    const Tree tree;
    tree.write_blob("d/closed/a.json", "a");
    tree.write_blob("d/z.json", "z");
    REQUIRE(::chmod(tree.at("").c_str(), 0755) == 0);
    REQUIRE(::chmod(tree.at("d/closed").c_str(), 0) == 0);
    FlashConfig config;
    {
        const NotRoot nobody;
        config = load({tree.at("d")});
    }
    REQUIRE(::chmod(tree.at("d/closed").c_str(), 0700) == 0);
    CHECK(ids(config) == "z");
    CHECK(only_mistake(config).starts_with(tree.at("d/closed").string() + ": can't be read: Permission denied"));
}
