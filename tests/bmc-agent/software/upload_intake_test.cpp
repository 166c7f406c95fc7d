// From a closed file to a version, with a real directory.
#include "bmc-agent/software/upload_intake.hpp"
#include "bmc-agent/software/upload_watch.hpp"
#include "tests/bmc-agent/software/model_bench.hpp"
#include "tests/bmc-agent/software/tarballs.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <boost/asio/io_context.hpp>

#include <fcntl.h>

#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent::software;
using namespace fwupdate::agent::software::test;

namespace
{

struct Rig
{
    fwupdate::test::TemporaryDirectory directory;
    std::filesystem::path uploads = directory.path() / "images";
    Bench bench;
    UploadIntake intake{uploads, {"testboard", {}, config::Software{}.image_sets}, bench.model};

    Rig()
    {
        bench.start();
        REQUIRE(intake.prepare());
    }
    void store(const std::string& name, const Bytes& bytes) const
    {
        std::ofstream{uploads / name, std::ios::binary}.write(reinterpret_cast<const char*>(bytes.data()),
                                                              static_cast<std::streamsize>(bytes.size()));
    }
    void work()
    {
        while (intake.wants_work())
        {
            intake.work();
        }
    }
    std::vector<ErrorCode> reported()
    {
        std::vector<ErrorCode> codes;
        for (const Refusal& refusal : intake.take_reports())
        {
            codes.push_back(refusal.code);
        }
        return codes;
    }
    [[nodiscard]] std::size_t entries() const
    {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{uploads}, {}));
    }
};

using Codes = std::vector<ErrorCode>;

} // namespace

TEST_CASE("a closed tarball becomes a version, and lies in the directory of its id")
{
    Rig rig;
    rig.store("upload.tar", tarball(manifest("2.7.0-dev")).finish());
    rig.intake.closed("upload.tar");
    rig.work();
    CHECK(rig.reported().empty());
    const Version& version = rig.bench.version("7b7385fe");
    CHECK(version.activation == Activation::ready);
    CHECK(version.image.directory == rig.uploads / "7b7385fe");
    CHECK(version.image.file == rig.uploads / "7b7385fe" / "image.tar");
    CHECK(std::filesystem::file_size(version.image.file) == tarball(manifest("2.7.0-dev")).finish().size());
    CHECK(rig.entries() == 1);
}

TEST_CASE("what is refused is told by its name, and gone")
{
    Rig rig;
    rig.store("garbage", Bytes(3000, 7));
    rig.store("empty", {});
    rig.store("no-version", tarball("purpose=xyz.openbmc_project.Software.Version.VersionPurpose.BMC\n").finish());
    rig.store("other", tarball(manifest("1", "BMC", "MachineName=toaster\n")).finish());
    rig.store("outside", tarball(manifest("1")).finish());
    std::filesystem::rename(rig.uploads / "outside", rig.directory.path() / "outside");
    std::filesystem::create_symlink(rig.directory.path() / "outside", rig.uploads / "link");
    for (const char* const name : {"garbage", "empty", "no-version", "other", "link"})
    {
        rig.intake.closed(name);
    }
    rig.work();
    CHECK(rig.reported() == Codes{ErrorCode::untar_failure, ErrorCode::untar_failure, ErrorCode::manifest_file_failure,
                                  ErrorCode::image_failure, ErrorCode::manifest_file_failure});
    CHECK(rig.entries() == 0);
    CHECK(std::filesystem::exists(rig.directory.path() / "outside"));
    CHECK(rig.bench.model.versions().size() == 1);
}

TEST_CASE("the same version again is told and gone; the first one stays")
{
    Rig rig;
    for (int count = 0; count < 2; ++count)
    {
        rig.store("upload.tar", tarball(manifest("2.0")).finish());
        rig.intake.closed("upload.tar");
        rig.work();
    }
    CHECK(rig.reported() == Codes{ErrorCode::already_exists});
    CHECK(rig.entries() == 1);
    CHECK(rig.bench.model.versions().size() == 2);
}

TEST_CASE("a name that leads elsewhere is nobody's; a file that is gone was taken already")
{
    Rig rig;
    rig.store("a", tarball(manifest("2.0")).finish());
    std::filesystem::rename(rig.uploads / "a", rig.directory.path() / "a");
    for (const char* const name : {"../a", "", ".", "..", "b"})
    {
        rig.intake.closed(name);
    }
    rig.work();
    CHECK(rig.reported().empty());
    CHECK(std::filesystem::exists(rig.directory.path() / "a"));
    CHECK(rig.bench.model.versions().size() == 1);
}

TEST_CASE("an image without its machine is taken and told; one without all images is invalid")
{
    Rig rig;
    rig.store("a", tarball(manifest("2.0", "BMC", "")).finish());
    rig.store("b", fwupdate::test::TarBuilder{}.add("MANIFEST", manifest("3.0")).add("image-rofs", "x").finish());
    rig.intake.closed("a");
    rig.intake.closed("b");
    rig.work();
    CHECK(rig.reported() == Codes{ErrorCode::image_failure});
    std::vector<Activation> states;
    for (const auto& [id, version] : rig.bench.model.versions())
    {
        states.push_back(version.activation);
    }
    CHECK(std::ranges::count(states, Activation::ready) == 1);
    CHECK(std::ranges::count(states, Activation::invalid) == 1);
}

TEST_CASE("too many at once are refused, and gone")
{
    Rig rig;
    for (std::size_t count = 0; count <= UploadIntake::most_waiting; ++count)
    {
        rig.store("u" + std::to_string(count), Bytes(600, 1));
        rig.intake.closed("u" + std::to_string(count));
    }
    CHECK(rig.reported() == Codes{ErrorCode::busy_failure});
    rig.work();
    CHECK(rig.reported().size() == UploadIntake::most_waiting);
    CHECK(rig.entries() == 0);
}

TEST_CASE("what a stopped agent had begun on goes at the next start; the directory is made where it is missing")
{
    Rig rig;
    std::filesystem::create_directories(rig.uploads / ".imageAbCdEf");
    std::ofstream{rig.uploads / ".imageAbCdEf" / "image.tar"} << "x";
    std::filesystem::create_directories(rig.uploads / "7b7385fe");
    REQUIRE(rig.intake.prepare());
    CHECK(rig.entries() == 1);
    std::ofstream{rig.directory.path() / "file"} << "x";
    CHECK_FALSE(UploadIntake{rig.directory.path() / "file" / "images", {}, rig.bench.model}.prepare());
}

TEST_CASE("StartUpdate's descriptor: looked into, and activated")
{
    Rig rig;
    rig.store("image", tarball(manifest("2.0")).finish());
    const auto open = [&](const char* name)
    {
        auto file = agent::File::open(rig.uploads / name, O_RDONLY);
        REQUIRE(file);
        return std::make_shared<const agent::File>(std::move(*file));
    };
    const auto good = open("image");
    const auto id = rig.bench.model.start_update(good, ApplyTime::on_reset);
    REQUIRE(id);
    rig.intake.add(*id, good);
    rig.work();
    CHECK(rig.bench.version(*id).activation == Activation::activating);
    rig.bench.model.succeeded(*id);
    rig.store("bad", Bytes(600, 1));
    rig.store("nothing", {});
    for (const char* const name : {"bad", "nothing"})
    {
        const auto file = open(name);
        const auto next = rig.bench.model.start_update(file, ApplyTime::on_reset);
        REQUIRE(next);
        rig.intake.add(*next, file);
        rig.work();
        CHECK_FALSE(rig.bench.model.versions().contains(*next));
        CHECK(rig.bench.model.take_reports().front().code == ErrorCode::update_invalid_image);
    }
    CHECK(rig.intake.take_reports().empty());
}

TEST_CASE("the watch tells what is closed after writing, by name; not what is only read, or renamed into it")
{
    const fwupdate::test::TemporaryDirectory directory;
    boost::asio::io_context loop;
    std::vector<std::string> names;
    {
        const auto watch =
            UploadWatch::start(loop, directory.path(), [&](const std::string& name) { names.push_back(name); });
        REQUIRE(watch);
        std::ofstream{directory.path() / "one"} << "x";
        std::ifstream{directory.path() / "one"}.get();
        std::filesystem::rename(directory.path() / "one", directory.path() / "renamed");
        std::filesystem::create_directory(directory.path() / "inner");
        std::ofstream{directory.path() / "inner" / "deep"} << "x";
        std::ofstream{directory.path() / std::string(255, 'n')} << "x";
        for (int round = 0; round < 100 && names.size() < 2; ++round)
        {
            loop.run_one_for(std::chrono::milliseconds{100});
        }
        CHECK(names == std::vector<std::string>{"one", std::string(255, 'n')});
    }
    loop.restart();
    loop.poll(); // the cancelled read touches nothing
    CHECK(names.size() == 2);
    CHECK_FALSE(UploadWatch::start(loop, directory.path() / "missing", {}));
    CHECK_FALSE(UploadWatch::start(loop, directory.path() / "renamed", {}));
}
