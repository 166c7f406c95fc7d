#include "bmc-agent/actions/status_file.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

using namespace fwupdate::agent;
using fwupdate::test::TemporaryDirectory;

TEST_CASE("the first word counts")
{
    CHECK(status_of("running") == Status::running);
    CHECK(status_of("success\n") == Status::success);
    CHECK(status_of(" \n\tfailed because of this") == Status::failed);
    CHECK(status_of("unknown") == Status::unknown);
    CHECK(status_of("") == Status::unknown);
    CHECK(status_of(" ") == Status::unknown);
    CHECK(status_of("successful") == Status::unknown);
    CHECK(status_of("Success") == Status::unknown);
    CHECK(status_of(std::string("success\0", 8)) == Status::unknown);
}

TEST_CASE("a status file is made, and what stood there is gone")
{
    const TemporaryDirectory directory;
    const auto file = directory.path() / "status";
    CHECK_FALSE(read_status(file).has_value());
    REQUIRE(reset_status(file).has_value());
    CHECK(read_status(file).value_or("") == "unknown");
    std::ofstream{file} << "success, and more than that stood here";
    REQUIRE(reset_status(file).has_value());
    CHECK(read_status(file).value_or("") == "unknown");
}

TEST_CASE("of a huge file only the beginning is read")
{
    const TemporaryDirectory directory;
    const auto file = directory.path() / "status";
    std::ofstream{file} << "running " << std::string(1U << 20, 'x');
    CHECK(read_status(file).value_or("").size() == longest_status);
    CHECK(status_of(*read_status(file)) == Status::running);
}

TEST_CASE("what is no regular file is neither read nor written, and holds nobody")
{
    const TemporaryDirectory directory;
    const auto fifo = directory.path() / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const auto target = directory.path() / "target";
    std::ofstream{target} << "success";
    const auto link = directory.path() / "link";
    std::filesystem::create_symlink(target, link);
    for (const auto& file :
         {fifo, link, directory.path(), std::filesystem::path{"/dev/null"}, directory.path() / "none/status"})
    {
        CAPTURE(file);
        CHECK_FALSE(read_status(file).has_value());
        const auto result = reset_status(file);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().text.starts_with("cannot write the status file " + file.string()));
        CHECK(result.error().text.find("; it must be") != std::string::npos);
    }
    CHECK(read_status(target).value_or("") == "success");
}
