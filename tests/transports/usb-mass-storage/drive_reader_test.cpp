// Reading a drive with the real mtools, good drives and hostile ones.
#include "tests/bmc-agent/temporary_directory.hpp"
#include "transports/usb-mass-storage/bmc/confined_run.hpp"
#include "transports/usb-mass-storage/bmc/drive_image.hpp"
#include "transports/usb-mass-storage/bmc/drive_reader.hpp"
#include "transports/usb-mass-storage/engine/drive_layout.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

using namespace fwupdate;
using namespace fwupdate::usb;

namespace
{

/// Keeps what it is given.
class Keeper final : public transports::FetchSink
{
  public:
    [[nodiscard]] bool knows_digest() const override
    {
        return true;
    }
    Result<void> expect(std::uint64_t size, TimePoint) override
    {
        expected = size;
        return {};
    }
    [[nodiscard]] std::uint64_t present() const override
    {
        return 0;
    }
    Result<void> go_on_at(std::uint64_t, TimePoint) override
    {
        return {};
    }
    Result<void> accept(ConstBytes bytes, TimePoint) override
    {
        taken.insert(taken.end(), bytes.begin(), bytes.end());
        return taken.size() >= stop_at ? fail(ErrorKind::no_space, "full") : Result<void>{};
    }
    void finished(transports::FetchResult result, TimePoint) override
    {
        ++ends;
        failure = result ? "" : result.error().text;
    }

    std::size_t stop_at{SIZE_MAX};
    std::optional<std::uint64_t> expected;
    Bytes taken;
    int ends{0};
    std::string failure;
};

Bytes make_file(std::size_t size)
{
    std::mt19937 random{7};
    Bytes bytes(size);
    std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
    return bytes;
}

/// A drive as the agent makes it, filled with mtools as a host would fill it.
class Bench
{
  public:
    explicit Bench(std::uint64_t image_size = 3'000'000)
    {
        const Drive drive{make_identity(random_), drive_size(image_size)};
        const auto image = DriveImage::create(path("made"), drive.size);
        REQUIRE(image.has_value());
        REQUIRE(tools().format((*image)->path(), drive).has_value());
        REQUIRE((*image)->clear_partition_table().has_value());
        std::filesystem::copy_file(path("made"), path("drive"));
        put("image.bin", file);
    }

    [[nodiscard]] std::filesystem::path path(const std::string& name) const
    {
        return directory_.path() / name;
    }

    void put(const std::string& name, const Bytes& bytes)
    {
        std::ofstream{path("file"), std::ios::binary}.write(reinterpret_cast<const char*>(bytes.data()),
                                                            static_cast<std::streamsize>(bytes.size()));
        run("mcopy -o -i " + path("drive").string() + " " + path("file").string() + " '::" + name + "'");
    }
    static void run(const std::string& command)
    {
        REQUIRE_MESSAGE(std::system(("LC_ALL=C.UTF-8 MTOOLSRC=/dev/null " + command + " >/dev/null").c_str()) == 0,
                        command);
    }

    [[nodiscard]] Bytes drive() const
    {
        std::ifstream stream{path("drive"), std::ios::binary};
        return {std::istreambuf_iterator<char>{stream}, {}};
    }

    /// Reads `uri` off the drive, or off other bytes in its place.
    Keeper read(std::string_view uri = "usb://image.bin", const Bytes* other = nullptr, std::size_t stop_at = SIZE_MAX)
    {
        const std::filesystem::path place = other != nullptr ? path("other") : path("drive");
        if (other != nullptr)
        {
            std::ofstream{place, std::ios::binary}.write(reinterpret_cast<const char*>(other->data()),
                                                         static_cast<std::streamsize>(other->size()));
        }
        std::filesystem::permissions(place, std::filesystem::perms{0444});
        const int descriptor = ::open(place.c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(descriptor >= 0);
        Keeper keeper;
        keeper.stop_at = stop_at;
        boost::asio::io_context context;
        const FatTools found = tools();
        DriveReader reader{context, found};
        reader.begin(descriptor, *DrivePath::parse(uri), keeper);
        context.run();
        ::close(descriptor);
        std::filesystem::permissions(place, std::filesystem::perms{0644});
        return keeper;
    }

    Bytes file = make_file(3'000'000);

  private:
    static FatTools tools()
    {
        const auto found = FatTools::find();
        REQUIRE_MESSAGE(found.has_value(), "install mtools");
        return *found;
    }

    SystemRandom random_;
    test::TemporaryDirectory directory_;
};

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

std::uint16_t word(const Bytes& bytes, std::size_t at)
{
    return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

/// A drive of less than 16 MiB is FAT12: where its parts are, and how its chains can be bent.
class Fat12
{
  public:
    explicit Fat12(Bytes drive) : bytes{std::move(drive)}
    {
        table_ = std::size_t{word(bytes, 14)} * sector_size;
        table_size_ = std::size_t{word(bytes, 22)} * sector_size;
        root_ = table_ + 2 * table_size_;
        entry = root_;
        while (as_text(ConstBytes{bytes}.subspan(entry, 11)) != "IMAGE   BIN")
        {
            entry += 32;
            REQUIRE(entry < root_ + 512 * 32);
        }
    }

    [[nodiscard]] std::uint16_t first_cluster() const
    {
        return word(bytes, entry + 26);
    }
    void link(unsigned cluster, unsigned next)
    {
        for (const std::size_t table : {table_, table_ + table_size_})
        {
            const std::size_t at = table + cluster * 3 / 2;
            const unsigned old = word(bytes, at);
            const unsigned value = cluster % 2 == 0 ? (old & 0xF000U) | next : (old & 0xFU) | next << 4;
            bytes[at] = static_cast<std::uint8_t>(value);
            bytes[at + 1] = static_cast<std::uint8_t>(value >> 8);
        }
    }
    void set(std::size_t at, std::uint64_t value, std::size_t width)
    {
        for (std::size_t byte = 0; byte < width; ++byte)
        {
            bytes[at + byte] = static_cast<std::uint8_t>(value >> 8 * byte);
        }
    }
    [[nodiscard]] std::size_t table() const
    {
        return table_;
    }
    [[nodiscard]] std::size_t root() const
    {
        return root_;
    }

    Bytes bytes;
    std::size_t entry{}; ///< of image.bin in the root

  private:
    std::size_t table_{};
    std::size_t table_size_{};
    std::size_t root_{};
};

} // namespace

TEST_CASE("a file comes whole, its size first")
{
    Bench bench;
    const Keeper keeper = bench.read();
    CHECK(keeper.failure == "");
    CHECK(keeper.expected == bench.file.size());
    CHECK(keeper.taken == bench.file);
    CHECK(keeper.ends == 1);
    CHECK(bench.read("usb://IMAGE.BIN").taken == bench.file); // FAT's names have no case
}

TEST_CASE("directories, blanks, brackets, umlauts and hidden files")
{
    Bench bench;
    const Bytes small = make_file(5000);
    Bench::run("mmd -i " + bench.path("drive").string() + " ::dir");
    bench.put("dir/a [b] Größe.bin", small);
    CHECK(bench.read("usb://dir/a [b] Größe.bin").taken == small);
    Bench::run("mattrib +h +s -i " + bench.path("drive").string() + " ::image.bin");
    CHECK(bench.read().taken == bench.file);
    bench.put("empty.bin", {});
    const Keeper empty = bench.read("usb://empty.bin");
    CHECK(empty.expected == 0);
    CHECK(empty.taken.empty());
}

TEST_CASE("larger drives are FAT16 and FAT32")
{
    for (const std::uint64_t size : {60'000'000, 400'000'000})
    {
        Bench bench{size};
        CHECK(bench.read().taken == bench.file);
    }
}

TEST_CASE("a wrong path is told with what there is")
{
    Bench bench;
    bench.put("other.bin", {1});
    const Keeper keeper = bench.read("usb://wrong.bin");
    CHECK(keeper.ends == 1);
    CHECK(has(keeper.failure, "no file \"wrong.bin\" on the drive"));
    CHECK(has(keeper.failure, "image.bin, other.bin"));
    CHECK(has(bench.read("usb://no/such/dir").failure, "no file"));
    Bench::run("mdel -i " + bench.path("drive").string() + " ::image.bin ::other.bin");
    CHECK(has(bench.read().failure, "it is empty"));
}

TEST_CASE("a directory is no file")
{
    Bench bench;
    Bench::run("mmd -i " + bench.path("drive").string() + " ::dir");
    const Keeper keeper = bench.read("usb://dir");
    CHECK(keeper.taken.empty());
    CHECK(keeper.failure != "");
}

TEST_CASE("chains that end early, run in circles or leave the drive give a reason")
{
    Bench bench;
    const Fat12 good{bench.drive()};
    const unsigned first = good.first_cluster();
    struct Case
    {
        std::string what;
        unsigned from;
        unsigned to;
    };
    for (const Case& bent :
         {Case{"to itself", first, first}, Case{"circle", first + 5, first}, Case{"early end", first + 5, 0xFFF},
          Case{"bad cluster", first + 5, 0xFF7}, Case{"free cluster", first + 5, 0}, Case{"beyond", first + 5, 0xFE0}})
    {
        Fat12 drive = good;
        drive.link(bent.from, bent.to);
        const Keeper keeper = bench.read("usb://image.bin", &drive.bytes);
        CHECK_MESSAGE(keeper.failure != "", bent.what);
        CHECK_MESSAGE(keeper.ends == 1, bent.what);
        CHECK_MESSAGE(keeper.taken.size() < bench.file.size(), bent.what);
    }
    Fat12 early = good;
    early.link(first + 5, 0xFFF);
    CHECK(has(bench.read("usb://image.bin", &early.bytes).failure, "ends after 24576 of 3000000 bytes"));
}

TEST_CASE("impossible sizes and kinds of files give a reason")
{
    Bench bench;
    const Fat12 good{bench.drive()};
    struct Case
    {
        std::string what;
        std::size_t at;
        std::uint64_t value;
        std::size_t width;
    };
    for (const Case& bent :
         {Case{"4 GiB", good.entry + 28, 0xFFFFFFFF, 4}, Case{"a directory", good.entry + 11, 0x10, 1},
          Case{"a label", good.entry + 11, 0x08, 1}, Case{"no clusters", 13, 0, 1}, Case{"huge clusters", 13, 128, 1},
          Case{"sectors of 0", 11, 0, 2}, Case{"sectors of 32768", 11, 32768, 2},
          Case{"tables of 65535 sectors", 22, 65535, 2}, Case{"no boot signature and no BPB", 0, 0, 8},
          Case{"no tables", 16, 0, 1}})
    {
        Fat12 drive = good;
        drive.set(bent.at, bent.value, bent.width);
        const Keeper keeper = bench.read("usb://image.bin", &drive.bytes);
        const bool harmless = keeper.failure.empty() && keeper.taken == bench.file;
        CHECK_MESSAGE((keeper.failure != "" || harmless), bent.what);
        CHECK_MESSAGE(keeper.ends == 1, bent.what);
    }
    Fat12 device = good; // 40h is the "device" bit, which FAT does not use
    device.set(device.entry + 11, 0x60, 1);
    CHECK(bench.read("usb://image.bin", &device.bytes).ends == 1);
}

TEST_CASE("a truncated, empty, zeroed or foreign image gives a reason")
{
    Bench bench;
    const Bytes good = bench.drive();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{100}, std::size_t{512}, std::size_t{4096}, good.size() / 2})
    {
        const Bytes cut{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)};
        const Keeper keeper = bench.read("usb://image.bin", &cut);
        CHECK_MESSAGE(keeper.failure != "", size);
    }
    const Bytes zeroes(1 << 20);
    CHECK(has(bench.read("usb://image.bin", &zeroes).failure, "cannot be read"));
    const Bytes noise = make_file(1 << 20);
    CHECK(bench.read("usb://image.bin", &noise).failure != "");
}

TEST_CASE("a hundred damaged drives: each ends, with the file or with a reason")
{
    Bench bench;
    const Fat12 good{bench.drive()};
    std::mt19937 random{1};
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
    };
    for (int round = 0; round < 100; ++round)
    {
        Bytes drive = good.bytes;
        const std::size_t changes = 1 + below(20);
        for (std::size_t change = 0; change < changes; ++change)
        {
            const std::size_t place = below(3);
            const std::size_t at = place == 0   ? below(90)
                                   : place == 1 ? good.table() + below(2000)
                                                : good.root() + below(400);
            drive[at] = static_cast<std::uint8_t>(random());
        }
        const Keeper keeper = bench.read("usb://image.bin", &drive);
        CHECK(keeper.ends == 1);
        CHECK(keeper.taken.size() <= keeper.expected.value_or(0));
        if (keeper.failure.empty())
        {
            CHECK(keeper.taken.size() == keeper.expected);
        }
    }
}

TEST_CASE("a sink that has enough ends the reading")
{
    Bench bench;
    const Keeper keeper = bench.read("usb://image.bin", nullptr, 100'000);
    CHECK(keeper.ends == 0); // it has said so itself
    CHECK(keeper.taken.size() >= 100'000);
    CHECK(keeper.taken.size() < 400'000);
}

TEST_CASE("a reader that is cancelled says nothing more")
{
    Bench bench;
    const int descriptor = ::open(bench.path("drive").c_str(), O_RDONLY | O_CLOEXEC);
    Keeper keeper;
    boost::asio::io_context context;
    const FatTools tools = *FatTools::find();
    DriveReader reader{context, tools};
    reader.begin(descriptor, *DrivePath::parse("usb://image.bin"), keeper);
    reader.cancel();
    context.run();
    ::close(descriptor);
    CHECK(keeper.ends == 0);
    CHECK(!keeper.expected);
}

namespace
{

/// What a confined program says, and how it ends.
struct Said
{
    std::string text;
    std::optional<Result<void>> end;
};

Said say(std::vector<std::string> argv, std::chrono::seconds stall = std::chrono::seconds{30})
{
    const int image = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    boost::asio::io_context context;
    Said said;
    ConfinedProgram program;
    program.argv = std::move(argv);
    program.image = image;
    program.stall = stall;
    program.output = [&](ConstBytes bytes)
    {
        said.text += as_text(bytes);
        return true;
    };
    program.finished = [&](Result<void> result) { said.end = std::move(result); };
    REQUIRE(ConfinedRun::start(context, std::move(program)).has_value());
    context.run();
    ::close(image);
    return said;
}

} // namespace

TEST_CASE("a confined program is nobody, alone and without privileges")
{
    const auto text = [](std::vector<std::string> argv)
    {
        const Said said = say(std::move(argv));
        REQUIRE(said.end.has_value());
        CHECK(said.end->has_value());
        return said.text;
    };
    const std::string status = text({"/bin/cat", "/proc/self/status"});
    CHECK(has(status, "NoNewPrivs:\t1\n"));
    const std::string limits = text({"/bin/cat", "/proc/self/limits"});
    CHECK(has(limits, "Max file size             0 "));
    CHECK(has(limits, "Max processes             0 "));
    CHECK(has(limits, "Max address space         134217728 "));
    CHECK(text({"/bin/ls", "/proc/self/fd"}) == "0\n1\n2\n3\n4\n"); // 4 is ls' own
    CHECK(text({"/usr/bin/env"}) == "LC_ALL=C.UTF-8\nMTOOLSRC=/dev/null\n");
    CHECK(has(text({"/bin/readlink", "/proc/self/cwd"}), "/\n"));
    if (::geteuid() == 0)
    {
        CHECK(has(status, "CapPrm:\t0000000000000000\n"));
        CHECK(has(status, "CapEff:\t0000000000000000\n"));
        CHECK(has(status, "Uid:\t65534\t65534\t65534\t65534\n"));
        CHECK(has(status, "Groups:\t \n"));
        CHECK_FALSE(has(text({"/bin/cat", "/proc/self/net/dev"}), "eth"));
    }
}

TEST_CASE("a confined program that stalls, crashes, fails or does not exist is told apart")
{
    const auto failure = [](const Said& said)
    {
        REQUIRE(said.end.has_value());
        REQUIRE(!said.end->has_value());
        return said.end->error().text;
    };
    CHECK(has(failure(say({"/bin/sh", "-c", "exec sleep 1000"}, std::chrono::seconds{1})), "longer than 1 s"));
    CHECK(has(failure(say({"/bin/sh", "-c", "sleep 1000 & exit 0"})), "fork")); // it may have no children
    CHECK(has(failure(say({"/bin/sh", "-c", "kill -SEGV $$"})), "signal 11"));
    CHECK(has(failure(say({"/bin/sh", "-c", "echo 'it is broken' >&2; exit 3"})), "it is broken"));
    CHECK(has(failure(say({"/bin/sh", "-c", "exit 3"})), "status 3"));
    CHECK(has(failure(say({"/no/such/program"})), "could not be run"));
}
