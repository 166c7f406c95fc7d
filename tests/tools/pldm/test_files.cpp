#include "tests/common/result_printing.hpp"
#include "tests/tools/pldm/workbench.hpp"
#include "tools/pldm/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

using namespace fwupdate;
using namespace fwupdate::tools;
using namespace fwupdate::tools::test;

namespace
{

Result<OutputFile> create(const Workbench& bench, Existing existing)
{
    return OutputFile::create(AT_FDCWD, bench.name("file"), "file", existing);
}

} // namespace

TEST_CASE("a file that is not committed leaves nothing")
{
    const Workbench bench;
    for (const Existing existing : {Existing::keep, Existing::replace})
    {
        {
            auto file = create(bench, existing);
            REQUIRE(file);
            CHECK(file->append(Bytes{1, 2, 3}));
            CHECK(bench.files() == 1);
        }
        CHECK(bench.files() == 0);
    }
}

TEST_CASE("appended, written over and put in place")
{
    const Workbench bench;
    bench.write("file", "older");
    {
        auto file = create(bench, Existing::replace);
        REQUIRE(file);
        CHECK(file->append(as_bytes("abc")));
        CHECK(file->append(as_bytes("def")));
        CHECK(file->write(1, as_bytes("X")));
        CHECK(Workbench::read(bench.path("file")) == "older");
        CHECK(file->commit());
    }
    CHECK(Workbench::read(bench.path("file")) == "aXcdef");
    CHECK(bench.files() == 1);
    const auto kept = create(bench, Existing::keep);
    REQUIRE(!kept);
    CHECK(kept.error().kind == ErrorKind::wrong_state);
    CHECK(Workbench::read(bench.path("file")) == "aXcdef");
}

TEST_CASE("files that can't be read: not there, no file, a pipe that would be waited for")
{
    const Workbench bench;
    CHECK(InputFile::open(bench.path("absent")).error().kind == ErrorKind::input_output);
    CHECK(InputFile::open(bench.path("")).error().kind == ErrorKind::input_output);
    REQUIRE(::mkfifo(bench.path("pipe").c_str(), 0600) == 0);
    CHECK(InputFile::open(bench.path("pipe")).error().text.find("is not a regular file") != std::string::npos);
}

TEST_CASE("slices, and a file that becomes shorter")
{
    const Workbench bench;
    std::string text(slice_size * 2 + 17, 'a');
    text[slice_size] = 'b';
    bench.write("file", text);
    const auto file = InputFile::open(bench.path("file"));
    REQUIRE(file);
    std::string seen;
    const auto take = [&](ConstBytes slice) -> Result<void>
    {
        seen += as_text(slice);
        return {};
    };
    CHECK(for_each_slice(*file, 1, text.size() - 1, take));
    CHECK(seen == text.substr(1));
    std::filesystem::resize_file(bench.path("file"), 10);
    CHECK(for_each_slice(*file, 0, text.size(), take).error().kind == ErrorKind::input_output);
    std::size_t calls = 0;
    const auto refuse = [&](ConstBytes) -> Result<void>
    {
        ++calls;
        return fail(ErrorKind::no_space, "full");
    };
    CHECK(for_each_slice(*file, 0, 10, refuse).error().kind == ErrorKind::no_space);
    CHECK(calls == 1);
}
