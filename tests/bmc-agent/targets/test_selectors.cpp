// Boot records, and the selectors that keep them or ask others.
#include "bmc-agent/process/asio_command_runner.hpp"
#include "bmc-agent/staging/file.hpp"
#include "bmc-agent/targets/boot_record.hpp"
#include "bmc-agent/targets/running_slot.hpp"
#include "bmc-agent/targets/said_variables.hpp"
#include "bmc-agent/targets/selector.hpp"
#include "tests/bmc-agent/targets/scripted_runner.hpp"
#include "tests/bmc-agent/temporary_directory.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
#include <fstream>

using namespace fwupdate;
using namespace fwupdate::agent;
using test::ScriptedRunner;

namespace
{

const BootRecord first{1, "a", "a", 0};
const BootRecord second{2, "b", "a", 3};
constexpr std::uint64_t second_copy = 4096;

Result<SlotState> read(Selector& selector)
{
    std::optional<Result<SlotState>> told;
    selector.read([&](Result<SlotState> state) { told = std::move(state); });
    REQUIRE(told.has_value());
    return *told;
}

/// Calls a change and gives how it ended.
template <class Change> Result<void> ended(Change change)
{
    std::optional<Result<void>> end;
    change([&](Result<void> result) { end = std::move(result); });
    REQUIRE(end.has_value());
    return *end;
}

Result<void> try_b(Selector& selector)
{
    return ended([&](Selector::Done done) { selector.try_slot("b", "a", std::move(done)); });
}

std::string text_of(const std::filesystem::path& file)
{
    return *read_file(file, 1 << 20);
}

void write(const std::filesystem::path& file, const std::string& text)
{
    std::ofstream{file, std::ios::binary} << text;
}

std::string copy_of(const BootRecord& record)
{
    std::string copy = record.line();
    copy.resize(BootRecord::longest);
    return copy;
}

/// A device with two copies and something of somebody else behind each.
std::string device(const std::string& one, const std::string& other)
{
    std::string bytes = one;
    bytes.resize(second_copy, 'x');
    bytes += other;
    bytes.resize(2 * second_copy, 'y');
    return bytes;
}

class Device
{
  public:
    Device(const std::string& one, const std::string& other)
    {
        write(path, device(one, other));
    }

    [[nodiscard]] std::string bytes() const
    {
        return text_of(path);
    }

    test::TemporaryDirectory directory;
    std::filesystem::path path{directory.path() / "state"};
    std::unique_ptr<Selector> selector = make_selector(config::RedundantSelector{path, {0, second_copy}, 3}, nullptr);
};

} // namespace

TEST_CASE("a boot record is one line that a shell can check")
{
    CHECK(first.line() == "seq=1 chosen=a good=a tries=0 sum=53a504160c6c18b9\n");
    const auto again = BootRecord::parse(second.line());
    REQUIRE(again.has_value());
    CHECK(*again == second);
    // What stands behind the line, and words of others, are no part of it.
    CHECK(BootRecord::parse(second.line() + "rest").has_value());
}

TEST_CASE("a boot record with any byte changed is none")
{
    const std::string line = second.line();
    for (std::size_t at = 0; at + 1 < line.size(); ++at)
    {
        std::string changed = line;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CAPTURE(changed);
        CHECK_FALSE(BootRecord::parse(changed).has_value());
        CHECK_FALSE(BootRecord::parse(line.substr(0, at)).has_value());
    }
    CHECK_FALSE(BootRecord::parse("").has_value());
    CHECK_FALSE(BootRecord::parse(" sum=").has_value());
}

TEST_CASE("a boot record whose sum is right but whose words are not is none")
{
    const std::vector<BootRecord> wrong{
        {1, "", "a", 0}, {1, "a", "", 0}, {std::uint64_t{1} << 63, "a", "a", 0}, {~std::uint64_t{}, "a", "a", 0}};
    for (const BootRecord& record : wrong)
    {
        CAPTURE(record.line());
        CHECK_FALSE(BootRecord::parse(record.line()).has_value());
    }
    CHECK(BootRecord::parse(BootRecord{1, "a x=1", "a", 0}.line()).has_value()); // a word more
}

TEST_CASE("the file selector: chosen on trial, confirmed, back again")
{
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "boot";
    const auto selector = make_selector(config::FileSelector{path, 2}, nullptr);
    CHECK(read(*selector).error().kind == ErrorKind::not_found);
    CHECK(try_b(*selector).error().kind == ErrorKind::not_found);
    write(path, first.line());
    CHECK(*read(*selector) == SlotState{"", "a", false});
    REQUIRE(try_b(*selector).has_value());
    CHECK(text_of(path) == BootRecord{2, "b", "a", 2}.line());
    CHECK(*read(*selector) == SlotState{"", "b", true});
    REQUIRE(ended([&](Selector::Done done) { selector->confirm("b", std::move(done)); }).has_value());
    CHECK(text_of(path) == BootRecord{3, "b", "b", 0}.line());
    REQUIRE(ended([&](Selector::Done done) { selector->try_slot("a", "b", std::move(done)); }).has_value());
    REQUIRE(ended([&](Selector::Done done) { selector->fall_back("b", std::move(done)); }).has_value());
    CHECK(text_of(path) == BootRecord{5, "b", "b", 0}.line());
}

TEST_CASE("the file selector: a cut before the new file is in place leaves the former record")
{
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "boot";
    const auto selector = make_selector(config::FileSelector{path, 3}, nullptr);
    const std::string line = second.line();
    for (std::size_t written = 0; written <= line.size(); ++written)
    {
        write(path, first.line());
        write(path.string() + ".new", line.substr(0, written)); // as far as the cut let it come
        CHECK(read(*selector)->chosen == "a");
        REQUIRE(try_b(*selector).has_value()); // what is left over is in nobody's way
        CHECK(read(*selector)->chosen == "b");
    }
}

TEST_CASE("the file selector tells what is wrong with its file")
{
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "boot";
    const auto selector = make_selector(config::FileSelector{path, 3}, nullptr);
    write(path, "chosen=a\n");
    CHECK(read(*selector).error().kind == ErrorKind::integrity);
    CHECK(try_b(*selector).error().text.find("write it anew") != std::string::npos);
    write(path, std::string(513, 'x'));
    CHECK(read(*selector).error().kind == ErrorKind::length);
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    CHECK_FALSE(read(*selector).has_value());
    std::filesystem::remove(path);
    write(path, first.line());
    std::filesystem::create_directory(path.string() + ".new"); // nothing can be written beside it
    CHECK_FALSE(try_b(*selector).has_value());
    CHECK(text_of(path) == first.line());
}

TEST_CASE("the redundant selector: of two copies the valid one with the higher number counts")
{
    const std::string junk(BootRecord::longest, '\xff');
    struct Row
    {
        std::string one;
        std::string other;
        std::string chosen; ///< empty: no valid record
    };
    const std::vector<Row> rows{
        {copy_of(first), copy_of(second), "b"}, {copy_of(second), copy_of(first), "b"}, {copy_of(first), junk, "a"},
        {junk, copy_of(second), "b"},           {copy_of(first), copy_of(first), "a"},  {junk, junk, ""},
        {std::string(512, '\0'), junk, ""},
    };
    for (const Row& row : rows)
    {
        const Device disk{row.one, row.other};
        const auto state = read(*disk.selector);
        CHECK(state.has_value() == !row.chosen.empty());
        CHECK((state ? state->chosen : "") == row.chosen);
        CHECK(try_b(*disk.selector).has_value() == !row.chosen.empty());
    }
}

TEST_CASE("the redundant selector writes over the other copy, and over nothing else")
{
    const Device disk{copy_of(first), copy_of(BootRecord{0, "b", "b", 0})};
    REQUIRE(try_b(*disk.selector).has_value());
    CHECK(disk.bytes() == device(copy_of(first), copy_of(second)));
    REQUIRE(ended([&](Selector::Done done) { disk.selector->confirm("b", std::move(done)); }).has_value());
    CHECK(disk.bytes() == device(copy_of({3, "b", "b", 0}), copy_of(second)));
}

TEST_CASE("the redundant selector: a write that is torn at any byte leaves the former record, or the new one")
{
    const std::string old_copy = copy_of({5, "a", "a", 0});
    const std::string older_copy = copy_of({4, "b", "a", 3});
    const std::string new_copy = copy_of({6, "b", "a", 3});
    int former = 0;
    for (std::size_t written = 0; written <= BootRecord::longest; ++written)
    {
        // In any order of its sectors: from its begin, and from its end.
        for (const std::string& torn : {new_copy.substr(0, written) + older_copy.substr(written),
                                        older_copy.substr(0, written) + new_copy.substr(written)})
        {
            const Device disk{old_copy, torn};
            const auto state = read(*disk.selector);
            REQUIRE(state.has_value());
            const bool whole = torn == new_copy;
            CHECK(state->chosen == (whole ? "b" : "a"));
            former += whole ? 0 : 1;
        }
    }
    CHECK(former > 100);
}

TEST_CASE("the redundant selector: a device that cannot be written, is too short or absent is told")
{
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "state";
    const auto selector = make_selector(config::RedundantSelector{path, {0, second_copy}, 3}, nullptr);
    CHECK(read(*selector).error().kind == ErrorKind::not_found);
    write(path, copy_of(first)); // the second copy lies behind its end
    CHECK(read(*selector)->chosen == "a");
    // No room for it: the change fails, the former record stays.
    struct ::rlimit former
    {
    };
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &former) == 0);
    std::signal(SIGXFSZ, SIG_IGN);
    struct ::rlimit small = former;
    small.rlim_cur = second_copy;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto tried = try_b(*selector);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &former) == 0);
    CHECK_FALSE(tried.has_value());
    CHECK(read(*selector)->chosen == "a");
    // A name of a partition is a link.
    std::filesystem::create_symlink(path, directory.path() / "by-name");
    const auto linked =
        make_selector(config::RedundantSelector{directory.path() / "by-name", {0, second_copy}, 3}, nullptr);
    REQUIRE(try_b(*linked).has_value());
    CHECK(read(*linked)->chosen == "b");
}

TEST_CASE("the command selector asks and tells programs")
{
    ScriptedRunner runner;
    const auto selector =
        make_selector(config::CommandSelector{{"/get", "x"}, {"/try", "y"}, {"/keep"}, {"/back"}}, &runner);
    runner.result = ScriptedRunner::says("running=a\r\nchosen=b\nprovisional=1");
    CHECK(*read(*selector) == SlotState{"a", "b", true});
    runner.result = ScriptedRunner::says("chosen=b\nother=1\n");
    CHECK(*read(*selector) == SlotState{"", "b", false});
    REQUIRE(try_b(*selector).has_value());
    REQUIRE(ended([&](Selector::Done done) { selector->confirm("b", std::move(done)); }).has_value());
    REQUIRE(ended([&](Selector::Done done) { selector->fall_back("a", std::move(done)); }).has_value());
    CHECK(runner.ran == std::vector<std::vector<std::string>>{
                            {"/get", "x"}, {"/get", "x"}, {"/try", "y", "b"}, {"/keep"}, {"/back"}});
}

TEST_CASE("the command selector tells a program that fails or talks nonsense")
{
    ScriptedRunner runner;
    const auto selector = make_selector(config::CommandSelector{{"/get"}, {"/try"}, {"/keep"}, {"/back"}}, &runner);
    runner.result = ScriptedRunner::fails("it ended with status 3");
    CHECK(read(*selector).error().text == "/get does not tell the slots: it ended with status 3");
    CHECK(try_b(*selector).error().text == "/try did not change the boot selection: it ended with status 3");
    for (const char* const nonsense : {"", "chosen", "hello\nrunning=a", "chosen=a\nprovisional=maybe"})
    {
        runner.result = ScriptedRunner::says(nonsense);
        CAPTURE(nonsense);
        CHECK(read(*selector).error().kind == ErrorKind::integrity);
    }
}

namespace
{

/// A redundant U-Boot environment (CRC-32, a flag that tells the newer one, NAME=VALUE with zeros between) in two
/// files.
class Environment
{
  public:
    static constexpr std::size_t size = 8192;

    explicit Environment(const std::string& variables)
    {
        std::string data = variables;
        data.resize(size - 5);
        const auto check =
            static_cast<std::uint32_t>(::crc32(0, as_bytes(data).data(), static_cast<uInt>(data.size())));
        for (const int number : {1, 2})
        {
            std::string file;
            for (const unsigned shift : {0U, 8U, 16U, 24U})
            {
                file += static_cast<char>(check >> shift & 0xFFU);
            }
            file += static_cast<char>(2 - number);
            write(copy(number), file + data);
        }
        write(config(), copy(1).string() + " 0 0x2000\n" + copy(2).string() + " 0 0x2000\n");
    }

    [[nodiscard]] std::filesystem::path config() const
    {
        return directory.path() / "fw_env.config";
    }
    [[nodiscard]] std::filesystem::path copy(int number) const
    {
        return directory.path() / ("env" + std::to_string(number));
    }

    test::TemporaryDirectory directory;
};

/// Lets the real programs run to their end.
template <class Start> void let_run(boost::asio::io_context& context, Start start)
{
    start();
    context.restart();
    context.run();
}

} // namespace

TEST_CASE("the U-Boot selector, with the real programs")
{
    using namespace std::string_literals;
    const Environment environment{"bootcmd=run it\0bootslot=a\0bootcount=4\0"s};
    boost::asio::io_context context;
    AsioCommandRunner runner{context, std::chrono::seconds{20}};
    config::UbootSelector configuration;
    configuration.config = environment.config();
    const auto selector = make_selector(configuration, &runner);
    std::optional<Result<SlotState>> told;
    const auto look = [&]
    {
        told.reset();
        let_run(context, [&] { selector->read([&](Result<SlotState> state) { told = std::move(state); }); });
        REQUIRE(told.has_value());
        return *told;
    };
    std::optional<Result<void>> end;
    const auto done = [&](Result<void> result) { end = std::move(result); };

    CHECK(*look() == SlotState{"", "a", false});
    const std::string former = text_of(environment.copy(1));
    let_run(context, [&] { selector->try_slot("b", "a", done); });
    REQUIRE(end.has_value());
    CHECK(end->has_value());
    CHECK(*look() == SlotState{"", "b", true});
    CHECK(text_of(environment.copy(1)) == former); // the other copy was written, in one go
    const std::string written = text_of(environment.copy(2));
    CHECK(written.find("bootcount=0\0"s) != std::string::npos);
    CHECK(written.find("bootcmd=run it\0"s) != std::string::npos);

    // Torn anywhere, the former copy counts.
    for (std::size_t at = 0; at < written.size(); at += 509)
    {
        std::string torn = written;
        torn[at] = static_cast<char>(torn[at] ^ 0x55);
        write(environment.copy(2), torn);
        CHECK(look()->chosen == "a");
    }
    write(environment.copy(2), written);

    let_run(context, [&] { selector->confirm("b", done); });
    CHECK(*look() == SlotState{"", "b", false});
    let_run(context, [&] { selector->fall_back("a", done); });
    CHECK(*look() == SlotState{"", "a", false});

    write(environment.config(), environment.directory.path() / "absent 0 0x2000\n");
    CHECK_FALSE(look().has_value());
    let_run(context, [&] { selector->try_slot("b", "a", done); });
    CHECK_FALSE(end->has_value());
}

TEST_CASE("the U-Boot selector takes variables of other names, and tells what is not there")
{
    ScriptedRunner runner;
    const auto selector = make_selector(config::UbootSelector{"/cfg", "slot", "trial", "count"}, &runner);
    runner.result = ScriptedRunner::says("slot=a\ntrial=1\n");
    CHECK(*read(*selector) == SlotState{"", "a", true});
    CHECK(runner.ran.back() == std::vector<std::string>{"fw_printenv", "-c", "/cfg", "slot", "trial"});
    std::string script;
    runner.on_run = [&](const std::vector<std::string>& argv)
    {
        std::ifstream file{argv.back()};
        script.assign(std::istreambuf_iterator<char>{file}, {});
    };
    runner.result = ScriptedRunner::says("");
    REQUIRE(try_b(*selector).has_value());
    CHECK(script == "slot=b\ntrial=1\ncount=0\n");
    runner.result = ScriptedRunner::says("slot=\ntrial=\n");
    CHECK(read(*selector).error().text ==
          "U-Boot's environment has no slot; set it to the name of the slot that boots");
    runner.result = ScriptedRunner::says("slot=a\ntrial=yes\n");
    CHECK(read(*selector).error().kind == ErrorKind::integrity);
    runner.result = ScriptedRunner::fails("it ended with status 1");
    CHECK(read(*selector).error().kind == ErrorKind::input_output);
}

TEST_CASE("what programs print: the first line of a name counts")
{
    CHECK(said_value("a=1\nb=2\na=3\n", "a") == "1");
    CHECK(said_value("ab=1\n", "a") == std::nullopt);
    CHECK(said_value("a=", "a") == "");
    CHECK(said_value("", "a") == std::nullopt);
    CHECK(said_value("\n\na=x=y", "a") == "x=y");
}

TEST_CASE("the running slot: by the kernel's command line")
{
    CHECK(argument_in("root=/dev/x slot=a quiet\n", "slot") == "a");
    CHECK(argument_in("slot=a slot=b", "slot") == "b");
    CHECK(argument_in("myslot=a slot", "slot") == std::nullopt);
    CHECK(argument_in("", "slot") == std::nullopt);
    CHECK(argument_in("slot=", "slot") == "");
    const auto absent = running_slot({"surely_no_argument_of_this_kernel", {}});
    CHECK(absent.error().kind == ErrorKind::not_found);
}

TEST_CASE("the running slot: by a file, or left to the selector")
{
    const test::TemporaryDirectory directory;
    CHECK(running_slot({"", directory.path() / "slot"}).error().kind == ErrorKind::not_found);
    write(directory.path() / "slot", "b\nmore");
    CHECK(*running_slot({"", directory.path() / "slot"}) == "b");
    CHECK(running_slot({})->empty());
}
