#include "bmc-agent/dbus/probe.hpp"

#include "common/bytes.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <unistd.h>

#include <memory>
#include <string_view>

namespace fwupdate::agent::dbus
{
namespace
{

namespace asio = boost::asio;
using asio::local::stream_protocol;

constexpr std::size_t longest_answer = 256; ///< bytes of a line

class Probe : public std::enable_shared_from_this<Probe>
{
  public:
    Probe(asio::io_context& context, std::function<void(const Result<void>&)> done)
        : socket_{context}, timer_{context}, done_{std::move(done)}
    {
    }

    void begin(const stream_protocol::endpoint& place, std::chrono::seconds limit)
    {
        timer_.expires_after(limit);
        timer_.async_wait(
            [self = shared_from_this()](boost::system::error_code stopped)
            {
                if (!stopped)
                {
                    self->end(fail(ErrorKind::timeout, "it does not answer"));
                }
            });
        socket_.async_connect(place, [self = shared_from_this()](boost::system::error_code error)
                              { error ? self->end(failure(error)) : self->ask(); });
    }

  private:
    static Error failure(boost::system::error_code error)
    {
        return fail(ErrorKind::input_output, error.message());
    }

    /// A NUL byte, then SASL: the user's number in decimal digits, each of them in hexadecimal.
    void ask()
    {
        text_ = std::string{'\0'} + "AUTH EXTERNAL " + to_hex(as_bytes(std::to_string(::geteuid()))) + "\r\n";
        asio::async_write(socket_, asio::buffer(text_),
                          [self = shared_from_this()](boost::system::error_code error, std::size_t)
                          { error ? self->end(failure(error)) : self->listen(); });
    }

    void listen()
    {
        text_.clear();
        asio::async_read_until(socket_, asio::dynamic_buffer(text_, longest_answer), "\r\n",
                               [self = shared_from_this()](boost::system::error_code error, std::size_t)
                               { self->end(error ? Result<void>{failure(error)} : self->verdict()); });
    }

    [[nodiscard]] Result<void> verdict() const
    {
        if (!text_.starts_with("OK "))
        {
            return fail(ErrorKind::input_output, "it does not let the agent in: " + printable(text_.substr(0, 80)));
        }
        return {};
    }

    void end(const Result<void>& result)
    {
        timer_.cancel();
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (const auto done = std::exchange(done_, nullptr))
        {
            done(result);
        }
    }

    stream_protocol::socket socket_;
    asio::steady_timer timer_;
    std::function<void(const Result<void>&)> done_;
    std::string text_;
};

} // namespace

std::string socket_of(const std::string& address)
{
    const std::string_view first = std::string_view{address}.substr(0, address.find(';'));
    constexpr std::string_view file = "unix:path=";
    constexpr std::string_view abstract = "unix:abstract=";
    if (first.starts_with(file))
    {
        return std::string{first.substr(file.size(), first.find(',') - file.size())};
    }
    return first.starts_with(abstract)
               ? std::string{'\0'} + std::string{first.substr(abstract.size(), first.find(',') - abstract.size())}
               : std::string{};
}

void probe(boost::asio::io_context& context, const std::string& socket, std::chrono::seconds limit,
           std::function<void(const Result<void>&)> done)
{
    if (socket.size() >= sizeof(sockaddr_un{}.sun_path))
    {
        asio::post(context,
                   [done = std::move(done)] { done(fail(ErrorKind::input_output, "its address is too long")); });
        return;
    }
    std::make_shared<Probe>(context, std::move(done))->begin(stream_protocol::endpoint{socket}, limit);
}

} // namespace fwupdate::agent::dbus
