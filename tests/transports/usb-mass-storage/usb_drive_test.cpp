// The virtual drive with everything real but the kernel's gadget, which is played here.
#include "tests/bmc-agent/temporary_directory.hpp"
#include "transports/usb-mass-storage/bmc/usb_drive.hpp"
#include "transports/usb-mass-storage/engine/drive_layout.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

using namespace fwupdate;
using namespace fwupdate::usb;
using namespace std::chrono_literals;

namespace
{

/// What the kernel would have: whether there is a gadget, of which image, and how long things take.
struct Kernel
{
    std::atomic<bool> shown{false};
    std::atomic<int> removals{0};
    std::atomic<std::chrono::milliseconds> takes{0ms};
    std::string image;
};

Kernel& kernel()
{
    static Kernel instance; // the functions below have no other way to it
    return instance;
}

} // namespace

// In place of gadget.cpp.
Result<void> Gadget::check() const
{
    return {};
}
Result<void> Gadget::plug_in(const DriveIdentity&, const std::string& image) const
{
    std::this_thread::sleep_for(kernel().takes.load());
    kernel().image = image;
    kernel().shown = true;
    return {};
}
Result<bool> Gadget::remove() const
{
    std::this_thread::sleep_for(kernel().takes.load());
    ++kernel().removals;
    return kernel().shown.exchange(false);
}

namespace
{

class Sink final : public transports::FetchSink
{
  public:
    [[nodiscard]] bool knows_digest() const override
    {
        return digest;
    }
    Result<void> expect(std::uint64_t, TimePoint) override
    {
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
        taken += as_text(bytes);
        return {};
    }
    void finished(transports::FetchResult result, TimePoint) override
    {
        end = result ? "good" : result.error().text;
    }

    bool digest{false};
    std::string taken;
    std::string end;
};

class Bench
{
  public:
    Bench()
    {
        kernel().takes = 0ms;
        drive.emplace(context, UsbDriveSettings{{}, directory.path()}, *FatTools::find(), random,
                      [this](const std::string& text) { reports += text; });
    }

    /// The loop goes on until something is so, or for `limit`.
    template <class Condition> bool run_until(Condition condition, std::chrono::seconds limit = 20s)
    {
        const TimePoint end = Clock::now() + limit;
        while (!condition() && Clock::now() < end)
        {
            context.run_for(20ms);
            context.restart();
        }
        return condition();
    }

    /// What a host does: writes a file and unmounts.
    static void host_writes(const std::string& name, const std::string& text)
    {
        const std::string command =
            "printf '" + text + "' | MTOOLSRC=/dev/null mcopy -o -i " + kernel().image + " - ::" + name;
        REQUIRE(std::system(command.c_str()) == 0);
    }

    [[nodiscard]] std::size_t files() const
    {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{directory.path()},
                                                      std::filesystem::directory_iterator{}));
    }

    test::TemporaryDirectory directory;
    boost::asio::io_context context{1};
    SystemRandom random;
    std::string reports;
    std::optional<UsbDrive> drive;
    Sink sink;
};

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("plug in, write, plug out, read; nothing is left behind")
{
    Bench bench;
    REQUIRE(bench.drive->plug_in(1000).has_value());
    CHECK(kernel().shown);
    CHECK(bench.drive->plugged_in()->size == 4U << 20);
    int written = 0;
    bench.drive->on_written([&](TimePoint) { ++written; });
    Bench::host_writes("a.bin", "hello");
    CHECK(bench.run_until([&] { return written > 0; }));
    bench.drive->plug_out();
    CHECK_FALSE(bench.drive->plugged_in());
    REQUIRE(bench.drive->check({"usb://a.bin", {}, {}}).has_value());
    bench.drive->begin({"usb://a.bin", {}, {}}, bench.sink); // waits for the drive's end by itself
    CHECK(bench.run_until([&] { return !bench.sink.end.empty(); }));
    CHECK(bench.sink.end == "good");
    CHECK(bench.sink.taken == "hello");
    CHECK_FALSE(kernel().shown);
    bench.drive.reset();
    CHECK(bench.files() == 0);
}

TEST_CASE("plugged out in the very moment of the timer: the drive goes all the same")
{
    Bench bench;
    REQUIRE(bench.drive->plug_in(1000).has_value());
    Bench::host_writes("a.bin", "hello");
    boost::asio::post(bench.context,
                      [&]
                      {
                          boost::asio::post(bench.context,
                                            [&]
                                            {
                                                bench.drive->plug_out();
                                                bench.drive->begin({"usb://a.bin", {}, {}}, bench.sink);
                                            });
                          std::this_thread::sleep_for(1100ms); // the loop is busy while the timer's time comes
                      });
    CHECK(bench.run_until([&] { return !bench.sink.end.empty(); }));
    CHECK(bench.sink.end == "good");
    CHECK_FALSE(kernel().shown);
}

TEST_CASE("a drive that was not unmounted is read only where a SHA-256 would show damage")
{
    for (const bool digest : {false, true})
    {
        Bench bench;
        bench.sink.digest = digest;
        REQUIRE(bench.drive->plug_in(1000).has_value());
        Bench::host_writes("a.bin", "hello");
        const int image = ::open(kernel().image.c_str(), O_RDWR | O_CLOEXEC);
        const std::uint8_t mounted = 1;
        REQUIRE(::pwrite(image, &mounted, 1, 37) == 1); // as Linux marks FAT12 and FAT16
        ::close(image);
        bench.drive->plug_out();
        bench.drive->begin({"usb://a.bin", {}, {}}, bench.sink);
        CHECK(bench.run_until([&] { return !bench.sink.end.empty(); }));
        CHECK((digest ? bench.sink.end == "good" : has(bench.sink.end, "not unmounted")));
    }
}

TEST_CASE("a kernel that takes too long: refused in time, and no drive appears later")
{
    Bench bench;
    REQUIRE(bench.drive->plug_in(1000).has_value());
    kernel().takes = 2000ms; // to take the former one away, and to show the next
    const TimePoint begun = Clock::now();
    const auto plugged_in = bench.drive->plug_in(1000);
    const bool late = !plugged_in.has_value();
    CHECK(Clock::now() - begun < 4s);
    if (late)
    {
        CHECK(has(plugged_in.error().text, "try again"));
        CHECK_FALSE(bench.drive->plugged_in());
    }
    kernel().takes = 0ms;
    bench.drive.reset(); // waits for the worker
    CHECK_FALSE(kernel().shown);
    CHECK(bench.files() == 0);
}

TEST_CASE("no room for a drive is said before one appears")
{
    Bench bench;
    const auto space = std::filesystem::space(bench.directory.path());
    const auto plugged_in = bench.drive->plug_in(largest_file);
    if (space.available < largest_file)
    {
        REQUIRE_FALSE(plugged_in.has_value());
        CHECK(plugged_in.error().kind == ErrorKind::no_space);
        CHECK_FALSE(kernel().shown);
    }
    else
    {
        CHECK(plugged_in.has_value());
    }
}

TEST_CASE("what former agents left is taken away, and nothing else")
{
    Bench bench;
    for (const char* name :
         {"usb-drive-0123456789ABCDEF.img", "usb-drive-0123456789abcdef.img", "usb-drive-x.img", "image"})
    {
        std::ofstream{bench.directory.path() / name} << "x";
    }
    kernel().shown = true;
    std::string said;
    UsbDrive::clean_up({{}, bench.directory.path()}, [&](const std::string& text) { said = text; });
    CHECK(has(said, "took away"));
    CHECK_FALSE(kernel().shown);
    CHECK(bench.files() == 3);
}

TEST_CASE("dropped, plugged in and out at random: ends with nothing")
{
    Bench bench;
    std::uint32_t state = 1;
    for (int step = 0; step < 60; ++step)
    {
        state = state * 1664525U + 1013904223U;
        switch (state >> 29)
        {
        case 0:
        case 1:
            (void)bench.drive->plug_in(1000);
            break;
        case 2:
            bench.drive->plug_out();
            break;
        case 3:
            bench.drive->drop();
            break;
        case 4:
            if (bench.drive->check({"usb://a.bin", {}, {}}))
            {
                bench.drive->begin({"usb://a.bin", {}, {}}, bench.sink);
            }
            break;
        case 5:
            bench.drive->cancel();
            break;
        default:
            bench.context.run_for(100ms);
            bench.context.restart();
        }
    }
    bench.drive.reset();
    CHECK_FALSE(kernel().shown);
    CHECK(bench.files() == 0);
}
