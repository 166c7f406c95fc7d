#include "transports/network/host/file_server.hpp"

#include "common/random.hpp"
#include "transports/network/host/certificate.hpp"
#include "transports/network/host/file_connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <csignal>
#include <thread>
#include <utility>

namespace fwupdate::network
{
namespace
{

constexpr std::chrono::milliseconds accept_pause{100}; ///< after an error, as for want of descriptors

/// IPv4 that came through an IPv6 socket is IPv4; zones don't count.
asio::ip::address plain(const asio::ip::address& address)
{
    if (address.is_v6() && address.to_v6().is_v4_mapped())
    {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return address.is_v6() ? asio::ip::address{asio::ip::address_v6{address.to_v6().to_bytes()}} : address;
}

error_code listen_on(tcp::acceptor& acceptor, const tcp::endpoint& endpoint)
{
    error_code error;
    acceptor.close(error);
    acceptor.open(endpoint.protocol(), error);
    if (!error && endpoint.port() != 0)
    {
        acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    }
    if (!error && endpoint.address().is_v6())
    {
        error_code ignored; // a system without the option has both anyway
        acceptor.set_option(asio::ip::v6_only{endpoint.address() != asio::ip::address_v6::any()}, ignored);
    }
    if (!error)
    {
        acceptor.bind(endpoint, error);
    }
    if (!error)
    {
        acceptor.listen(tcp::acceptor::max_listen_connections, error);
    }
    return error;
}

/// At the address itself; where that is none of this machine's, at all of its kind; for a name, at all.
error_code listen_for(tcp::acceptor& acceptor, const ServerOptions& options)
{
    error_code not_numeric;
    const asio::ip::address address = asio::ip::make_address(options.address, not_numeric);
    if (not_numeric)
    {
        const error_code both = listen_on(acceptor, {asio::ip::address_v6::any(), options.port});
        return both ? listen_on(acceptor, {asio::ip::address_v4::any(), options.port}) : both;
    }
    const error_code error = listen_on(acceptor, {address, options.port});
    if (error != boost::system::errc::address_not_available)
    {
        return error;
    }
    return address.is_v6() ? listen_on(acceptor, {asio::ip::address_v6::any(), options.port})
                           : listen_on(acceptor, {asio::ip::address_v4::any(), options.port});
}

std::string random_path()
{
    std::array<std::uint8_t, 16> bits{};
    SystemRandom{}.fill(bits);
    return "/" + to_hex(bits);
}

/// A thread that no signal is delivered to: those are for the program's own.
template <class Work> std::thread quiet_thread(Work work)
{
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread{std::move(work)};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

} // namespace

/// Everything but `report` is the server's thread's once it runs.
class FileServer::Engine
{
  public:
    Engine(ServerOptions options, ServedFile file)
    {
        state_.resource = {random_path(), file.size, etag_of(file.sha256)};
        state_.options = std::move(options);
        state_.file = std::move(file);
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    ~Engine()
    {
        io_.stop();
        if (thread_.joinable())
        {
            thread_.join();
        }
    }

    Result<void> open()
    {
        if (const Result<void> peer = read_peer(); !peer)
        {
            return peer.error();
        }
        if (state_.options.tls)
        {
            if (const Result<void> prepared = prepare_tls(); !prepared)
            {
                return prepared.error();
            }
        }
        if (const error_code error = listen_for(acceptor_, state_.options))
        {
            return fail(ErrorKind::input_output, "cannot listen on " + state_.options.address + " port " +
                                                     std::to_string(state_.options.port) + ": " + error.message());
        }
        error_code error;
        port_ = acceptor_.local_endpoint(error).port();
        accept();
        thread_ = quiet_thread([this] { io_.run(); });
        return {};
    }

    [[nodiscard]] std::uint16_t port() const
    {
        return port_;
    }
    [[nodiscard]] const std::string& path() const
    {
        return state_.resource.path;
    }
    [[nodiscard]] const std::optional<Sha256>& pin() const
    {
        return pin_;
    }
    [[nodiscard]] ServerReport report() const
    {
        const std::scoped_lock lock{state_.mutex};
        return state_.report;
    }

  private:
    Result<void> read_peer()
    {
        if (!state_.options.peer)
        {
            return {};
        }
        error_code error;
        peer_ = plain(asio::ip::make_address(*state_.options.peer, error));
        return error ? fail(ErrorKind::invalid_field, "'" + *state_.options.peer + "' is not a numeric address")
                     : Result<void>{};
    }

    Result<void> prepare_tls()
    {
        auto made = Certificate::make();
        if (!made)
        {
            return made.error();
        }
        SSL_CTX* context = tls_.native_handle();
        if (::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
            ::SSL_CTX_use_certificate(context, made->x509()) != 1 ||
            ::SSL_CTX_use_PrivateKey(context, made->key()) != 1)
        {
            return fail(ErrorKind::input_output, "OpenSSL does not take the certificate");
        }
        pin_ = made->pin();
        return {};
    }

    void accept()
    {
        acceptor_.async_accept([this](error_code error, tcp::socket socket) { accepted(error, std::move(socket)); });
    }

    void accepted(error_code error, tcp::socket socket)
    {
        if (error)
        {
            pause_.expires_after(accept_pause);
            pause_.async_wait([this](error_code) { accept(); });
            return;
        }
        admit(std::move(socket));
        accept();
    }

    void admit(tcp::socket socket)
    {
        error_code error;
        const asio::ip::address from = plain(socket.remote_endpoint(error).address());
        if (error || (peer_ && from != *peer_))
        {
            state_.note(
                [&](ServerReport& report)
                {
                    ++report.refused;
                    report.last_refused = error ? std::string{} : from.to_string();
                });
            return;
        }
        if (state_.open >= state_.options.limits.connections)
        {
            return;
        }
        state_.note([](ServerReport& report) { ++report.connections; });
        if (pin_)
        {
            std::make_shared<FileConnection<TlsStream>>(state_, std::move(socket), tls_)->start();
        }
        else
        {
            std::make_shared<FileConnection<beast::tcp_stream>>(state_, std::move(socket))->start();
        }
    }

    ServerState state_; // outlives the connections, which live in io_
    asio::ssl::context tls_{asio::ssl::context::tls_server};
    std::optional<Sha256> pin_;
    std::optional<asio::ip::address> peer_;
    std::uint16_t port_{};
    asio::io_context io_{1};
    tcp::acceptor acceptor_{io_};
    asio::steady_timer pause_{io_};
    std::thread thread_;
};

FileServer::FileServer(std::unique_ptr<Engine> engine) : engine_{std::move(engine)} {}
FileServer::~FileServer() = default;

Result<std::unique_ptr<FileServer>> FileServer::start(ServerOptions options, ServedFile file)
{
    auto engine = std::make_unique<Engine>(std::move(options), std::move(file));
    if (const Result<void> opened = engine->open(); !opened)
    {
        return opened.error();
    }
    return std::unique_ptr<FileServer>{new FileServer{std::move(engine)}};
}

std::uint16_t FileServer::port() const
{
    return engine_->port();
}

const std::string& FileServer::path() const
{
    return engine_->path();
}

const std::optional<Sha256>& FileServer::pin() const
{
    return engine_->pin();
}

ServerReport FileServer::report() const
{
    return engine_->report();
}

} // namespace fwupdate::network
