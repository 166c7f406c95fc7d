// A UDP relay that loses, doubles, reorders, delays and slows down, in both directions: for the fault tests.
// Serves any number of clients, each through a socket of its own towards the server. Prints "port N" when it serves,
// its counters as JSON on SIGUSR1, and again when SIGTERM or SIGINT ends it.
#include "tests/interop/lossy_relay_direction.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fwupdate::interop
{
namespace
{

using boost::asio::ip::udp;
using boost::system::error_code;

constexpr int socket_buffer = 8 << 20;      // bytes; what the kernel grants may be less
constexpr int datagrams_in_a_row = 64;      // from one socket, before the others have their turn
constexpr std::size_t largest = 65'536;     // bytes of a datagram
constexpr double bytes_per_megabit = 125e3; // a second

void prepare(udp::socket& socket)
{
    socket.set_option(udp::socket::receive_buffer_size{socket_buffer});
    socket.set_option(udp::socket::send_buffer_size{socket_buffer});
    socket.non_blocking(true);
}

/// One client, and the socket that speaks for it.
struct Session
{
    udp::endpoint client;
    udp::socket upstream;
};

class Relay
{
  public:
    Relay(boost::asio::io_context& io, const udp::endpoint& listen, udp::endpoint server, const Faults& faults,
          std::uint64_t seed)
        : io_{io},
          socket_{io, listen},
          server_{std::move(server)},
          to_server_{faults, seed},
          to_client_{faults, ~seed},
          timer_{io}
    {
        prepare(socket_);
        await_clients();
    }

    [[nodiscard]] std::uint16_t port() const
    {
        return socket_.local_endpoint().port();
    }

    [[nodiscard]] std::string counters() const
    {
        const auto list = [](const Counters& counters)
        {
            return nlohmann::json{{"datagrams", counters.datagrams}, {"bytes", counters.bytes},
                                  {"lost", counters.lost},           {"duplicated", counters.duplicated},
                                  {"reordered", counters.reordered}, {"dropped", counters.dropped}};
        };
        return nlohmann::json{{"sessions", sessions_.size()},
                              {"to_server", list(to_server_.counters())},
                              {"to_client", list(to_client_.counters())}}
            .dump();
    }

  private:
    void await_clients()
    {
        socket_.async_wait(udp::socket::wait_read,
                           [this](error_code failure)
                           {
                               if (!failure)
                               {
                                   drain_clients();
                                   deliver();
                                   await_clients();
                               }
                           });
    }

    void drain_clients()
    {
        for (int count = 0; count < datagrams_in_a_row; ++count)
        {
            udp::endpoint from;
            error_code failure;
            const std::size_t size = socket_.receive_from(boost::asio::buffer(buffer_), from, 0, failure);
            if (failure)
            {
                return;
            }
            to_server_.enter(session_of(from), ConstBytes{buffer_}.first(size), Clock::now());
        }
    }

    std::size_t session_of(const udp::endpoint& client)
    {
        const auto [place, is_new] = numbers_.try_emplace(client, sessions_.size());
        if (is_new)
        {
            sessions_.push_back(std::make_unique<Session>(Session{client, udp::socket{io_, server_.protocol()}}));
            sessions_.back()->upstream.connect(server_);
            prepare(sessions_.back()->upstream);
            await_server(place->second);
        }
        return place->second;
    }

    void await_server(std::size_t number)
    {
        sessions_[number]->upstream.async_wait(udp::socket::wait_read,
                                               [this, number](error_code failure)
                                               {
                                                   if (!failure)
                                                   {
                                                       drain_server(number);
                                                       deliver();
                                                       await_server(number);
                                                   }
                                               });
    }

    void drain_server(std::size_t number)
    {
        for (int count = 0; count < datagrams_in_a_row; ++count)
        {
            error_code failure; // also: nobody serves there now, which the client shall notice by itself
            const std::size_t size = sessions_[number]->upstream.receive(boost::asio::buffer(buffer_), 0, failure);
            if (failure)
            {
                return;
            }
            to_client_.enter(number, ConstBytes{buffer_}.first(size), Clock::now());
        }
    }

    /// Sends what is due; a full socket buffer is one more way to lose a datagram.
    void deliver()
    {
        const TimePoint now = Clock::now();
        error_code ignored;
        while (const auto due = to_server_.leave(now))
        {
            sessions_[due->session]->upstream.send(boost::asio::buffer(due->datagram), 0, ignored);
        }
        while (const auto due = to_client_.leave(now))
        {
            socket_.send_to(boost::asio::buffer(due->datagram), sessions_[due->session]->client, 0, ignored);
        }
        set_timer();
    }

    void set_timer()
    {
        const auto first = to_server_.next();
        const auto second = to_client_.next();
        const auto next = first && second ? std::min(first, second) : first ? first : second;
        if (!next || (timer_is_set_ && timer_.expiry() == *next))
        {
            return;
        }
        timer_is_set_ = true;
        timer_.expires_at(*next);
        timer_.async_wait(
            [this](error_code failure)
            {
                if (!failure)
                {
                    timer_is_set_ = false;
                    deliver();
                }
            });
    }

    boost::asio::io_context& io_;
    udp::socket socket_;
    udp::endpoint server_;
    Direction to_server_;
    Direction to_client_;
    boost::asio::steady_timer timer_;
    bool timer_is_set_{};
    std::map<udp::endpoint, std::size_t> numbers_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::array<std::uint8_t, largest> buffer_{};
};

struct Options
{
    std::string address{"127.0.0.1"};
    std::uint16_t port{};
    std::string server_address{"127.0.0.1"};
    std::uint16_t server_port{};
    double loss{};
    double duplication{};
    double reordering{};
    double delay{};
    double jitter{};
    double held_back{20};
    double rate{};
    double queue{512};
    std::uint64_t seed{1};
};

void declare(CLI::App& application, Options& options)
{
    application.add_option("--address", options.address, "where to listen");
    application.add_option("--port", options.port, "where to listen; 0: any free one");
    application.add_option("--server-address", options.server_address, "whom to relay to");
    application.add_option("--server-port", options.server_port, "whom to relay to")->required();
    const auto percent = CLI::Range(0.0, 100.0);
    application.add_option("--loss", options.loss, "percent, in each direction")->check(percent);
    application.add_option("--duplication", options.duplication, "percent")->check(percent);
    application.add_option("--reordering", options.reordering, "percent")->check(percent);
    application.add_option("--delay", options.delay, "milliseconds, one way")->check(CLI::NonNegativeNumber);
    application.add_option("--jitter", options.jitter, "milliseconds more, at most")->check(CLI::NonNegativeNumber);
    application.add_option("--held-back", options.held_back, "milliseconds more for reordered ones, at most")
        ->check(CLI::NonNegativeNumber);
    application.add_option("--rate", options.rate, "Mbit/s; 0: unlimited")->check(CLI::NonNegativeNumber);
    application.add_option("--queue", options.queue, "KiB waiting for the rate")->check(CLI::NonNegativeNumber);
    application.add_option("--seed", options.seed, "of chance");
}

Duration milliseconds(double count)
{
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>{count});
}

Faults faults_of(const Options& options)
{
    return {.loss = options.loss / 100,
            .duplication = options.duplication / 100,
            .reordering = options.reordering / 100,
            .delay = milliseconds(options.delay),
            .jitter = milliseconds(options.jitter),
            .held_back = milliseconds(options.held_back),
            .rate = options.rate * bytes_per_megabit,
            .queue = options.queue * 1024};
}

void await_signal(boost::asio::signal_set& signals, boost::asio::io_context& io, const Relay& relay)
{
    signals.async_wait(
        [&](error_code failure, int number)
        {
            std::cout << relay.counters() << std::endl; // read by a test while the relay runs
            if (failure || number != SIGUSR1)
            {
                io.stop();
                return;
            }
            await_signal(signals, io, relay);
        });
}

int run(const Options& options)
{
    boost::asio::io_context io{1};
    const auto endpoint = [](const std::string& address, std::uint16_t port) {
        return udp::endpoint{boost::asio::ip::make_address(address), port};
    };
    Relay relay{io, endpoint(options.address, options.port), endpoint(options.server_address, options.server_port),
                faults_of(options), options.seed};
    boost::asio::signal_set signals{io, SIGTERM, SIGINT, SIGUSR1};
    await_signal(signals, io, relay);
    std::cout << "port " << relay.port() << std::endl;
    io.run();
    return 0;
}

} // namespace
} // namespace fwupdate::interop

int main(int argc, char** argv)
{
    try
    {
        CLI::App application{"UDP relay with faults"};
        fwupdate::interop::Options options;
        fwupdate::interop::declare(application, options);
        CLI11_PARSE(application, argc, argv);
        return fwupdate::interop::run(options);
    }
    catch (const std::exception& failure)
    {
        std::cerr << "lossy_relay: " << failure.what() << '\n';
        return 1;
    }
}
