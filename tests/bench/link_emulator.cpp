// A link between two network namespaces over two TUN devices, in user space: delay, loss, rate and queue in each
// direction. For benchmarks and fault tests on machines whose kernel has no netem.
#include "common/bytes.hpp"
#include "common/result.hpp"
#include "common/time.hpp"
#include "tests/bench/link_direction.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <utility>

namespace fwupdate::bench
{
namespace
{

/// A descriptor that closes itself.
class Descriptor
{
  public:
    explicit Descriptor(int number = -1) : number_{number} {}
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor()
    {
        if (number_ >= 0)
        {
            ::close(number_);
        }
    }

    [[nodiscard]] int number() const
    {
        return number_;
    }
    [[nodiscard]] bool is_open() const
    {
        return number_ >= 0;
    }

  private:
    int number_;
};

struct Options
{
    std::array<std::string, 2> sides; ///< NAMESPACE:DEVICE
    double delay_ms{};
    double loss_percent{};
    double rate_mbit{};
    double queue_kib{512};
    std::uint64_t seed{1};
};

Error system_error(const std::string& what, const std::string& remedy)
{
    return fail(ErrorKind::input_output, what + ": " + std::strerror(errno) + "; " + remedy);
}

Result<void> enter_namespace(const std::string& name)
{
    const std::string path = "/var/run/netns/" + name;
    const Descriptor handle{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!handle.is_open() || ::setns(handle.number(), CLONE_NEWNET) != 0)
    {
        return system_error("cannot enter the network namespace " + name,
                            "make it with 'ip netns add " + name + "' and run this as root");
    }
    return {};
}

/// Opens an existing TUN device, for reading and writing bare IP packets.
Result<Descriptor> open_device(const std::string& name)
{
    ::ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    Descriptor device{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    if (!device.is_open() || ::ioctl(device.number(), TUNSETIFF, &request) != 0)
    {
        return system_error("cannot open the TUN device " + name,
                            "make it in its namespace with 'ip tuntap add dev " + name + " mode tun'");
    }
    return device;
}

Result<Descriptor> open_side(const std::string& side)
{
    const std::size_t colon = side.find(':');
    if (colon == std::string::npos || colon == 0 || side.size() - colon - 1 == 0 || side.size() - colon - 1 >= IFNAMSIZ)
    {
        return fail(ErrorKind::invalid_field, "'" + side + "' is not NAMESPACE:DEVICE, e.g. left:tun0");
    }
    const Result<void> entered = enter_namespace(side.substr(0, colon));
    return entered ? open_device(side.substr(colon + 1)) : Result<Descriptor>{entered.error()};
}

/// SIGINT and SIGTERM as something to poll.
Result<Descriptor> open_signals()
{
    ::sigset_t signals{};
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0)
    {
        return system_error("cannot block SIGTERM", "this is not expected on Linux");
    }
    Descriptor signal{::signalfd(-1, &signals, SFD_CLOEXEC)};
    return signal.is_open()
               ? Result<Descriptor>{std::move(signal)}
               : Result<Descriptor>{system_error("cannot watch for SIGTERM", "raise the limit of open files")};
}

/// Moves packets between the two devices until a signal comes.
class Emulator
{
  public:
    Emulator(std::array<Descriptor, 2> devices, Descriptor signals, const LinkProperties& properties)
        : devices_{std::move(devices)},
          signals_{std::move(signals)},
          directions_{LinkDirection{properties}, LinkDirection{other_seed(properties)}}
    {
    }

    Result<void> run()
    {
        while (true)
        {
            deliver();
            std::array<::pollfd, 3> ready{
                {{signals_.number(), POLLIN, 0}, {devices_[0].number(), POLLIN, 0}, {devices_[1].number(), POLLIN, 0}}};
            if (Result<void> waited = wait(ready); !waited)
            {
                return waited;
            }
            if (ready[0].revents != 0)
            {
                return {};
            }
            receive(ready[1].revents, 0);
            receive(ready[2].revents, 1);
        }
    }

    [[nodiscard]] const LinkCounters& counters(std::size_t direction) const
    {
        return directions_[direction].counters();
    }

  private:
    static LinkProperties other_seed(LinkProperties properties)
    {
        ++properties.seed;
        return properties;
    }

    void deliver()
    {
        const TimePoint now = Clock::now();
        for (std::size_t from = 0; from < directions_.size(); ++from)
        {
            while (const auto packet = directions_[from].leave(now))
            {
                // What the receiving kernel has no room for is lost, as on any link.
                [[maybe_unused]] const ::ssize_t written =
                    ::write(devices_[1 - from].number(), packet->data(), packet->size());
            }
        }
    }

    [[nodiscard]] ::timespec until_next() const
    {
        using namespace std::chrono;
        const TimePoint now = Clock::now();
        nanoseconds left = seconds{1};
        for (const LinkDirection& direction : directions_)
        {
            left = std::min<nanoseconds>(left, direction.next().value_or(now + left) - now);
        }
        left = std::max(left, nanoseconds{0});
        const auto whole = duration_cast<seconds>(left);
        return {whole.count(), (left - whole).count()};
    }

    [[nodiscard]] Result<void> wait(std::span<::pollfd> ready) const
    {
        const ::timespec limit = until_next();
        if (::ppoll(ready.data(), ready.size(), &limit, nullptr) < 0 && errno != EINTR)
        {
            return system_error("cannot wait for packets", "this is not expected on Linux");
        }
        return {};
    }

    void receive(short events, std::size_t from)
    {
        constexpr int burst = 32; // then the other direction and the due packets have their turn
        for (int count = 0; events != 0 && count < burst; ++count)
        {
            const ::ssize_t length = ::read(devices_[from].number(), buffer_.data(), buffer_.size());
            if (length <= 0)
            {
                return;
            }
            directions_[from].enter(ConstBytes{buffer_}.first(static_cast<std::size_t>(length)), Clock::now());
        }
    }

    std::array<Descriptor, 2> devices_;
    Descriptor signals_;
    std::array<LinkDirection, 2> directions_; ///< [0] from side a to side b
    std::array<std::uint8_t, 65536> buffer_{};
};

LinkProperties properties_of(const Options& options)
{
    constexpr double bytes_per_mbit = 1e6 / 8;
    constexpr double percent = 100;
    constexpr double kibi = 1024;
    const std::chrono::duration<double, std::milli> delay{options.delay_ms};
    return {.delay = std::chrono::duration_cast<Duration>(delay),
            .loss = options.loss_percent / percent,
            .rate = options.rate_mbit * bytes_per_mbit,
            .queue_limit = options.queue_kib * kibi,
            .seed = options.seed,
            .overhead = ethernet_overhead};
}

Result<Emulator> open_emulator(const Options& options)
{
    auto signals = open_signals();
    if (!signals)
    {
        return signals.error();
    }
    std::array<Descriptor, 2> devices;
    for (std::size_t side = 0; side < devices.size(); ++side)
    {
        auto device = open_side(options.sides[side]);
        if (!device)
        {
            return device.error();
        }
        devices[side] = std::move(*device);
    }
    return Emulator{std::move(devices), std::move(*signals), properties_of(options)};
}

void print_counters(const Emulator& emulator)
{
    for (std::size_t direction = 0; direction < 2; ++direction)
    {
        const LinkCounters& counters = emulator.counters(direction);
        std::cout << (direction == 0 ? "{\"a_to_b\":" : ",\"b_to_a\":") << "{\"packets\":" << counters.packets
                  << ",\"lost\":" << counters.lost << ",\"dropped\":" << counters.dropped << "}";
    }
    std::cout << "}" << std::endl;
}

Result<void> emulate(const Options& options)
{
    auto emulator = open_emulator(options);
    if (!emulator)
    {
        return emulator.error();
    }
    ::prctl(PR_SET_TIMERSLACK, 1000UL); // ns; the default of 50 us is a packet's time at 240 Mbit/s
    std::cout << "ready" << std::endl;
    Result<void> ran = emulator->run();
    print_counters(*emulator);
    return ran;
}

void declare(CLI::App& app, Options& options)
{
    app.footer(
        "Make the namespaces and the TUN devices first: ip netns add NAMESPACE; in it: ip tuntap add dev DEVICE\n"
        "mode tun; an address; up. Prints 'ready', and at SIGTERM or SIGINT its counters as one JSON object.");
    app.add_option("side_a", options.sides[0], "NAMESPACE:DEVICE of one side")->required();
    app.add_option("side_b", options.sides[1], "NAMESPACE:DEVICE of the other side")->required();
    app.add_option("--delay", options.delay_ms, "one way, in ms")->check(CLI::Range(0.0, 10'000.0));
    app.add_option("--loss", options.loss_percent, "of packets at random, in %")->check(CLI::Range(0.0, 100.0));
    app.add_option("--rate", options.rate_mbit, "in Mbit/s; 0: unlimited")->check(CLI::Range(0.0, 1e6));
    app.add_option("--queue", options.queue_kib, "in KiB; what doesn't fit is dropped")->check(CLI::Range(0.0, 1e6));
    app.add_option("--seed", options.seed, "of the losses");
}

} // namespace
} // namespace fwupdate::bench

int main(int argc, char** argv)
try
{
    CLI::App app{"Emulates a link between two network namespaces: the same delay, loss and rate in each direction."};
    fwupdate::bench::Options options;
    fwupdate::bench::declare(app, options);
    CLI11_PARSE(app, argc, argv);
    const fwupdate::Result<void> emulated = fwupdate::bench::emulate(options);
    if (!emulated)
    {
        std::cerr << "link_emulator: " << emulated.error().text << std::endl;
        return 1;
    }
    return 0;
}
catch (const std::exception& exception)
{
    std::cerr << "link_emulator: " << exception.what() << std::endl;
    return 1;
}
