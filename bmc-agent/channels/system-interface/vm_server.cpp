#include "bmc-agent/channels/system-interface/vm_server.hpp"

#include "bmc-agent/channels/system-interface/host_channel.hpp"
#include "bmc-agent/channels/system-interface/vm_connection.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <utility>

namespace fwupdate::agent::system_interface
{
namespace
{

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
using boost::system::error_code;

/// Reads, answers, reads again. The interface has one message outstanding: there is no queue. Lives as long as its
/// handlers.
class Link final : public std::enable_shared_from_this<Link>
{
  public:
    Link(Socket socket, const HostChannel& channel) : socket_{std::move(socket)}, connection_{channel} {}

    void start()
    {
        send(VmConnection::greeting());
    }

    void close()
    {
        error_code ignored; // it ends either way
        socket_.close(ignored);
    }

  private:
    void read()
    {
        socket_.async_read_some(
            asio::buffer(incoming_),
            [self = shared_from_this()](error_code error, std::size_t size)
            {
                if (!error)
                {
                    self->send(self->connection_.receive(ConstBytes{self->incoming_}.first(size), Clock::now()));
                }
            });
    }

    void send(Bytes bytes)
    {
        outgoing_ = std::move(bytes);
        if (outgoing_.empty())
        {
            read();
            return;
        }
        asio::async_write(socket_, asio::buffer(outgoing_),
                          [self = shared_from_this()](error_code error, std::size_t)
                          {
                              if (!error)
                              {
                                  self->read();
                              }
                          });
    }

    Socket socket_;
    VmConnection connection_;
    std::array<std::uint8_t, 4096> incoming_{};
    Bytes outgoing_;
};

void prepare(asio::ip::tcp::socket& socket)
{
    error_code ignored; // slower without
    socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
}

void prepare(asio::local::stream_protocol::socket& /*socket*/) {}

std::string to_text(const asio::ip::tcp::endpoint& endpoint)
{
    const std::string address = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

std::string to_text(const asio::local::stream_protocol::endpoint& endpoint)
{
    return endpoint.path();
}

template <class Protocol> class Listener final : public HostServer
{
  public:
    Listener(asio::io_context& context, const config::SystemInterface& settings, const CommandTable& commands, Log& log)
        : channel_{settings, commands}, log_{log}, acceptor_{context}
    {
    }

    error_code open(const typename Protocol::endpoint& endpoint)
    {
        error_code error;
        acceptor_.open(endpoint.protocol(), error);
        if (!error)
        {
            acceptor_.set_option(asio::socket_base::reuse_address{true}, error);
        }
        if (!error)
        {
            acceptor_.bind(endpoint, error);
        }
        if (!error)
        {
            acceptor_.listen(1, error);
        }
        if (!error)
        {
            name_ = to_text(acceptor_.local_endpoint());
            accept();
        }
        return error;
    }

    [[nodiscard]] std::string name() const override
    {
        return name_;
    }

    void stop() override
    {
        error_code ignored; // it ends either way
        acceptor_.close(ignored);
        replace(nullptr);
    }

  private:
    void accept()
    {
        acceptor_.async_accept(
            [this](error_code error, typename Protocol::socket socket)
            {
                if (error == asio::error::operation_aborted)
                {
                    return; // this may be gone
                }
                if (error)
                {
                    log_.event(Level::warning, "A host could not connect",
                               {{"interface", name_}, {"reason", error.message()}});
                    accept();
                    return;
                }
                prepare(socket);
                log_.event(Level::info, "Host connected",
                           {{"interface", name_}, {"channel", std::to_string(channel_.number())}});
                auto link = std::make_shared<Link>(Socket{std::move(socket)}, channel_);
                link->start();
                replace(link);
                accept();
            });
    }

    void replace(const std::shared_ptr<Link>& link)
    {
        if (const auto former = std::exchange(link_, link).lock())
        {
            former->close();
        }
    }

    HostChannel channel_;
    Log& log_;
    std::string name_;
    typename Protocol::acceptor acceptor_;
    std::weak_ptr<Link> link_;
};

template <class Protocol>
Result<std::unique_ptr<HostServer>> listen(std::unique_ptr<Listener<Protocol>> listener,
                                           const typename Protocol::endpoint& endpoint)
{
    if (const error_code error = listener->open(endpoint))
    {
        return fail(ErrorKind::input_output, "cannot listen on " + to_text(endpoint) + ": " + error.message() +
                                                 "; check system_interfaces in the configuration");
    }
    return std::unique_ptr<HostServer>{std::move(listener)};
}

/// A socket that a former agent left; what else may stand there, bind() tells.
void remove_socket(const std::filesystem::path& path)
{
    std::error_code ignored;
    if (std::filesystem::is_socket(path, ignored))
    {
        std::filesystem::remove(path, ignored);
    }
}

} // namespace

Result<std::unique_ptr<HostServer>> listen_for_emulator(asio::io_context& context,
                                                        const config::SystemInterface& settings,
                                                        const CommandTable& commands, Log& log)
{
    if (const auto* const path = std::get_if<std::filesystem::path>(&settings.listen))
    {
        using Local = asio::local::stream_protocol;
        remove_socket(*path);
        return listen<Local>(std::make_unique<Listener<Local>>(context, settings, commands, log), {path->string()});
    }
    const auto& address = std::get<config::ListenAddress>(settings.listen);
    using Tcp = asio::ip::tcp;
    return listen<Tcp>(std::make_unique<Listener<Tcp>>(context, settings, commands, log),
                       {asio::ip::make_address(address.address), address.port});
}

} // namespace fwupdate::agent::system_interface
